"""Show the training in TensorBoard.

python run_tfboard.py high     http://localhost:8889
python run_tfboard.py bot      http://localhost:8890
python run_tfboard.py ft       http://localhost:8891
python run_tfboard.py          all three in one view, http://localhost:6006
"""

import subprocess
import sys

from configs.command_line import make_parser, run, settings
from configs.stage_settings import log_folder
from system.errors import InputError

PORTS = {"high": 8889, "bot": 8890, "ft": 8891, "all": 6006}
SWITCHES = {"log_path": "train.log_path"}


def main(argv=None):
    """Run TensorBoard until it is stopped; return its exit status."""
    parser = make_parser(__doc__, SWITCHES)
    parser.add_argument("stage", nargs="?", choices=PORTS, default="all")
    parser.add_argument("--port", type=int, help="another port")
    args = parser.parse_args(argv)
    config = settings(args, SWITCHES)
    folder = log_folder(config)
    if args.stage != "all":
        folder /= args.stage
    if not folder.is_dir():
        raise InputError(
            f"there are no summaries in {folder}; train that stage first, or set train.log_path"
        )
    port = args.port or PORTS[args.stage]
    print(
        f"http://localhost:{port} shows the curves; from another computer, first run there: "
        f"ssh -L {port}:localhost:{port} THIS_MACHINE",
        flush=True,
    )
    # Said though it is TensorBoard's default: the pictures are nobody else's business.
    command = ["--host", "localhost", "--logdir", str(folder), "--port", str(port)]
    return subprocess.call([sys.executable, "-m", "tensorboard.main", *command])


if __name__ == "__main__":
    run(main)

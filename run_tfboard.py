"""Show the training in TensorBoard.

python run_tfboard.py high     http://localhost:8889
python run_tfboard.py bot      http://localhost:8890
python run_tfboard.py ft       http://localhost:8891
python run_tfboard.py          all three in one view, http://localhost:6006
"""

import subprocess
import sys
from pathlib import Path

from configs.command_line import make_parser, run, settings
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
    folder = Path(config.train.log_path)
    if args.stage != "all":
        folder /= args.stage
    if not folder.is_dir():
        raise InputError(
            f"there are no summaries in {folder}; train that stage first, or set train.log_path"
        )
    port = args.port or PORTS[args.stage]
    # Said though it is TensorBoard's default: the pictures are nobody else's business.
    command = ["--host", "localhost", "--logdir", str(folder), "--port", str(port)]
    return subprocess.call([sys.executable, "-m", "tensorboard.main", *command])


if __name__ == "__main__":
    run(main)

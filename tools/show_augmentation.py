"""Show what data.augment_* makes of the pictures of data.hdr_path, on contact sheets.

    python tools/show_augmentation.py --preset photographs --output augmentation

Each picture is shown as a view of it, with each variation by itself, and with all that chance
gives it in the first epoch. Writes augmentation1.jpg and so on.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from configs.command_line import make_parser, run, settings  # noqa: E402
from configs.stage_settings import stage_settings  # noqa: E402
from data.preparation.augmentation import VARIATIONS, Augmentation, augment  # noqa: E402
from data.preparation.normalize import normalize_hdr  # noqa: E402
from labels.sheet import write_sheets  # noqa: E402
from models.display import stretched  # noqa: E402
from system.errors import InputError  # noqa: E402

PICTURES = 5  # at most


def main(argv=None):
    """Write the sheets; return the exit status."""
    parser = make_parser(__doc__, {})
    parser.add_argument("--output", default="augmentation", help="beginning of the sheets' names")
    args = parser.parse_args(argv)
    pictures = stage_settings("ft", settings(args, {}), args.preset).whole_pictures
    if pictures is None:
        raise InputError("train.whole_pictures is False; give --preset photographs")
    for path in write_sheets(args.output, cells(pictures)):
        print(path)
    return 0


def cells(pictures):
    """Yield the cells of labels.sheet.write_sheets."""
    plain = pictures._replace(augmentation=Augmentation())
    for index in range(min(PICTURES, pictures.count)):
        view = plain.scene(0, 0, index)
        yield _cell(view, "a view")
        for name in VARIATIONS:
            only = Augmentation(**{name: 1.0})
            yield _cell(augment(view, only, np.random.default_rng(index)), name)
        yield _cell(pictures.scene(0, 0, index), "in training")


def _cell(rgb, text):
    return stretched(normalize_hdr(rgb, "gamma")), (text, ""), False


if __name__ == "__main__":
    run(main)

"""Score every checkpoint that a folder lists, say which is the best, and write CHOICE.md.

python tools/choose_checkpoint.py FOLDER ... --pictures DIR ... [--output CHOICE.md]

Folders are those of the ft stage. What is best, RULE below says.
"""

import argparse
import functools
import math
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402

from data.pictures import list_hdr  # noqa: E402
from evaluation.plan import PlannedRow, ScoreTasks  # noqa: E402
from evaluation.scoring import ToneMapped, inspect_source, score_row  # noqa: E402
from evaluation.table import Table, markdown, spread  # noqa: E402
from labels.search import DISTORTION_WEIGHT, LEAST_DISTORTION  # noqa: E402
from metrics import jod  # noqa: E402
from system.atomic import replacing  # noqa: E402
from system.devices import import_tensorflow  # noqa: E402
from system.errors import InputError  # noqa: E402
from system.files import result_stems  # noqa: E402
from system.parallel import in_order  # noqa: E402

JOD_WEIGHT = 0.03  # of 1 JOD in units of Q
RULE = f"""Rule: the fewest guards broken on all pictures; of equals the greatest mean of
Q + {JOD_WEIGHT} JOD, or of Q - {DISTORTION_WEIGHT} log(contrast distortion) without JOD."""
COLUMNS = ("Q", "S", "N", *(("JOD",) if jod.installed() else ()), "contrast_distortion")


def main():
    """Score, choose, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--pictures", nargs="+", required=True, metavar="DIR")
    parser.add_argument("--output", default="CHOICE.md", type=Path)
    args = parser.parse_args()
    try:
        text = chosen(args.folders, args.pictures)
        with replacing(args.output) as file:
            file.write(text.encode())
    except InputError as error:
        sys.exit(f"error: {error}")
    print(text)


def chosen(folders, sets):
    """Return the Markdown text about all checkpoints of folders on sets, folders of pictures."""
    jod.load()
    import_tensorflow()
    from models.weights import listed_checkpoints

    paths = [path for folder in folders for path in listed_checkpoints(folder) or ()]
    lines, ranks = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        files = {Path(file): name for name in sets for file in list_hdr([name])}
        stems = result_stems(files)
        set_of = {stem: files[file] for file, stem in stems.items()}
        sources = [inspect_source(str(f), stem, False, scratch) for f, stem in stems.items()]
        for path in paths if sources else ():
            print(f"scoring {path}", flush=True)
            try:
                rows = scored(path, sources, scratch)
            except InputError as error:
                print(f"skipped: {error}", file=sys.stderr)
                continue
            ranks[path] = rank(rows)
            for name in dict.fromkeys(set_of.values()):
                part = [row for row in rows if set_of[row["picture"]] == name]
                means = [f"{spread([row[key] for row in part])[0]:.4f}" for key in COLUMNS]
                broken = sum(row["guards_broken"] for row in part)
                lines.append([path, f"{len(part)} of {name}", *means, f"{broken:.0f}"])
    if not ranks:
        raise InputError("nothing could be scored; give folders of checkpoints and of HDR pictures")
    table = markdown(Table("", ("checkpoint", "pictures", *COLUMNS, "guards broken"), lines))
    return f"{table}\n\nChosen: {max(ranks, key=ranks.__getitem__)}\n\n{RULE}\n"


def scored(path, sources, folder):
    """Return the rows of evaluation.scoring of one checkpoint on all sources."""
    import tensorflow as tf

    from inference.operator import Operator
    from models.weights import Checkpoint

    try:
        operator = Operator(Checkpoint(path, tf.train.load_checkpoint(path), None))
    except InputError:
        raise
    except Exception as error:  # the reader raises its own kinds
        raise InputError(f"{path} is damaged or gone; put whole files there") from error

    def tone_map(file):
        return ToneMapped(*operator.tone_map(file))

    plan = [PlannedRow(source, "network", tone_map, "") for source in sources]
    tasks = ScoreTasks(plan, False, 2**operator.preparation.level_num, folder)
    one_thread = functools.partial(cv2.setNumThreads, 1)
    rows = [row for _, row in in_order(score_row, tasks, None, one_thread)]
    for row in rows:
        if isinstance(row, InputError):
            raise row
    return rows


def rank(rows):
    """Return what RULE compares a checkpoint's rows by; the greatest is the best."""
    q, jods = (spread([row[key] for row in rows])[0] for key in ("Q", "JOD"))
    logs = [math.log(max(row["contrast_distortion"], LEAST_DISTORTION)) for row in rows]
    seen = JOD_WEIGHT * jods if jod.installed() else -DISTORTION_WEIGHT * spread(logs)[0]
    score = -math.inf if math.isnan(q + seen) else q + seen
    return -sum(row["guards_broken"] for row in rows), score


if __name__ == "__main__":
    main()

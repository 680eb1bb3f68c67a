"""Make SDR partners for HDR pictures that have none: labels to train with.

    python make_sdr.py                                  the HDR files of data.hdr_path
    python make_sdr.py --set data.appendix_sdr=png      without JPEG's losses
    python make_sdr.py --hdr_path DIR --sdr_path DIR --label_path DIR

For each HDR file of data.hdr_path without a partner in data.sdr_path, a picture of the
same name with any SDR ending, it searches the classical operators and a family of its
own (a Reinhard curve over key, white point, contrast and detail gain) for the best TMQI and
the least contrast distortion together, within the limits of the guards: clipping, colour,
greyness, halos, noise.

Partners that are there are never changed. Writes the SDR files, and make_sdr.csv and
contact sheets to data.label_path; a text in orange there names limits that even the best
picture exceeds, so look at it before training. Rerun an interrupted command to resume it;
to make a label again, delete its SDR file. A file that cannot be read is named and
skipped, and the exit status is then 1.
"""

import contextlib
import functools
import os
import statistics
import sys

import cv2
from tqdm import tqdm

from configs.command_line import make_parser, run, settings
from configs.schema import existing_folder
from data.pairs import find_unpaired, hdr_suffix, ignored_hdr
from data.pictures import read_sdr
from labels.family import Setting
from labels.label import FIELDS, make_label
from labels.search import FAMILY
from labels.sheet import write_sheets
from metrics.pair import eight_bits
from system.atomic import replacing
from system.csv_file import content_key, read_rows, write_rows
from system.errors import InputError
from system.files import make_folder, read_bytes
from system.parallel import in_order

SWITCHES = {
    "hdr_path": "data.hdr_path",
    "sdr_path": "data.sdr_path",
    "label_path": "data.label_path",
}
SUFFIXES = (".png", ".jpg", ".jpeg")  # that can be written
ONE_THREAD = functools.partial(cv2.setNumThreads, 1)  # the processes are the parallelism


def main(argv=None):
    """Make all labels that are lacking; return the exit status."""
    config = settings(make_parser(__doc__, SWITCHES).parse_args(argv), SWITCHES).data
    suffix = f".{config.appendix_sdr.lstrip('.').lower()}"
    if suffix not in SUFFIXES:
        raise InputError(
            f"data.appendix_sdr is {config.appendix_sdr!r}; it must be png, jpg or jpeg"
        )
    existing_folder(config.hdr_path, "data.hdr_path")
    hdr_suffix(config.appendix_hdr)
    sdr_path, label_path = (
        make_folder(config[key], f"data.{key}") for key in ("sdr_path", "label_path")
    )
    endings = config.appendix_hdr, config.appendix_sdr
    unpaired, partners = find_unpaired(config.hdr_path, sdr_path, *endings)
    if remark := ignored_hdr(config.hdr_path, config.appendix_hdr):
        print(remark, file=sys.stderr)
    if not (unpaired or partners):
        raise InputError(
            f"{config.hdr_path} has no .{config.appendix_hdr.lstrip('.')} file; put HDR pictures "
            "there, or set data.hdr_path or data.appendix_hdr"
        )
    print(f"{len(unpaired)} pictures to make, {len(partners)} have a partner", flush=True)
    table = label_path / "make_sdr.csv"
    rows = unchanged_labels(read_rows(table, FIELDS), partners)
    tasks = [(path, suffix, config.label_saturation) for path in unpaired]
    written, skipped = make_all(tasks, rows, sdr_path, table, config.processes)

    partners |= {path.stem: sdr_path / f"{path.stem}{suffix}" for path in unpaired}
    worst_first = sorted(rows.values(), key=lambda row: row["Q"])
    cells = (
        (eight_bits(read_sdr(partners[row["picture"]])), captions(row), bool(row["broken"]))
        for row in worst_first
    )
    for page in write_sheets(label_path / "sheet_", cells):
        print(f"contact sheet: {page}")
    if rows:
        means = {name: statistics.fmean(row[name] for row in worst_first) for name in "QSN"}
        texts = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
        print(f"mean of {len(rows)} labels: {texts}; least Q {worst_first[0]['Q']:.4f}")
    if doubtful := sorted(row["picture"] for row in worst_first if row["broken"]):
        print(f"beyond a guard's limit, look at them: {', '.join(doubtful)}")
    print(f"{written} written, {skipped} skipped")
    return 1 if skipped else 0


def unchanged_labels(rows, partners):
    """Return the rows whose SDR file still is the one that was made, a dict by picture."""
    unchanged = {}
    for row in rows:
        with contextlib.suppress(InputError):  # the user's own, which this run does not need
            path = partners.get(row["picture"])
            if path and content_key(read_bytes(path)) == row["key_of_file"]:
                unchanged[row["picture"]] = row
    return unchanged


def make_all(tasks, rows, sdr_path, table, processes):
    """Make the labels and add their rows; return how many were written, and skipped."""
    written = skipped = 0
    work = in_order(make_label, tasks, processes, ONE_THREAD)
    for (path, suffix, _), outcome in tqdm(work, "searching", len(tasks), unit="picture"):
        target = sdr_path / f"{path.stem}{suffix}"
        if not isinstance(outcome, InputError) and os.path.lexists(target):
            outcome = InputError(f"{path}: {target} was put there meanwhile and is not replaced")
        if isinstance(outcome, InputError):
            tqdm.write(f"skipped: {outcome}", file=sys.stderr)
            skipped += 1
            continue
        data, row = outcome
        rows[path.stem] = row
        # The row first: a picture without one would pass for the user's own.
        write_rows(table, FIELDS, [rows[stem] for stem in sorted(rows)])
        with replacing(target) as file:
            file.write(data)
        written += 1
    return written, skipped


def captions(row):
    """Return the two lines beneath a picture."""
    second = row["operator"]
    if row["broken"]:
        second = f"beyond the limit: {row['broken']}"
    elif second == FAMILY:
        second = " ".join(f"{name} {row[name]:.2f}" for name in Setting._fields)
    return (f"{row['picture']}  Q {row['Q']:.3f}", second)


if __name__ == "__main__":
    run(main)

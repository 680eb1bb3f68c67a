"""Make SDR partners for HDR pictures that have none: labels to train with.

    python make_sdr.py                                  the HDR files of data.hdr_path
    python make_sdr.py --set data.appendix_sdr=png      without JPEG's losses
    python make_sdr.py --hdr_path DIR --sdr_path DIR --label_path DIR

For each HDR file of data.hdr_path without a partner in data.sdr_path, a picture of the
same name with any SDR ending, it searches the classical operators and a family of its
own (a Reinhard curve over key, white point, contrast and detail gain) for the best TMQI
that does not break the guards: clipping, colour, greyness, halos, noise.

Partners that are there are never changed. Writes the SDR files, and make_sdr.csv and
contact sheets to data.label_path; a text in orange there names guards that even the best
picture breaks, so look at it before training. A broken run goes on where it stopped; to
make a label anew, delete its SDR file. A file that cannot be read is named and skipped,
and the exit status is then 1.
"""

import os
import statistics
import sys
from pathlib import Path

from tqdm import tqdm

from configs.command_line import make_parser, run, settings
from configs.schema import existing_folder
from data.pairs import find_unpaired, hdr_suffix
from data.pictures import read_sdr
from evaluation.rows import digest, eight_bits, quiet, quiet_opencv
from labels.family import Setting
from labels.make import label
from labels.record import read_rows, write_rows
from labels.search import FAMILY
from labels.sheet import Sheet
from system.atomic import replacing
from system.errors import InputError
from system.files import make_folder, read_bytes
from system.parallel import in_order

SWITCHES = {
    "hdr_path": "data.hdr_path",
    "sdr_path": "data.sdr_path",
    "label_path": "data.label_path",
}
SUFFIXES = (".png", ".jpg", ".jpeg")  # that can be written


def main(argv=None):
    """Make all labels that are lacking; return the exit status."""
    config = settings(make_parser(__doc__, SWITCHES).parse_args(argv), SWITCHES).data
    suffix = sdr_suffix(config.appendix_sdr)
    existing_folder(config.hdr_path, "data.hdr_path")
    hdr_suffix(config.appendix_hdr)
    sdr_path, label_path = (
        make_folder(config[key], f"data.{key}") for key in ("sdr_path", "label_path")
    )
    quiet_opencv()

    lonely, partners = find_unpaired(config.hdr_path, sdr_path, config.appendix_hdr)
    if not (lonely or partners):
        raise InputError(
            f"{config.hdr_path} has no .{config.appendix_hdr.lstrip('.')} file; put HDR pictures "
            "there, or set data.hdr_path or data.appendix_hdr"
        )
    table = label_path / "make_sdr.csv"
    rows = own_rows(read_rows(table), partners)
    print(f"{len(lonely)} pictures to make, {len(partners)} have a partner", flush=True)
    tell_of_endings(partners, suffix)
    tasks = [(path, suffix, config.label_saturation) for path in lonely]
    made, skipped = make_all(tasks, rows, sdr_path, table, config.processes)

    pages = write_sheets(rows, sdr_path, suffix, partners, label_path)
    for page in pages:
        print(f"contact sheet: {page}")
    if rows:
        scores = [[float(row[name]) for row in rows.values()] for name in "QSN"]
        means = ", ".join(
            f"{name} {statistics.fmean(values):.4f}"
            for name, values in zip("QSN", scores, strict=True)
        )
        print(f"mean of {len(rows)} labels: {means}; least Q {min(scores[0]):.4f}")
    doubtful = sorted(row["picture"] for row in rows.values() if row["broken"])
    if doubtful:
        print(f"breaking a guard, look at them: {', '.join(doubtful)}")
    print(f"{made} written, {skipped} skipped")
    return 1 if skipped else 0


def sdr_suffix(appendix):
    """Return the ending of the SDR files with its dot; raise InputError for one not written."""
    suffix = f".{appendix.lstrip('.').lower()}"
    if suffix not in SUFFIXES:
        raise InputError(f"data.appendix_sdr is {appendix!r}; it must be png, jpg or jpeg")
    return suffix


def own_rows(rows, partners):
    """Return the rows whose SDR file still is the one that was made, by picture."""
    kept = {}
    for stem, paths in partners.items():
        if stem in rows:
            try:
                same = any(digest(read_bytes(path)) == rows[stem]["key_of_file"] for path in paths)
            except InputError:
                continue
            if same:
                kept[stem] = rows[stem]
    return kept


def tell_of_endings(partners, suffix):
    """Print how many partners generate_tfrec.py would not find."""
    other = [p for p, paths in partners.items() if suffix not in {x.suffix.lower() for x in paths}]
    if other:
        print(
            f"{len(other)} partners do not end in {suffix}, {other[0]} for one; training reads "
            "data.appendix_sdr alone"
        )


def make_all(tasks, rows, sdr_path, table, processes):
    """Make the labels and add their rows; return how many were made, and skipped."""
    made = skipped = 0
    work = in_order(label, tasks, processes, quiet)
    for (path, suffix, _), outcome in tqdm(work, "searching", len(tasks), unit="picture"):
        target = sdr_path / f"{path.stem}{suffix}"
        if not isinstance(outcome, InputError) and os.path.lexists(target):
            outcome = InputError(f"{target} was put there meanwhile; it is kept")
        if isinstance(outcome, InputError):
            text = str(outcome)
            text = text if str(path) in text else f"{path}: {text}"
            tqdm.write(f"skipped: {text}", file=sys.stderr)
            skipped += 1
            continue
        data, row = outcome
        rows[path.stem] = row
        # The row first: a picture without one would pass for the user's own.
        write_rows(table, [rows[stem] for stem in sorted(rows)])
        with replacing(target) as file:
            file.write(data)
        made += 1
    return made, skipped


def write_sheets(rows, sdr_path, suffix, partners, label_path):
    """Write the contact sheets of all labels, worst Q first; return their paths."""
    sheet = Sheet(label_path / "sheet_")
    for stem, row in sorted(rows.items(), key=lambda item: float(item[1]["Q"])):
        path = partners[stem][0] if stem in partners else Path(sdr_path) / f"{stem}{suffix}"
        sheet.add(eight_bits(read_sdr(path)), captions(row), alert=bool(row["broken"]))
    sheet.close()
    return sheet.pages


def captions(row):
    """Return the two lines beneath a picture."""
    operator = row["operator"]
    if operator == FAMILY:
        operator = " ".join(f"{name} {float(row[name]):.2f}" for name in Setting._fields)
    first = f"{row['picture']}  Q {float(row['Q']):.3f}"
    return first, f"breaks {row['broken']}" if row["broken"] else operator


if __name__ == "__main__":
    run(main)

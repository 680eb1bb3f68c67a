"""scores.csv: one row per picture and method, read back to go on with a broken run."""

import csv
import io
import math

from data.atomic import replacing
from metrics.scores import SCORES

# key stands last, so that a line cut short never passes for a whole one.
FIELDS = ("picture", "method", *SCORES, "seconds", "megapixels", "key")
KEY_LENGTH = 16
_TEXTS = ("picture", "method", "key")
DIGITS = 6  # significant; rows are rounded when made, so that a row read back is the same


def rounded(value):
    """Return a float as scores.csv keeps it."""
    return float(f"{value:.{DIGITS}g}")


def write_rows(path, rows):
    """Write rows, each a dict with FIELDS, whole or not at all.

    Numbers may be NaN ("nan"); seconds may be None, unknown (an empty field).

    Raises:
        InputError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        numbers = {name: _text(row[name]) for name in FIELDS if name not in _TEXTS}
        writer.writerow({**row, **numbers})
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def read_rows(path):
    """Return the rows of scores.csv as dict from (picture, method) to row.

    Lines that are no such row (damaged, cut short, of another version) are left
    out: they are to be scored again. A missing file has no rows.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            lines = file.read().split("\n")
    except OSError:
        return {}
    rows = {}
    # Line by line: a quote too many must not swallow the lines after it.
    for line in lines:
        row = _row(line)
        if row is not None:
            rows[row["picture"], row["method"]] = row
    return rows


def _row(line):
    try:
        values = next(csv.reader([line], strict=True), [])
        row = dict(zip(FIELDS, values, strict=True))
        for name in FIELDS:
            if name not in _TEXTS and (name != "seconds" or row[name]):
                row[name] = float(row[name])
    except (csv.Error, ValueError):
        return None
    row["seconds"] = row["seconds"] or None
    return row if len(row["key"]) == KEY_LENGTH and math.isfinite(row["megapixels"]) else None


def _text(value):
    return "" if value is None else f"{value:.{DIGITS}g}"

"""scores.csv: one row per picture and method, read back to go on with a broken run."""

import math

from metrics.scores import SCORES
from system.csv_file import read_table, write_table

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
    texts = (
        {**row, **{name: _text(row[name]) for name in FIELDS if name not in _TEXTS}} for row in rows
    )
    write_table(path, FIELDS, texts)


def read_rows(path):
    """Return the rows of scores.csv as dict from (picture, method) to row.

    Lines that are no such row (damaged, cut short, of another version) are left
    out: they are to be scored again. A missing file has no rows.
    """
    rows = filter(None, map(_row, read_table(path, FIELDS)))
    return {(row["picture"], row["method"]): row for row in rows}


def _row(row):
    try:
        for name in FIELDS:
            if name not in _TEXTS and (name != "seconds" or row[name]):
                row[name] = float(row[name])
    except ValueError:
        return None
    row["seconds"] = row["seconds"] or None
    return row if len(row["key"]) == KEY_LENGTH and math.isfinite(row["megapixels"]) else None


def _text(value):
    return "" if value is None else f"{value:.{DIGITS}g}"

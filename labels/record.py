"""make_sdr.csv: one row per label that was made, read back to go on with a broken run."""

import csv
import io

from data.atomic import replacing
from labels.family import Setting
from labels.guards import Figures

# key_of_file stands last, so that a line cut short never passes for a whole one.
FIELDS = (
    *("picture", "operator", *Setting._fields),
    *("Q", "S", "N", *Figures._fields, "broken"),
    *("tried", "rejected", "seconds", "key_of_file"),
)
KEY_LENGTH = 16
DIGITS = 5  # significant


def rounded(value):
    """Return a number as the table keeps it, a text; "nan" where it has no value."""
    return f"{value:.{DIGITS}g}"


def write_rows(path, rows):
    """Write rows, each a dict from FIELDS to texts, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def read_rows(path):
    """Return the rows of a table as dict from picture to row.

    Lines that are no such row (damaged, cut short, of another version) are left out. A
    missing file has no rows.
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
            rows[row["picture"]] = row
    return rows


def _row(line):
    try:
        row = dict(zip(FIELDS, next(csv.reader([line], strict=True), []), strict=True))
        float(row["Q"])
    except (csv.Error, ValueError):
        return None
    return row if len(row["key_of_file"]) == KEY_LENGTH else None

"""make_sdr.csv: one row per label that was made, read back to go on with a broken run."""

from labels.family import Setting
from labels.guards import Figures
from system.csv_file import read_table, write_table

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
    write_table(path, FIELDS, rows)


def read_rows(path):
    """Return the rows of a table as dict from picture to row.

    Lines that are no such row (damaged, cut short, of another version) are left out. A
    missing file has no rows.
    """
    return {row["picture"]: row for row in read_table(path, FIELDS) if _whole(row)}


def _whole(row):
    try:
        float(row["Q"])
    except ValueError:
        return False
    return len(row["key_of_file"]) == KEY_LENGTH

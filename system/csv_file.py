"""CSV tables that a broken run leaves behind and the next one reads."""

import csv
import io

from system.atomic import replacing


def write_table(path, fields, rows):
    """Write rows, each a dict from `fields` to texts, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def read_table(path, fields):
    """Return the rows of a table, a list of dicts from `fields` to texts, the header too.

    Lines with another number of fields (damaged, cut short, of another version) are
    left out. A missing file has no rows.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            lines = file.read().split("\n")
    except OSError:
        return []
    rows = []
    # Line by line: a quote too many must not swallow the lines after it.
    for line in lines:
        try:
            rows.append(dict(zip(fields, next(csv.reader([line], strict=True), []), strict=True)))
        except (csv.Error, ValueError):
            continue
    return rows

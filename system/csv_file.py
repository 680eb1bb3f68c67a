"""CSV tables of results, whose rows a later run takes over while their content keys agree."""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from system.atomic import replacing

SIGNIFICANT_DIGITS = 6
KEY_LENGTH = 16  # characters of a content key
# From the name of each column to what turns its text into a value, or raises ValueError. A key
# stands last, so that a line cut short never passes for a whole one.
Fields = Mapping[str, Callable[[str], Any]]


def optional_number(text: str) -> float | None:
    """Return a float, None for an empty field."""
    return float(text) if text else None


def key(text: str) -> str:
    """Return a content key."""
    if len(text) != KEY_LENGTH:
        raise ValueError(text)
    return text


def content_key(*parts: object) -> str:
    """Return a text that differs where any part does.

    Args:
        parts: bytes, or anything whose repr tells all of it.
    """
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogateescape")
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:KEY_LENGTH]


def rounded(value: float) -> float:
    """Return a number as tables hold it: a row read back equals the one that was written."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def write_rows(
    path: str | os.PathLike[str], fields: Fields, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write rows, each a dict from `fields` to values, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(fields), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        numbers = {
            name: f"{value:.{SIGNIFICANT_DIGITS}g}"
            for name, value in row.items()
            if isinstance(value, (int, float))
        }
        writer.writerow({**row, **numbers})
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def read_rows(path: str | os.PathLike[str], fields: Fields) -> list[dict[str, Any]]:
    """Return the rows of a table as dicts from `fields` to values.

    Lines that are no such row (damaged, cut short, of another version, the header) are
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
            texts = next(csv.reader([line], strict=True), [])
            columns = zip(fields.items(), texts, strict=True)
            rows.append({name: convert(text) for (name, convert), text in columns})
        except (csv.Error, ValueError):
            continue
    return rows

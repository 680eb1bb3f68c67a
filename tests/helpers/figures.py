"""The figures of docs/performance.md, and where they come from.

Before each table stands a comment that names its figures, and the circumstances of the run:

    <!-- inference.json sizes/1080x1920: wall_median gb_per_megapixel -->
    AMD EPYC, 2 cores, 2026-11-30: `python tools/benchmarks/inference.py`

    | | seconds | GB a megapixel |
    |---|---|---|
    | in bands, bfloat16 (`strips_bfloat16`) | 2.28 | 0.20 |

The figure of a cell is at FILE, the path, the row's first word in code, and the column's path.
"""

import functools
import json
import re

from helpers.documents import ROOT

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "tools" / "benchmarks" / "results"
TABLE = re.compile(r"^<!-- (\w+\.json) (\S*): (.*) -->\n(.*)\n\n((?:\|.*\n)+)", re.M)


def tables(text):
    """Yield (file, path, columns, circumstances, rows) of each table, rows as lists of cells."""
    for name, path, columns, circumstances, table in TABLE.findall(text):
        lines = [line.strip("|").split("|") for line in table.splitlines()]
        rows = [[cell.strip() for cell in line] for line in lines[2:]]
        yield name, path, columns.split(), circumstances, rows


def wrong_cells(name, path, columns, rows):
    """Return what differs between a table's cells and its file, as texts."""
    found = []
    for first, *cells in rows:
        row = re.search(r"`([^`]+)`", first)[1]
        if len(cells) != len(columns):
            found.append(f"{row} has {len(cells)} figures for {len(columns)} columns")
        for column, cell in zip(columns, cells, strict=False):
            value = at(name, "/".join(filter(None, (path, row, column))))
            decimals = len(cell.partition(".")[2])
            if cell != f"{value:.{decimals}f}":
                found.append(f"{name} {path} {row} {column}: the page says {cell}, not {value}")
    return found


def at(name, path):
    """Return what is at a path of a results' file."""
    return functools.reduce(lambda part, key: part[key], path.split("/"), result(name))


def result(name):
    """Return a results' file."""
    return json.loads((RESULTS / name).read_text())


def described(found):
    """Return the circumstances of a run as the page has them."""
    day = found["date"].partition("T")[0]
    return f"{found['processor']}, {found['cores']} cores, {day}: `{found['command']}`"


def prose(text):
    """Return a page without its code, tables and comments."""
    text = re.sub(r"^```.*?^```|^\|.*?$|<!--.*?-->", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`]*`", "", TABLE.sub("", text))

"""The summary of an evaluation: means, ranks and wins of the methods."""

import math
import statistics
from typing import NamedTuple

from metrics.scores import SCORES
from system.atomic import replacing

# Columns of the two tables: heading, key of the row, decimals.
QUALITY = (
    ("Q", "Q", 4),
    ("S", "S", 4),
    ("N", "N", 4),
    ("FSITM", "FSITM", 4),
    ("FSITM_TMQI", "FSITM_TMQI", 4),
)
COLOUR = (
    ("correlation", "colour_correlation", 3),
    ("chroma ratio", "chroma_ratio", 3),
    ("cast", "cast", 2),
    ("distance", "distance", 2),
)
NONE = "–"
LEGEND = """Mean ± standard deviation over the pictures. Rank is by mean Q; a picture is won by
its greatest Q, and shared by equals. Higher is better; a chroma ratio of 1, and a cast and a
distance (CIELAB units) of 0, are the scene's own colours. Seconds are medians, of tone mapping
alone while other pictures were being scored.
"""


class Spread(NamedTuple):
    """Mean and standard deviation (n - 1) of the values that are numbers, and how many are not."""

    mean: float
    deviation: float
    nans: int


class Summary(NamedTuple):
    """One method: rank by mean Q (None without any), wins, spreads by key, s/megapixel."""

    method: str
    rank: int | None
    wins: float
    count: int
    spreads: dict
    pace: float


class Table(NamedTuple):
    """Texts of a table; the first column names the method."""

    title: str
    heads: tuple
    rows: list


def spread(values):
    """Return the Spread of floats; a mean of none and a deviation of one are NaN."""
    numbers = [value for value in values if not math.isnan(value)]
    return Spread(
        statistics.fmean(numbers) if numbers else math.nan,
        statistics.stdev(numbers) if len(numbers) > 1 else math.nan,
        len(values) - len(numbers),
    )


def best(rows):
    """Return those rows of one picture that share its greatest Q; none where all are NaN."""
    scored = [row for row in rows if not math.isnan(row["Q"])]
    top = max((row["Q"] for row in scored), default=None)
    return [row for row in scored if row["Q"] == top]


def wins(rows, methods):
    """Return dict from method to pictures won: the greatest Q of each, 1/k to each of k equals."""
    won = dict.fromkeys(methods, 0.0)
    for picture in dict.fromkeys(row["picture"] for row in rows):
        winners = best([row for row in rows if row["picture"] == picture])
        for row in winners:
            won[row["method"]] += 1 / len(winners)
    return won


def summarise(rows, methods):
    """Return a Summary of each method that has rows, in the order of `methods`.

    Args:
        rows: dicts with evaluation.score_file.FIELDS.
        methods: all names in rows.
    """
    own = {method: [row for row in rows if row["method"] == method] for method in methods}
    own = {method: found for method, found in own.items() if found}
    keys = [key for _, key, _ in QUALITY + COLOUR]
    spreads = {m: {key: spread([r[key] for r in own[m]]) for key in keys} for m in own}
    means = {m: spreads[m]["Q"].mean for m in own}
    won = wins(rows, methods)
    return [
        Summary(
            method,
            # Equal means share the better rank; a NaN mean is above nothing.
            None if math.isnan(mean) else 1 + sum(other > mean for other in means.values()),
            won[method],
            len(own[method]),
            spreads[method],
            _pace(own[method]),
        )
        for method, mean in means.items()
    ]


def _pace(rows):
    """Median seconds per megapixel: the first pictures of a network take longer."""
    timed = [row["seconds"] / row["megapixels"] for row in rows if row["seconds"] is not None]
    return statistics.median(timed) if timed else math.nan


def tables(summaries):
    """Return the Tables of quality and of colour and time."""
    quality, colour = [], []
    for line in summaries:
        rank = NONE if line.rank is None else str(line.rank)
        first, *others = _cells(line, QUALITY)
        quality.append([line.method, first, rank, f"{line.wins:.3g}", *others, str(line.count)])
        colour.append([line.method, *_cells(line, COLOUR), _number(line.pace, 3)])
    return [
        Table(
            "Quality", ("method", "Q", "rank", "wins", *_heads(QUALITY[1:]), "pictures"), quality
        ),
        Table("Colour and time", ("method", *_heads(COLOUR), "s/megapixel"), colour),
    ]


def _heads(columns):
    return [head for head, _, _ in columns]


def _cells(line, columns):
    cells = []
    for _, key, decimals in columns:
        mean, deviation, nans = line.spreads[key]
        cell = f"{_number(mean, decimals)} ± {_number(deviation, decimals)}"
        cells.append(f"{cell} ({nans} NaN)" if nans else cell)
    return cells


def _number(value, decimals):
    return NONE if math.isnan(value) else f"{value:.{decimals}f}"


def nan_notes(rows):
    """Name every score that has no value, one sentence for each method and set of pictures."""
    lacking = {}
    for row in rows:
        for key in SCORES:
            if math.isnan(row[key]):
                lacking.setdefault((row["method"], key), []).append(row["picture"])
    together = {}
    for (method, key), pictures in lacking.items():
        together.setdefault((method, tuple(pictures)), []).append(key)
    return [
        f"{method}: NaN, and not in the mean: {', '.join(keys)} of {', '.join(pictures)}"
        for (method, pictures), keys in together.items()
    ]


def markdown(table):
    """Return a Table as Markdown whose columns are also aligned as plain text."""
    lines = [list(table.heads), *table.rows]
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    text = [
        [line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in (*lines, rule)
    ]
    text.insert(1, text.pop())
    return "\n".join("| " + " | ".join(line) + " |" for line in text)


def write_summary(path, summary, notes):
    """Write Tables and notes, sentences, as a Markdown file and return its text.

    Raises:
        InputError: the file cannot be written.
    """
    parts = [f"## {table.title}\n\n{markdown(table)}\n" for table in summary]
    if notes:
        parts.append("## Missing\n\n" + "\n".join(f"- {note}" for note in notes) + "\n")
    text = "\n".join([*parts, LEGEND])
    with replacing(path) as file:
        file.write(text.encode("utf-8", "replace"))
    return text

"""The summary of an evaluation: means, ranks and wins of the methods."""

import math
import statistics
from collections import Counter
from typing import NamedTuple

from metrics.scores import SCORES, broken_guards
from system.atomic import replacing

# Columns of the tables: heading, key of the row, decimals.
QUALITY = tuple((name, name, 4) for name in ("Q", "S", "N", "FSITM", "FSITM_TMQI"))
SEEN = (
    ("JOD", "JOD", 2),
    ("contrast distortion", "contrast_distortion", 2),
    ("guards broken", "guards_broken", 2),
)
COLOR = (
    ("correlation", "colour_correlation", 3),
    ("chroma ratio", "chroma_ratio", 3),
    ("cast", "cast", 2),
    ("distance", "distance", 2),
)
LEGEND = """Q is TMQI, of structural fidelity S and naturalness N; FSITM compares local phase. Shown
are mean ± standard deviation over the pictures. Rank is by mean Q; a picture is won by
its greatest Q, and shared by equals. Higher is better; a chroma ratio of 1, and a cast and a
distance (CIELAB units) of 0, are the scene's own colours. JOD is ColorVideoVDP's, 10 where no
difference from the scene is seen; a contrast distortion (PU21 units) of 0 is best. Guards are the
limits of metrics/guards.py for clipping, colour, greyness, halos and noise: how many a picture
breaks, and how many pictures break each. Seconds are medians, of tone mapping
alone while other pictures were being scored.
"""


class Summary(NamedTuple):
    """One method: rank by mean Q (None without any), wins, `spread` of each key, s/megapixel.

    broken: dict from guard to the number of pictures that break it.
    """

    method: str
    rank: int | None
    wins: float
    count: int  # type: ignore[assignment]
    spreads: dict
    pace: float
    broken: dict


class Table(NamedTuple):
    """Texts of a table; the first column names the method."""

    title: str
    heads: tuple
    rows: list


def spread(values):
    """Return (mean, standard deviation (n - 1), number of NaNs) of floats, NaNs left out.

    A mean of none and a deviation of one are NaN.
    """
    numbers = [value for value in values if not math.isnan(value)]
    mean = statistics.fmean(numbers) if numbers else math.nan
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else math.nan
    return mean, deviation, len(values) - len(numbers)


def best(rows):
    """Return those rows of one picture that share its greatest Q; none where all are NaN."""
    top = max((row["Q"] for row in rows if not math.isnan(row["Q"])), default=None)
    return [row for row in rows if row["Q"] == top]


def wins(rows, methods):
    """Return dict from method to pictures won: the greatest Q of each, 1/k to each of k equals."""
    won = dict.fromkeys(methods, 0.0)
    for picture in dict.fromkeys(row["picture"] for row in rows):
        winners = best([row for row in rows if row["picture"] == picture])
        for row in winners:
            won[row["method"]] += 1 / len(winners)
    return won


def summarize(rows, methods):
    """Return a Summary of each method that has rows, in the order of `methods`.

    Args:
        rows: dicts with evaluation.scoring.FIELDS.
        methods: all names in rows.
    """
    keys = [key for _, key, _ in QUALITY + SEEN + COLOR]
    won = wins(rows, methods)
    summaries = []
    for method in methods:
        of_method = [row for row in rows if row["method"] == method]
        if of_method:
            spreads = {key: spread([row[key] for row in of_method]) for key in keys}
            paces = [r["seconds"] / r["megapixels"] for r in of_method if r["seconds"] is not None]
            # The median, as the first pictures of a network take longer.
            pace = statistics.median(paces) if paces else math.nan
            broken = Counter(name for row in of_method for name in broken_guards(row))
            first = method, None, won[method], len(of_method)
            summaries.append(Summary(*first, spreads, pace, dict(broken.most_common())))
    means = [summary.spreads["Q"][0] for summary in summaries]
    return [
        # Equal means share the better rank; a NaN mean is above nothing.
        summary._replace(rank=None if math.isnan(mean) else 1 + sum(x > mean for x in means))
        for summary, mean in zip(summaries, means, strict=True)
    ]


def tables(summaries):
    """Return the Tables of quality, of what TMQI does not see, and of color and time.

    JOD has no column where no picture has it.
    """
    quality, seen, color = [], [], []
    measured = any(not math.isnan(line.spreads["JOD"][0]) for line in summaries)
    seen_columns = SEEN if measured else SEEN[1:]
    for line in summaries:
        first, *others = _cells(line, QUALITY)
        first = [line.method, first, str(line.rank or "–"), f"{line.wins:.3g}"]
        quality.append([*first, *others, str(line.count)])
        broken = ", ".join(f"{name} {count}" for name, count in line.broken.items())
        seen.append([line.method, *_cells(line, seen_columns), broken or "none"])
        color.append([line.method, *_cells(line, COLOR), _number(line.pace, 3)])
    quality_heads, seen_heads, color_heads = (
        [head for head, _, _ in part] for part in (QUALITY, seen_columns, COLOR)
    )
    return [
        Table("Quality", ("method", "Q", "rank", "wins", *quality_heads[1:], "pictures"), quality),
        Table("What TMQI does not see", ("method", *seen_heads, "pictures that break each"), seen),
        Table("Colour and time", ("method", *color_heads, "s/megapixel"), color),
    ]


def _cells(summary, columns):
    cells = []
    for _, key, decimals in columns:
        mean, deviation, nans = summary.spreads[key]
        cell = f"{_number(mean, decimals)} ± {_number(deviation, decimals)}"
        cells.append(f"{cell} ({nans} NaN)" if nans else cell)
    return cells


def _number(value, decimals):
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"


def nan_notes(rows):
    """Name every score that has no value, one sentence for each method and set of pictures.

    But for JOD, which may not be installed.
    """
    pictures = {}
    for row in rows:
        for key in SCORES:
            if key != "JOD" and math.isnan(row[key]):
                pictures.setdefault((row["method"], key), []).append(row["picture"])
    keys = {}
    for (method, key), names in pictures.items():
        keys.setdefault((method, tuple(names)), []).append(key)
    return [
        f"{method}: NaN, and not in the mean: {', '.join(lacking)} of {', '.join(names)}"
        for (method, names), lacking in keys.items()
    ]


def markdown(table):
    """Return a Table as Markdown whose columns are also aligned as plain text."""
    lines = [list(table.heads), *table.rows]
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(
        f"| {' | '.join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])} |"
        for line in lines
    )


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

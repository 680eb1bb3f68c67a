"""The summary table against numbers worked out by hand."""

import math

import pytest

from evaluation.table import markdown, nan_notes, spread, summarize, tables, wins
from metrics.scores import SCORES

NAN = math.nan


def row(picture, method, q, seconds=1.0):
    numbers = dict.fromkeys(SCORES, 0.5)
    names = {"picture": picture, "method": method, "key": "0" * 16}
    return {**names, **numbers, "Q": q, "seconds": seconds, "megapixels": 2.0}


ROWS = [
    row("a", "x", 0.9, 2.0),
    row("a", "y", 0.9, None),
    row("a", "z", 0.1),
    row("b", "x", 0.5, 4.0),
    row("b", "y", 0.7, None),
    row("b", "z", NAN),
    row("c", "x", NAN, 100.0),
    row("c", "z", NAN),
]


def test_spread():
    assert spread([1.0, 2.0, 4.0, NAN]) == pytest.approx((7 / 3, math.sqrt(7 / 3), 1))
    assert spread([3.0])[0] == 3 and math.isnan(spread([3.0])[1])
    assert math.isnan(spread([NAN])[0])


def test_wins_are_shared_by_equals_and_never_go_to_nan():
    assert wins(ROWS, ["x", "y", "z"]) == {"x": 0.5, "y": 1.5, "z": 0}


def test_summary():
    x, y, z = summarize(ROWS, ["x", "y", "z"])
    assert (x.rank, y.rank, z.rank) == (2, 1, 3)
    assert (x.count, y.count, z.count) == (3, 2, 3)
    assert x.spreads["Q"] == pytest.approx((0.7, math.sqrt(0.08), 1))
    assert x.pace == 2.0  # the median of 1, 2 and 50
    assert math.isnan(y.pace)
    assert z.spreads["Q"][2] == 2


def test_equal_means_share_a_rank_and_nan_has_none():
    rows = [row("a", "x", 0.4), row("a", "y", 0.4), row("a", "z", 0.3), row("a", "w", NAN)]
    assert [line.rank for line in summarize(rows, ["x", "y", "z", "w"])] == [1, 1, 3, None]


def test_markdown():
    quality, color = tables(summarize(ROWS, ["x", "y", "z"]))
    lines = markdown(quality).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].split("|")[1:5]] == [
        "x",
        "0.7000 ± 0.2828 (1 NaN)",
        "2",
        "0.5",
    ]
    assert [cell.strip() for cell in markdown(color).splitlines()[3].split("|")][-2] == "–"


def test_nans_are_named():
    assert nan_notes(ROWS) == [
        "z: NaN, and not in the mean: Q of b, c",
        "x: NaN, and not in the mean: Q of c",
    ]

"""The tables, which rows are taken over, and the exposures, by hand."""

import math

import numpy as np
import pytest

from evaluation.plan import PlannedRow, reusable_rows
from evaluation.scoring import Source, exposures, picture_path
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
    quality, _, color = tables(summarize(ROWS, ["x", "y", "z"]))
    lines = markdown(quality).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].split("|")[1:5]] == [
        "x",
        "0.7000 ± 0.2828 (1 NaN)",
        "2",
        "0.5",
    ]
    assert [cell.strip() for cell in markdown(color).splitlines()[3].split("|")][-2] == "–"


def test_jod_has_a_column_where_it_was_measured():
    _, seen, _ = tables(summarize(ROWS, ["x", "y", "z"]))
    assert seen.heads[:3] == ("method", "JOD", "contrast distortion")
    bare = [{**row, "JOD": NAN} for row in ROWS]
    _, seen, _ = tables(summarize(bare, ["x", "y", "z"]))
    assert seen.heads[:2] == ("method", "contrast distortion")


def test_broken_guards_are_named_by_how_many_pictures_break_them():
    fine = {"span": 200.0, "colour_correlation": 1.0, "chroma_ratio": 1.0, "blown": 0.0}
    rows = [{**row(p, "x", 0.5), **fine, "crushed": 0.0, "guards_broken": 0.0} for p in "abc"]
    rows[0] |= {"halo": 7.0, "guards_broken": 1.0}
    rows[1] |= {"halo": 6.0, "glow": 2.0, "guards_broken": 2.0}
    _, seen, _ = tables(summarize(rows, ["x"]))
    assert seen.rows[0][-2:] == ["1.00 ± 1.00", "halo 2, glow 1"]
    rows[0]["halo"], rows[1]["halo"], rows[1]["glow"] = 0.0, 0.0, 0.0
    assert tables(summarize(rows, ["x"]))[1].rows[0][-1] == "none"


def test_rows_without_jod_are_scored_again_once_it_is_installed(tmp_path, monkeypatch):
    planned = PlannedRow(Source("a.hdr", "a", 9, 9, "", ()), "x", None, "0" * 16)
    picture = picture_path(tmp_path, "x", "a")
    picture.parent.mkdir()
    picture.touch()
    for installed, jod, taken in [(False, NAN, 1), (True, NAN, 0), (True, 8.0, 1), (False, 8.0, 1)]:
        monkeypatch.setattr("metrics.jod.installed", lambda installed=installed: installed)
        rows = [{**row("a", "x", 0.5), "JOD": jod}]
        assert len(reusable_rows([planned], rows, tmp_path)) == taken


def test_nans_are_named():
    assert nan_notes(ROWS) == [
        "z: NaN, and not in the mean: Q of b, c",
        "x: NaN, and not in the mean: Q of c",
    ]


def test_exposures_are_four_stops_apart_and_around_the_log_average():
    hdr = np.full((8, 2000, 3), 7.0, np.float32)
    found = exposures(hdr)
    assert list(found) == [-4, 0, 4]
    assert found[0].shape == (3, 640, 3)
    codes = [round(min(0.18 * 2.0**ev, 1) ** (1 / 2.2) * 255) for ev in found]
    assert [int(picture[0, 0, 0]) for picture in found.values()] == codes

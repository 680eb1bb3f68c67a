"""The summary table against numbers worked out by hand."""

import json
import math
import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import scene
from helpers.browser import BROWSER, browser

from data.pictures import write_hdr
from evaluation.plan import PlannedRow, reusable_rows
from evaluation.report import write_report
from evaluation.scoring import (
    EXPOSURES_EV,
    Source,
    exposures,
    inspect_source,
    picture_path,
    score_row,
)
from evaluation.table import markdown, nan_notes, spread, summarize, tables, wins
from metrics.scores import SCORES, broken_guards

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


METHODS = ["gamma", "reinhard_global", "drago"]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=3000",
]
# Plays a visitor and tells the frame around it what was seen.
VISIT = """<script>
addEventListener("load", () => {
  const page = document.documentElement, opener = document.querySelector(".grid button");
  const key = (name) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  const seen = { width: innerWidth, before: page.scrollWidth, pictures: [] };
  const look = () => seen.pictures.push(image.alt.split(" ").pop());
  opener.focus(); opener.click(); look();
  Object.assign(seen, { open: viewer.open, focus: document.activeElement.id,
    after: page.scrollWidth, shown: image.getBoundingClientRect().width });
  key("ArrowRight"); look();
  document.activeElement.click(); look();
  key("ArrowDown"); look();
  viewer.close();
  Object.assign(seen, { closed: !viewer.open, back: document.activeElement === opener });
  parent.postMessage(JSON.stringify(seen), "*");
});
</script></body>"""
# A frame, because a window is never narrower than 500 pixels.
FRAME = """<!doctype html><script>
addEventListener("message", (event) => { document.title = event.data; });
</script><iframe src="visited.html" style="border: 0; width: WIDTHpx; height: 800px"></iframe>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    sources, rows = [], []
    for seed, name in enumerate(["plain", "odd <b>'&"]):
        write_hdr(folder / f"{name}.hdr", scene(170, 250, seed))
        source = inspect_source(str(folder / f"{name}.hdr"), name, False, folder)
        sources.append(source)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("metrics.scores.jod", lambda *_: 8.5)
            rows += [score_row(source, m, None, "0" * 16, False, 8, folder) for m in METHODS]
    summary = tables(summarize(rows, METHODS))
    path = folder / "report.html"
    size = write_report(path, "2 <pictures>.", summary, ["a note & more"], sources, rows, folder)
    assert size == path.stat().st_size
    return path, rows


def test_it_needs_nothing_from_outside(report):
    text = report[0].read_text("utf-8")
    assert not re.search(r"https?:|[\"'(]//|@import|<link|<iframe|srcset", text, re.IGNORECASE)
    outside = re.findall(r"(?:src|href)\s*=\s*\"(?!data:image/jpeg;base64,|#)", text)
    assert not outside
    assert "<!--" not in text.split("<script>")[0]
    assert text.count("data:image/jpeg") == 2 * (len(EXPOSURES_EV) + len(METHODS))


def test_it_shows_scores_and_escapes_names(report):
    path, rows = report
    text = path.read_text("utf-8")
    for row in rows:
        assert f"Q {row['Q']:.3f}" in text
    assert "odd &lt;b&gt;&#x27;&amp;" in text and "<b>'" not in text
    assert "2 &lt;pictures&gt;." in text and "a note &amp; more" in text
    assert not re.search(
        r"<img(?![^>]* alt=\"[^\"]+\")", text.replace('<img id="image" alt="">', "")
    )


@pytest.mark.script
@pytest.mark.skipif(BROWSER is None, reason="no Chromium to open the report with")
@pytest.mark.parametrize("width", [1400, 390])
def test_in_a_browser(report, tmp_path, width):
    text = report[0].read_text("utf-8")
    (tmp_path / "visited.html").write_text(text.replace("</body>", VISIT), "utf-8")
    page = tmp_path / "frame.html"
    page.write_text(FRAME.replace("WIDTH", str(width)), "utf-8")
    dom = browse(tmp_path, page, 1500, "--dump-dom")
    title = re.search(r"<title>(.*)</title>", dom)
    assert title, dom
    seen = json.loads(title[1])
    assert seen["width"] == width
    assert seen["before"] <= width and seen["after"] <= width
    assert seen["open"] and seen["focus"] == "stage" and seen["closed"] and seen["back"]
    assert 0.9 * width < seen["shown"] <= width
    first, flipped, again, following = seen["pictures"]
    assert first == again == "gamma" and following == "reinhard_global"
    assert flipped in METHODS[1:]

    image = tmp_path / "report.png"
    browse(tmp_path, report[0], width, f"--screenshot={image}")
    shot = cv2.imread(str(image))
    assert shot.shape[1] == width
    assert shot[2, 2].tolist() == [0x30] * 3 and shot.std() > 5


def browse(folder, page, width, order):
    profile = folder / f"profile{order[:5]}"
    flags = [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900", order]
    done = subprocess.run(
        [BROWSER, *flags, Path(page).as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SCENES = "[...document.querySelectorAll('h3')].map((h) => h.innerText).join('')"


@pytest.fixture(scope="module")
def sortable(tmp_path_factory):
    """A report of three scenes whose scores of gamma and drago rank them differently."""
    folder = tmp_path_factory.mktemp("sortable")
    write_hdr(folder / "a.hdr", scene(170, 180))
    found = {
        "a": {"Q": 0.7, "contrast_distortion": 3.0, "guards_broken": 0.0},
        "b": {"Q": 0.5, "contrast_distortion": 9.0, "guards_broken": 1.0},
        "c": {"Q": NAN, "contrast_distortion": 1.0, "guards_broken": 2.0},
    }
    sources, rows = [], []
    for name, values in found.items():
        sources.append(inspect_source(str(folder / "a.hdr"), name, False, folder))
        own = score_row(sources[-1], "gamma", None, "0" * 16, False, 8, folder) | {"JOD": NAN}
        score_row(sources[-1], "drago", None, "0" * 16, False, 8, folder)
        rows += [own | values, own | {"method": "drago", "Q": ord(name) / 1000}]
    summary = tables(summarize(rows, ["gamma", "drago"]))
    write_report(folder / "report.html", "", summary, [], sources, rows, folder)
    return folder / "report.html", rows


def test_captions_name_the_broken_guards_and_no_score_that_was_not_measured(sortable):
    path, rows = sortable
    captions = re.findall(r"<figcaption><b>.*?</figcaption>", path.read_text("utf-8"))
    assert len(captions) == len(rows)
    for caption, row in zip(captions, rows, strict=True):
        assert f"guards broken: {', '.join(broken_guards(row))}" in caption
        assert f"distortion {row['contrast_distortion']:.3f}" in caption and "JOD" not in caption


@pytest.mark.script
@pytest.mark.skipif(BROWSER is None, reason="no Chromium to open the report with")
def test_scenes_are_sorted_in_a_browser(sortable, tmp_path):
    with browser(tmp_path / "profile") as chromium:
        tab = chromium.open(sortable[0].as_uri(), tmp_path)
        tab.wait("document.querySelector('.sort')?.hidden === false")

        def choose(name, value):
            tab.value(f"get('{name}').value = '{value}'")
            tab.value(f"get('{name}').dispatchEvent(new Event('change'))")
            return tab.value(SCENES)

        assert tab.value(SCENES) == "bac"  # worst Q first, none last
        assert choose("order", "-1") == "abc"
        assert choose("score", "contrast_distortion") == "cab"
        assert choose("order", "1") == "bac"
        assert choose("score", "guards_broken") == "cba"
        choose("score", "Q")
        assert choose("method", "drago") == "abc"
        options = "[...get('score').options].map((option) => option.value).join()"
        assert tab.value(options) == "Q,contrast_distortion,guards_broken"


def test_exposures_are_four_stops_apart_and_around_the_log_average():
    hdr = np.full((8, 2000, 3), 7.0, np.float32)
    found = exposures(hdr)
    assert list(found) == [-4, 0, 4]
    assert found[0].shape == (3, 640, 3)
    codes = [round(min(0.18 * 2.0**ev, 1) ** (1 / 2.2) * 255) for ev in found]
    assert [int(picture[0, 0, 0]) for picture in found.values()] == codes

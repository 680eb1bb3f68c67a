"""The report: what it holds, and what it does in a browser."""

import json
import math
import re
import subprocess
from pathlib import Path

import cv2
import pytest
from conftest import scene
from helpers.browser import BROWSER, browser
from helpers.hdr_files import write_hdr

from evaluation.report import write_report
from evaluation.scoring import EXPOSURES_EV, inspect_source, score_row
from evaluation.table import summarize, tables
from metrics.scores import broken_guards

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
        "c": {"Q": math.nan, "contrast_distortion": 1.0, "guards_broken": 2.0},
    }
    sources, rows = [], []
    for name, values in found.items():
        sources.append(inspect_source(str(folder / "a.hdr"), name, False, folder))
        own = score_row(sources[-1], "gamma", None, "0" * 16, False, 8, folder) | {"JOD": math.nan}
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

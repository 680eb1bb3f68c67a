"""evaluate.py from the command line: rows, resuming, the table and the report."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.pictures import read_hdr, write_hdr, write_sdr
from metrics.operators import OPERATORS
from metrics.scores import scores

ROOT = Path(__file__).parent.parent
METHODS = ["mine", "gamma", "reinhard_global"]


def scene(seed, height=168, width=173):
    generator = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(generator.normal(0, 1, (height, width, 3)), (0, 0), 6)
    return np.exp(noise * 15).astype(np.float32)


def evaluate(*words, status=0):
    command = [sys.executable, str(ROOT / "evaluate.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def read_csv(folder):
    with open(folder / "scores.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Two pictures, results of another program, and what one run made of them."""
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "hdr").mkdir()
    (folder / "mine").mkdir()
    for i, name in enumerate(["a", "b"]):
        write_hdr(folder / "hdr" / f"{name}.hdr", scene(i))
        made = OPERATORS["logarithmic"](read_hdr(folder / "hdr" / f"{name}.hdr"))
        # Cut as test.py cuts: the top left part, its sides multiples of 2^level_num.
        write_sdr(folder / "mine" / f"{name}.png", made[:168, :168] if name == "b" else made)
    words = ["--no_network", "--operators", "reinhard_global,gamma", folder / "hdr"]
    words += ["--results", f"mine={folder / 'mine'}", "--output", folder / "out"]
    words += ["--set", "data.processes=1"]
    done = evaluate(*words, "--set", "data.processes=2")
    return folder, words, done


def test_rows_are_the_scores_of_the_pictures(work):
    folder, _, done = work
    rows = read_csv(folder / "out")
    assert [(row["picture"], row["method"]) for row in rows] == [
        (name, method) for name in "ab" for method in METHODS
    ]
    hdr = read_hdr(folder / "hdr" / "b.hdr")
    expected = scores(hdr, OPERATORS["gamma"](hdr))
    row = rows[4]
    assert {key: float(row[key]) for key in expected} == pytest.approx(expected, rel=1e-5)
    assert float(row["megapixels"]) == pytest.approx(168 * 173 / 1e6, rel=1e-5)
    assert float(row["seconds"]) > 0
    assert rows[3]["seconds"] == ""
    assert float(rows[3]["megapixels"]) == pytest.approx(168 * 168 / 1e6, rel=1e-5)
    assert done.stdout.rstrip().endswith("2 pictures scored, 0 skipped")
    text = (folder / "out" / "scores.md").read_text("utf-8")
    assert text in done.stdout and "| reinhard_global |" in text


def test_a_second_run_scores_only_what_is_lost_or_changed(work):
    folder, words, _ = work
    table = folder / "out" / "scores.csv"
    whole = table.read_bytes()
    assert "6 of 6 rows are kept" in evaluate(*words).stdout
    assert table.read_bytes() == whole

    lines = whole.decode().splitlines(keepends=True)
    marked = lines[3].replace(lines[3].split(",")[2], "0.123456", 1)
    broken = [*lines[:2], lines[2][:40] + "\n", marked, '"' + lines[4], *lines[5:]]
    table.write_text("".join(broken))
    assert "4 of 6 rows are kept" in evaluate(*words).stdout
    rows = read_csv(folder / "out")
    assert rows[2]["Q"] == "0.123456"  # kept, hence not scored again
    again = table.read_text().splitlines(keepends=True)
    seconds = re.compile(r",[^,]*,[^,]*,[^,]*$")
    assert [seconds.sub("", line) for line in again[:3]] == [
        seconds.sub("", line) for line in lines[:3]
    ]
    assert again[4] == lines[4]

    picture = folder / "mine" / "a.png"
    kept = picture.read_bytes()
    write_sdr(picture, OPERATORS["gamma"](read_hdr(folder / "hdr" / "a.hdr")))
    assert "5 of 6 rows are kept" in evaluate(*words).stdout
    rows = read_csv(folder / "out")
    assert rows[0]["Q"] == rows[1]["Q"]
    picture.write_bytes(kept)
    assert "0 of 6 rows are kept" in evaluate(*words, "--fresh").stdout
    assert read_csv(folder / "out")[2]["Q"] != "0.123456"


def test_bad_files_are_named_and_skipped(work, tmp_path):
    folder, _, _ = work
    hdr = tmp_path / "hdr"
    hdr.mkdir()
    write_hdr(hdr / "good.hdr", scene(3))
    write_hdr(hdr / "small.hdr", scene(4, 100, 200))
    write_hdr(hdr / "black.hdr", np.zeros((170, 170, 3), np.float32))
    (hdr / "broken.hdr").write_bytes(b"#?RADIANCE\n")
    words = ["--no_network", "--operators", "gamma", "--output", tmp_path, hdr]
    words += ["--results", f"mine={folder / 'mine'}", "--set", "data.processes=1"]
    done = evaluate(*words, status=1)
    for name in ["small.hdr", "black.hdr", "broken.hdr", "good, mine"]:
        assert re.search(rf"skipped: .*{name}", done.stderr), name
    assert done.stdout.rstrip().endswith("1 pictures scored, 3 skipped")
    assert "good, mine" in (tmp_path / "scores.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--operators", "gama"], "gama is no operator"),
        (["--operators", "none"], "nothing to score"),
        (["--results", "x"], "NAME=DIR"),
        (["--results", "gamma=."], "is taken"),
        (["--results", "x=nowhere"], "no folder nowhere"),
        (["nowhere"], "no HDR picture"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, words, said):
    done = evaluate("--no_network", "--output", tmp_path, *words, status=2)
    assert said in done.stderr.splitlines()[-1]


def test_without_a_checkpoint_it_says_how_to_go_on(work, tmp_path):
    words = [work[0] / "hdr", "--output", tmp_path, "--set", f"model.ckp_path_ft={tmp_path}"]
    done = evaluate(*words, status=2)
    assert "no checkpoint" in done.stderr and "--no_network" in done.stderr

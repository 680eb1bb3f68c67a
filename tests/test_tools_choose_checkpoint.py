"""tools/choose_checkpoint.py: its rule, and two checkpoints and a damaged one scored."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import GOLDEN, ROOT, SHIPPED, scene
from helpers.hdr_files import write_hdr

from tools import choose_checkpoint
from tools.choose_checkpoint import rank


def rows(q, jod, distortion, broken):
    numbers = {"Q": q, "JOD": jod, "contrast_distortion": distortion}
    return [{**numbers, "guards_broken": count} for count in broken]


@pytest.mark.parametrize("installed", [True, False])
def test_fewer_broken_guards_come_before_any_score(monkeypatch, installed):
    monkeypatch.setattr(choose_checkpoint.jod, "installed", lambda: installed)
    assert rank(rows(0.5, 4.0, 9.0, [0, 0])) > rank(rows(0.99, 10.0, 0.0, [0, 1]))
    assert rank(rows(0.9, 6.0, 5.0, [0, 2])) == rank(rows(0.9, 6.0, 5.0, [1, 1]))


def test_of_equals_q_and_jod_count_or_the_contrast_distortion(monkeypatch):
    monkeypatch.setattr(choose_checkpoint.jod, "installed", lambda: True)
    assert rank(rows(0.90, 8.0, 9.0, [1]))[1] == pytest.approx(1.14)
    assert rank(rows(0.90, 8.0, 9.0, [1])) > rank(rows(0.95, 6.0, 1.0, [1]))
    monkeypatch.setattr(choose_checkpoint.jod, "installed", lambda: False)
    nan = float("nan")
    assert rank(rows(nan, nan, 5.0, [1])) < rank(rows(0.1, nan, 50.0, [1]))
    assert rank(rows(0.90, nan, 1.0, [1]))[1] == pytest.approx(0.90)
    assert rank(rows(0.90, nan, 9.0, [1])) < rank(rows(0.89, nan, 7.0, [1]))


def choose(*words):
    command = [sys.executable, "tools/choose_checkpoint.py", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.script
def test_checkpoints_are_scored_on_each_set_and_the_best_is_named(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_hdr(tmp_path / name / "a.hdr", scene(168, 176, len(name)))
    write_hdr(tmp_path / "two" / "b.hdr", scene(176, 168, 5))
    shutil.copytree(SHIPPED, tmp_path / "cut")
    (data,) = (tmp_path / "cut").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:5000])
    folders = [GOLDEN / "ftlayer", SHIPPED, tmp_path / "cut"]
    output = tmp_path / "choice.md"
    sets = ["--pictures", tmp_path / "one", tmp_path / "two"]
    finished = choose(*folders, *sets, "--output", output)
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    assert re.search(r"skipped: .*cut.* is damaged or gone", finished.stderr)
    text = output.read_text("utf-8")
    cells = [[cell.strip() for cell in found.split("|")[1:-1]] for found in text.split("\n")[2:6]]
    assert [line[1].split()[0] for line in cells] == ["1", "2", "1", "2"]
    assert cells[0][0] == cells[1][0] != cells[2][0] == cells[3][0]
    assert all(0.5 < float(line[2]) < 1 for line in cells[2:])
    untrained, trained = (sum(int(line[-1]) for line in cells[i : i + 2]) for i in (0, 2))
    assert trained < untrained and f"Chosen: {cells[2][0]}" in text


@pytest.mark.script
def test_a_folder_without_checkpoints_is_one_sentence(tmp_path):
    finished = choose(tmp_path, "--pictures", tmp_path, "--output", tmp_path / "choice.md")
    assert finished.returncode != 0 and not (tmp_path / "choice.md").exists()
    assert "Traceback" not in finished.stderr and "error: " in finished.stderr

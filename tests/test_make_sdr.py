"""make_sdr.py from the command line: labels, table, sheets, going on, partners of the user."""

import csv

import numpy as np
import pytest
from conftest import run_script, scene
from helpers.hdr_files import write_hdr
from helpers.scripts import large_file, run_limited

from data.pictures import read_hdr, read_sdr, write_sdr
from labels.family import Setting, prepare, render
from labels.sheet import GAP, HEIGHT, TEXT, WIDTH, write_sheets
from metrics.guards import GuardValues, guard_values
from metrics.tmqi import tmqi

pytestmark = pytest.mark.script


def make(folder, *words, status=0, run=run_script):
    finished = run(
        "make_sdr.py",
        *("--hdr_path", folder / "hdr", "--sdr_path", folder / "sdr"),
        *("--label_path", folder / "labels", "--set", "data.processes=1", *words),
    )
    assert finished.returncode == status, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished


def table(folder):
    with open(folder / "labels" / "make_sdr.csv", newline="", encoding="utf-8") as file:
        return {row["picture"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Two pictures without a partner, two with, one that is damaged, and what a run made."""
    folder = tmp_path_factory.mktemp("labels")
    (folder / "hdr").mkdir()
    (folder / "sdr").mkdir()
    for i, name in enumerate(["a", "b", "own", "own too"]):
        write_hdr(folder / "hdr" / f"{name}.hdr", scene(164, 166, i))
    (folder / "hdr" / "broken.hdr").write_bytes(b"#?RADIANCE\n")
    write_sdr(folder / "sdr" / "own.jpg", np.full((164, 166, 3), 7, np.uint8))
    (folder / "sdr" / "own too.PNG").write_bytes(b"not even a picture")
    partners = {path: path.read_bytes() for path in (folder / "sdr").iterdir()}
    return folder, partners, make(folder, "--set", "data.appendix_sdr=png", status=1)


def test_labels_are_made_and_scored(work):
    folder, _, finished = work
    rows = table(folder)
    assert set(rows) == {"a", "b"}
    for name, row in rows.items():
        hdr = read_hdr(folder / "hdr" / f"{name}.hdr")
        sdr = read_sdr(folder / "sdr" / f"{name}.png")
        assert float(row["Q"]) == pytest.approx(tmqi(hdr, sdr).Q, rel=1e-4)
        found = [float(row[name]) for name in GuardValues._fields]
        assert found == pytest.approx(guard_values(hdr, sdr), rel=1e-3, abs=1e-3)
        setting = [float(row[name]) for name in Setting._fields]
        assert (render(prepare(hdr), Setting(*setting)) == sdr).mean() > 0.95
        assert int(row["tried"]) > 40 and float(row["seconds"]) > 0
    assert "skipped: " in finished.stderr and "broken.hdr" in finished.stderr
    assert "3 pictures to make, 2 have a partner" in finished.stdout
    assert finished.stdout.rstrip().endswith("2 written, 1 skipped")
    assert read_sdr(folder / "labels" / "sheet_1.jpg").shape[1] > 1000


def test_partners_of_the_user_are_untouched(work):
    folder, partners, _ = work
    assert {path: path.read_bytes() for path in partners} == partners
    assert sorted(path.name for path in (folder / "sdr").iterdir()) == [
        *("a.png", "b.png", "own too.PNG", "own.jpg")
    ]


def test_a_second_run_makes_only_what_is_lost(work):
    folder, partners, _ = work
    before = table(folder)
    a, b = folder / "sdr" / "a.png", folder / "sdr" / "b.png"
    whole, stamp = a.read_bytes(), b.stat().st_mtime_ns
    a.unlink()
    finished = make(folder, "--set", "data.appendix_sdr=png", status=1)
    assert "1 written, 1 skipped" in finished.stdout
    assert a.read_bytes() == whole and b.stat().st_mtime_ns == stamp
    after = table(folder)
    assert after["b"] == before["b"]
    assert {**after["a"], "seconds": ""} == {**before["a"], "seconds": ""}

    # A label that the user replaced is the user's: no row, no change.
    write_sdr(b, np.full((164, 166, 3), 90, np.uint8))
    mine = b.read_bytes()
    (folder / "hdr" / "broken.hdr").unlink()
    finished = make(folder, "--set", "data.appendix_sdr=png")
    assert "0 written, 0 skipped" in finished.stdout and "mean of 1 labels" in finished.stdout
    assert b.read_bytes() == mine
    assert {path: path.read_bytes() for path in partners} == partners


def test_a_picture_that_does_not_fit_into_the_memory_is_named_and_skipped(tmp_path):
    (tmp_path / "hdr").mkdir()
    large_file(tmp_path / "hdr" / "large.hdr")
    write_hdr(tmp_path / "hdr" / "small.hdr", scene(164, 166))
    finished = make(tmp_path, status=1, run=run_limited)
    assert "large.hdr: does not fit into the memory; try --set data.processes=1" in finished.stderr
    assert "1 written, 1 skipped" in finished.stdout


def test_sheets_are_filled_in_order(tmp_path):
    cells = [(np.full((20, 30 + i, 3), 200, np.uint8), (f"ä{i}", "Q"), i == 0) for i in range(21)]
    paths = write_sheets(tmp_path / "sheet_", iter(cells))
    assert [path.rsplit("/", 1)[1] for path in paths] == ["sheet_1.jpg", "sheet_2.jpg"]
    first, second = map(read_sdr, paths)
    cell = HEIGHT + TEXT + GAP
    assert first.shape == (5 * cell + GAP, 4 * (WIDTH + GAP) + GAP, 3)
    assert second.shape == (cell + GAP, 4 * (WIDTH + GAP) + GAP, 3)
    middle = GAP + HEIGHT // 2
    assert (abs(second[middle, GAP + WIDTH // 2].astype(int) - 200) < 4).all()
    assert (second[middle, GAP + WIDTH + GAP + WIDTH // 2] < 60).all()  # an empty cell
    assert write_sheets(tmp_path / "none_", []) == []
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "data.appendix_sdr=tif"], "it must be png, jpg or jpeg"),
        (["--set", "data.appendix_hdr=jpg"], "it must be one of hdr"),
        (["--set", "data.appendix_hdr=exr"], "has no .exr file"),
        (["--hdr_path", "nowhere"], "the folder nowhere does not exist"),
        (["--set", "data.label_saturation=0"], "a number above 0"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, words, said):
    (tmp_path / "hdr").mkdir()
    finished = make(tmp_path, *words, status=2)
    assert said in finished.stderr.splitlines()[-1]

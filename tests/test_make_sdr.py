"""make_sdr.py from the command line: labels, table, sheets, going on, partners of the user."""

import csv

import numpy as np
import pytest
from conftest import run_script
from test_evaluate import scene

from data.pictures import read_hdr, read_sdr, write_hdr, write_sdr
from labels.family import Setting, prepared, render
from labels.guards import Figures, figures
from metrics.tmqi import tmqi


def make(folder, *words, status=0):
    done = run_script(
        "make_sdr.py",
        *("--hdr_path", folder / "hdr", "--sdr_path", folder / "sdr"),
        *("--label_path", folder / "labels", "--set", "data.processes=1", *words),
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def table(folder):
    with open(folder / "labels" / "make_sdr.csv", newline="", encoding="utf-8") as file:
        return {row["picture"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Two pictures without a partner, two with, one that is broken, and what a run made."""
    folder = tmp_path_factory.mktemp("labels")
    (folder / "hdr").mkdir()
    (folder / "sdr").mkdir()
    for i, name in enumerate(["a", "b", "own", "own too"]):
        write_hdr(folder / "hdr" / f"{name}.hdr", scene(i, 164, 166))
    (folder / "hdr" / "broken.hdr").write_bytes(b"#?RADIANCE\n")
    write_sdr(folder / "sdr" / "own.jpg", np.full((164, 166, 3), 7, np.uint8))
    (folder / "sdr" / "own too.PNG").write_bytes(b"not even a picture")
    kept = {path: path.read_bytes() for path in (folder / "sdr").iterdir()}
    return folder, kept, make(folder, "--set", "data.appendix_sdr=png", status=1)


def test_labels_are_made_and_scored(work):
    folder, _, done = work
    rows = table(folder)
    assert set(rows) == {"a", "b"}
    for name, row in rows.items():
        hdr = read_hdr(folder / "hdr" / f"{name}.hdr")
        sdr = read_sdr(folder / "sdr" / f"{name}.png")
        assert float(row["Q"]) == pytest.approx(tmqi(hdr, sdr).Q, rel=1e-4)
        found = [float(row[name]) for name in Figures._fields]
        assert found == pytest.approx(figures(hdr, sdr), rel=1e-3, abs=1e-3)
        setting = [float(row[name]) for name in Setting._fields]
        assert (render(prepared(hdr), Setting(*setting)) == sdr).mean() > 0.95
        assert int(row["tried"]) > 40 and float(row["seconds"]) > 0
    assert "skipped: " in done.stderr and "broken.hdr" in done.stderr
    assert "3 pictures to make, 2 have a partner" in done.stdout
    assert "1 partners do not end in .png, own for one" in done.stdout
    assert done.stdout.rstrip().endswith("2 written, 1 skipped")
    assert read_sdr(folder / "labels" / "sheet_1.jpg").shape[1] > 1000


def test_partners_of_the_user_are_untouched(work):
    folder, kept, _ = work
    assert {path: path.read_bytes() for path in kept} == kept
    assert sorted(path.name for path in (folder / "sdr").iterdir()) == [
        *("a.png", "b.png", "own too.PNG", "own.jpg")
    ]


def test_a_second_run_makes_only_what_is_lost(work):
    folder, kept, _ = work
    before = table(folder)
    a, b = folder / "sdr" / "a.png", folder / "sdr" / "b.png"
    whole, stamp = a.read_bytes(), b.stat().st_mtime_ns
    a.unlink()
    done = make(folder, "--set", "data.appendix_sdr=png", status=1)
    assert "1 written, 1 skipped" in done.stdout
    assert a.read_bytes() == whole and b.stat().st_mtime_ns == stamp
    after = table(folder)
    assert after["b"] == before["b"]
    assert {**after["a"], "seconds": ""} == {**before["a"], "seconds": ""}

    # A label that the user replaced is the user's: no row, no change.
    write_sdr(b, np.full((164, 166, 3), 90, np.uint8))
    mine = b.read_bytes()
    (folder / "hdr" / "broken.hdr").unlink()
    done = make(folder, "--set", "data.appendix_sdr=png")
    assert "0 written, 0 skipped" in done.stdout and "mean of 1 labels" in done.stdout
    assert b.read_bytes() == mine
    assert {path: path.read_bytes() for path in kept} == kept


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
    done = make(tmp_path, *words, status=2)
    assert said in done.stderr.splitlines()[-1]

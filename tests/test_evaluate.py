"""evaluate.py: rows, resuming, the table, the network's pictures, bad files and bad memory."""

import csv
import re
import shutil

import numpy as np
import pytest
from conftest import GOLDEN, run_script, scene
from helpers.hdr_files import write_hdr
from helpers.scripts import large_file, run_limited

from data.pictures import read_hdr, read_sdr, write_sdr
from metrics import jod
from metrics.operators import OPERATORS
from metrics.scores import GUARDS, scores

pytestmark = pytest.mark.script

METHODS = ["mine", "gamma", "reinhard_global"]


def evaluate(*arguments, status=0, run=run_script):
    finished = run("evaluate.py", *arguments)
    assert finished.returncode == status, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished


def all_but_jod(hdr, sdr):
    return {name: value for name, value in scores(hdr, sdr).items() if name != "JOD"}


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
        write_hdr(folder / "hdr" / f"{name}.hdr", scene(168, 173, i))
        made = OPERATORS["logarithmic"](read_hdr(folder / "hdr" / f"{name}.hdr"))
        # Cut as test.py cuts: the top left part, its sides multiples of 2^level_num.
        write_sdr(folder / "mine" / f"{name}.png", made[:168, :168] if name == "b" else made)
    words = ["--no_network", "--operators", "reinhard_global,gamma", folder / "hdr"]
    words += ["--results", f"mine={folder / 'mine'}", "--output", folder / "out"]
    words += ["--set", "data.processes=1"]
    finished = evaluate(*words, "--set", "data.processes=2")
    return folder, words, finished


def test_rows_are_the_scores_of_the_pictures(work):
    folder, _, finished = work
    rows = read_csv(folder / "out")
    assert [(row["picture"], row["method"]) for row in rows] == [
        (name, method) for name in "ab" for method in METHODS
    ]
    hdr = read_hdr(folder / "hdr" / "b.hdr")
    expected = all_but_jod(hdr, OPERATORS["gamma"](hdr))
    row = rows[4]
    assert {key: float(row[key]) for key in expected} == pytest.approx(
        expected, rel=1e-5, nan_ok=True
    )
    assert float(row["megapixels"]) == pytest.approx(168 * 173 / 1e6, rel=1e-5)
    assert float(row["seconds"]) > 0
    assert rows[3]["seconds"] == ""
    assert float(rows[3]["megapixels"]) == pytest.approx(168 * 168 / 1e6, rel=1e-5)
    assert finished.stdout.rstrip().endswith("2 pictures scored, 0 skipped")
    text = (folder / "out" / "scores.md").read_text("utf-8")
    assert text in finished.stdout and "| reinhard_global |" in text


def test_a_second_run_scores_only_what_is_lost_or_changed(work):
    folder, words, _ = work
    table = folder / "out" / "scores.csv"
    whole = table.read_bytes()
    assert "6 of 6 rows are taken over" in evaluate(*words).stdout
    assert table.read_bytes() == whole

    lines = whole.decode().splitlines(keepends=True)
    marked = lines[3].replace(lines[3].split(",")[2], "0.123456", 1)
    damaged = [*lines[:2], lines[2][:40] + "\n", marked, '"' + lines[4], *lines[5:]]
    table.write_text("".join(damaged))
    assert "4 of 6 rows are taken over" in evaluate(*words).stdout
    rows = read_csv(folder / "out")
    assert rows[2]["Q"] == "0.123456"  # not scored again
    again = table.read_text().splitlines(keepends=True)
    seconds = re.compile(r",[^,]*,[^,]*,[^,]*$")
    assert [seconds.sub("", line) for line in again[:3]] == [
        seconds.sub("", line) for line in lines[:3]
    ]
    assert again[4] == lines[4]

    picture = folder / "mine" / "a.png"
    content = picture.read_bytes()
    write_sdr(picture, OPERATORS["gamma"](read_hdr(folder / "hdr" / "a.hdr")))
    assert "5 of 6 rows are taken over" in evaluate(*words).stdout
    rows = read_csv(folder / "out")
    assert rows[0]["Q"] == rows[1]["Q"]
    picture.write_bytes(content)
    assert "0 of 6 rows are taken over" in evaluate(*words, "--fresh").stdout
    assert read_csv(folder / "out")[2]["Q"] != "0.123456"


def test_rows_of_a_version_with_fewer_scores_are_scored_again(work, tmp_path):
    folder, words, _ = work
    shutil.copytree(folder / "out", tmp_path / "out")
    rows = read_csv(folder / "out")
    kept = [name for name in rows[0] if name not in ("JOD", "contrast_distortion", *GUARDS)]
    with open(tmp_path / "out" / "scores.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    finished = evaluate(*words, "--output", tmp_path / "out")
    assert "0 of 6 rows are taken over" in finished.stdout
    again = read_csv(tmp_path / "out")
    changing = ("seconds", "key")
    assert [[row[n] for n in row if n not in changing] for row in again] == [
        [row[n] for n in row if n not in changing] for row in rows
    ]


def test_without_colorvideovdp_it_says_how_to_get_jod(work):
    folder, _, finished = work
    said = "JOD is left out: ColorVideoVDP is not installed; pip install -r requirements-eval"
    assert (said in finished.stdout) == (not jod.installed())
    assert ("JOD |" in (folder / "out" / "scores.md").read_text("utf-8")) == jod.installed()


def test_bad_files_are_named_and_skipped(work, tmp_path):
    folder, _, _ = work
    hdr = tmp_path / "hdr"
    hdr.mkdir()
    write_hdr(hdr / "good.hdr", scene(168, 173, 3))
    write_hdr(hdr / "small.hdr", scene(100, 200, 4))
    write_hdr(hdr / "black.hdr", np.zeros((170, 170, 3), np.float32))
    (hdr / "broken.hdr").write_bytes(b"#?RADIANCE\n")
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "good.png").write_bytes((folder / "mine" / "a.png").read_bytes()[:99])
    words = ["--no_network", "--operators", "gamma", "--output", tmp_path, hdr]
    words += ["--results", f"mine={folder / 'mine'}", "--results", f"cut={tmp_path / 'cut'}"]
    words += ["--set", "data.processes=1"]
    finished = evaluate(*words, status=1)
    for name in ["small.hdr", "black.hdr", "broken.hdr", "good, mine", "good, cut: .*good.png"]:
        assert re.search(rf"skipped: .*{name}", finished.stderr), name
    assert finished.stdout.rstrip().endswith("1 pictures scored, 3 skipped")
    assert "good, mine" in (tmp_path / "scores.md").read_text("utf-8")
    # Folders are made for what is written, and not where one is looked for.
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["gamma", "source"]


def test_pictures_that_do_not_fit_into_the_memory_are_named_and_skipped(tmp_path):
    large_file(tmp_path / "large.hdr")
    write_hdr(tmp_path / "small.hdr", scene(168, 173))
    arguments = ["--no_network", "--operators", "gamma", "--output", tmp_path / "out", tmp_path]
    finished = evaluate(*arguments, "--set", "data.processes=2", status=1, run=run_limited)
    assert re.search(
        r"skipped: .*large\.hdr: does not fit into the memory; try --test_resize_to_half",
        finished.stderr,
    )
    assert finished.stdout.endswith("1 pictures scored, 1 skipped\n")


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
    finished = evaluate("--no_network", "--output", tmp_path, *words, status=2)
    assert said in finished.stderr.splitlines()[-1]


def test_without_a_checkpoint_it_says_how_to_go_on(work, tmp_path):
    words = [work[0] / "hdr", "--output", tmp_path, "--set", f"model.ckp_path_ft={tmp_path}"]
    finished = evaluate(*words, status=2)
    assert "no checkpoint" in finished.stderr and "--no_network" in finished.stderr


def test_the_network_is_scored_as_test_py_writes_it(tmp_path):
    hdr = tmp_path / "a.hdr"
    write_hdr(hdr, scene(170, 180))
    words = [hdr, "--output", tmp_path, "--set", f"model.ckp_path_ft={GOLDEN / 'ftlayer'}"]
    words += ["--set", "test.format=png", "--set", "data.processes=1"]
    assert run_script("test.py", *words).returncode == 0
    evaluate(*words, "--operators", "gamma")
    row = read_csv(tmp_path)[0]
    written = read_sdr(tmp_path / "a.png")
    assert written.shape == (168, 176, 3)  # cut to a multiple of 8, and the HDR with it
    expected = all_but_jod(read_hdr(hdr)[:168, :176], written)
    assert row["method"] == "IQATM"
    found = {key: float(row[key]) for key in expected}
    assert found == pytest.approx(expected, rel=1e-5, nan_ok=True)

    # Rows stay until the display makes other pictures.
    assert "2 of 2 rows are taken over" in evaluate(*words, "--operators", "gamma").stdout
    words += ["--operators", "gamma", "--set", "test.display_colour=source"]
    assert "1 of 2 rows are taken over" in evaluate(*words).stdout
    assert "1 of 2 rows are taken over" in evaluate(*words, "--keep_size").stdout
    whole = read_csv(tmp_path)[0]
    assert (whole["method"], float(whole["megapixels"])) == ("IQATM", 170 * 180 / 1e6)


def test_a_picture_too_large_for_the_network_names_both_remedies(tmp_path, monkeypatch):
    from inference.operator import Operator

    def tone_map(self, *_):
        raise MemoryError

    monkeypatch.setattr(Operator, "tone_map", tone_map)
    write_hdr(tmp_path / "a.hdr", scene(170, 180))
    words = [tmp_path / "a.hdr", "--set", f"model.ckp_path_ft={GOLDEN / 'ftlayer'}"]
    words += ["--output", tmp_path, "--set", "data.processes=1", "--operators", "gamma"]
    said = evaluate(*words, status=1).stderr
    assert "a, IQATM: does not fit into the memory; try --precision bfloat16 or --test_re" in said
    assert [row["method"] for row in read_csv(tmp_path)] == ["gamma"]

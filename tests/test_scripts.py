"""test.py on tiny real files, and what all scripts share."""

import copy
import re
import shutil

import cv2
import numpy as np
import pytest
from conftest import GOLDEN, ROOT, SHIPPED, run_script, scene
from helpers.hdr_files import saved_exr, write_hdr

from data.pictures import read_hdr, read_sdr
from metrics.operators import OPERATORS

pytestmark = pytest.mark.script


@pytest.fixture(scope="session")
def studio(studio):
    """The shared folder, with the authors' weights."""
    other = copy.copy(studio)
    other.paths = {**studio.paths, "model.ckp_path_ft": GOLDEN / "ftlayer"}
    return other


SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_misspelt_setting_is_one_sentence(script):
    outcome = run_script(script, "--set", "dev.level_nun=3")
    assert outcome.returncode == 2
    assert outcome.stderr == (
        f"{script}: dev.level_nun is no setting; did you mean dev.level_num?\n"
    )


def test_tensorboard_without_summaries(tmp_path):
    outcome = run_script("run_tfboard.py", "bot", "--log_path", tmp_path)
    assert outcome.returncode == 2
    assert "there are no summaries in" in outcome.stderr


def test_layers_overwrite_no_result_and_no_other_layers(tmp_path):
    for seed, name in enumerate(("a", "a_high")):
        write_hdr(tmp_path / f"{name}.hdr", scene(64, 72, seed))
    flags = ("--save_layers", "--set", f"model.ckp_path_ft={GOLDEN / 'ftlayer'}", "--output")
    written = {}
    for run, names in {"a": ["a"], "b": ["a_high"], "both": ["a", "a_high"]}.items():
        paths = [tmp_path / f"{name}.hdr" for name in names]
        assert run_script("test.py", *paths, *flags, tmp_path / run).returncode == 0
        written[run] = sorted(path.read_bytes() for path in (tmp_path / run).iterdir())
    assert len(written["a"]) == 8
    assert written["both"] == sorted(written["a"] + written["b"])


def test_settings_that_the_checkpoint_contradicts(tmp_path):
    write_hdr(tmp_path / "a.hdr", scene(64, 72))
    done = run_script("test.py", tmp_path / "a.hdr", "--output", tmp_path)
    said = "is used with: dev.fuse_mid_layers True (in configs.py False)"
    assert any(line.endswith(said) for line in done.stdout.splitlines())
    assert done.returncode == 0
    for key, value in (("fuse_mid_layers", False), ("level_num", 2)):
        done = run_script("test.py", tmp_path / "a.hdr", "--set", f"dev.{key}={value}")
        assert done.returncode == 2
        assert f"dev.{key} is {value} but " in done.stderr
    done = run_script("test.py", tmp_path / "a.hdr", "--preset", "shipped", "--output", tmp_path)
    assert done.returncode == 0 and "is used with" not in done.stdout
    assert (
        "--preset shipped replaces of configs.py: data.appendix_sdr 'jpg' by 'png', " in done.stdout
    )


def test_pictures_from_records_and_from_files_are_the_same(studio, records, tmp_path):
    outcome = studio.run("test.py", test__format="png")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("devices: ")
    assert outcome.stdout.splitlines()[-1] == "3 written, 0 skipped"
    files = studio.run(
        "test.py", studio.folder / "hdr", "--output", tmp_path, "--set", "test.format=png"
    )
    assert files.returncode == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["first.png", "second.png", "third one.png"]
    for name in names:
        picture = read_sdr(tmp_path / name)
        assert picture.shape == (184, 200, 3)
        assert (picture.min(), picture.max()) == (0, 255)
        np.testing.assert_array_equal(picture, read_sdr(studio.folder / "result" / name))


def test_every_hdr_format_and_the_layers(studio, records, tmp_path):
    picture = scene(64, 72, 7)
    for suffix in ("hdr", "exr", "pfm", "npy"):
        write_hdr(tmp_path / f"a {suffix}.{suffix}", picture)
    (tmp_path / "a tif.tif").write_bytes(cv2.imencode(".tif", picture[:, :, ::-1])[1].tobytes())
    out = tmp_path / "out"
    outcome = studio.run("test.py", tmp_path, "--output", out, "--save_layers", test__format="png")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-1] == "5 written, 0 skipped"
    exact = [read_sdr(out / f"a {suffix}.png") for suffix in ("exr", "pfm", "npy", "tif")]
    assert all(np.array_equal(exact[0], other) for other in exact[1:])
    layers = {p.name[len("a exr_") : -4] for p in out.glob("a exr_*.png")}
    assert layers == {
        *("input", "high", "bot", "output_high", "output_bot", "new_bot", "input_ft"),
    }
    assert read_sdr(out / "a exr_output_bot.png").shape == (8, 9, 3)


def test_half_size_and_layers(studio, records, tmp_path):
    layers = {f"right.{c}": scene(139, 205)[:, :, i].copy() for i, c in enumerate("RGB")}
    (tmp_path / "one.exr").write_bytes(saved_exr(layers))
    others = {f"left.{c}": scene(139, 205, 5)[:, :, 0].copy() for c in "RGB"}
    (tmp_path / "two.exr").write_bytes(saved_exr({**others, **layers}))
    write_hdr(tmp_path / "three.hdr", scene(139, 205))
    out = tmp_path / "out"
    flags = ["--test_resize_to_half", "--layer", "right", "--output", out]
    outcome = studio.run("test.py", tmp_path, *flags)
    assert outcome.returncode == 1
    assert outcome.stdout.splitlines()[-1] == "2 written, 1 skipped"
    assert "three.hdr: has no layers" in outcome.stderr
    assert "2 cropped to sides that 8 divides; --keep_size keeps them whole" in outcome.stdout
    one, two = read_sdr(out / "one.jpg"), read_sdr(out / "two.jpg")
    assert one.shape == (64, 96, 3)
    np.testing.assert_array_equal(one, two)


def test_keep_size_gives_the_whole_picture(studio, records, tmp_path):
    write_hdr(tmp_path / "odd.hdr", scene(139, 205))
    write_hdr(tmp_path / "small.hdr", scene(40, 64))
    outcome = studio.run("test.py", "--keep_size", test__hdr_path=tmp_path, test__result=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert f"cropped and of one size; reading {tmp_path}" in outcome.stdout
    assert read_sdr(tmp_path / "odd.jpg").shape == (139, 205, 3)
    assert read_sdr(tmp_path / "small.jpg").shape == (40, 64, 3)
    assert "--keep_size" not in outcome.stdout
    flags = ("--wrap", "--strength", 0, "--format", "png")  # a crop would make a seam
    outcome = studio.run("test.py", *flags, test__hdr_path=tmp_path, test__result=tmp_path)
    assert outcome.returncode == 0 and f"; reading {tmp_path}" in outcome.stdout
    plain = OPERATORS["reinhard_global"](read_hdr(tmp_path / "odd.hdr"))
    np.testing.assert_array_equal(read_sdr(tmp_path / "odd.png"), plain)


def test_records_say_their_age_and_what_the_folder_holds_else(studio, records, tmp_path):
    folder = shutil.copytree(studio.folder / "hdr", tmp_path / "hdr")
    outcome = studio.run("test.py", test__hdr_path=folder)
    assert re.search(
        r"records: .*test_\.tfrecord, 3 pictures, made \d+:\d\d:\d\d ago", outcome.stdout
    )
    assert "differ or are missing" not in outcome.stderr
    write_hdr(folder / "new.hdr", scene(64, 72))
    (folder / "first.hdr").touch()
    outcome = studio.run("test.py", test__hdr_path=folder)
    assert outcome.returncode == 0
    assert "made of: first.hdr, new.hdr differ or are missing; make the rec" in outcome.stderr
    outcome = studio.run("test.py", test__hdr_path=tmp_path / "nowhere")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(f"test.py: the folder {tmp_path / 'nowhere'} does not exist")


def test_without_records_the_folder_is_read(studio, records, tmp_path):
    changes = {"test__tfrecord_test": tmp_path / "none_", "test__result": tmp_path}
    outcome = studio.run("test.py", **changes)
    assert outcome.returncode == 0, outcome.stderr
    said = f"there are no records at {tmp_path / 'none_.tfrecord'}; reading {studio.folder / 'hdr'}"
    assert said in outcome.stdout.splitlines()
    assert len(list(tmp_path.glob("*.jpg"))) == 3


def test_a_folder_of_another_stage_is_one_sentence(studio, records):
    outcome = studio.run("test.py", model__ckp_path_ft=SHIPPED.parent / "botlayer")
    assert outcome.returncode == 2 and outcome.stderr.count("\n") == 1
    assert "holds another network than this stage's" in outcome.stderr


def test_without_a_checkpoint_there_is_no_picture(studio, records, tmp_path):
    outcome = studio.run("test.py", model__ckp_path_ft=tmp_path / "empty", test__result=tmp_path)
    assert outcome.returncode == 2
    assert "there is no checkpoint in" in outcome.stderr
    assert not list(tmp_path.iterdir())

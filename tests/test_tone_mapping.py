"""test.py on tiny real files and weights of two epochs."""

import re
import shutil

import cv2
import numpy as np
from conftest import scene

from data.pictures import read_sdr, write_hdr


def test_pictures_from_records_and_from_files_are_the_same(studio, trained, tmp_path):
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


def test_bad_files_are_skipped_and_named(studio, trained, tmp_path):
    (tmp_path / "broken.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n")
    write_hdr(tmp_path / "small.hdr", scene(40, 64))
    write_hdr(tmp_path / "good.hdr", scene(64, 72))
    outcome = studio.run("test.py", tmp_path, tmp_path / "gone.hdr", "--output", tmp_path / "out")
    assert outcome.returncode == 1
    assert outcome.stdout.splitlines()[-1] == "1 written, 3 skipped"
    for name in ("broken.hdr", "small.hdr", "gone.hdr"):
        assert name in outcome.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.jpg"]


def test_every_hdr_format_and_the_layers(studio, trained, tmp_path):
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


def test_half_size(studio, trained, tmp_path):
    write_hdr(tmp_path / "odd.hdr", scene(139, 205))
    outcome = studio.run(
        "test.py", tmp_path / "odd.hdr", "--test_resize_to_half", "--output", tmp_path / "out"
    )
    assert outcome.returncode == 0
    assert read_sdr(tmp_path / "out" / "odd.jpg").shape == (64, 96, 3)


def test_keep_size_gives_the_whole_picture(studio, trained, tmp_path):
    write_hdr(tmp_path / "odd.hdr", scene(139, 205))
    write_hdr(tmp_path / "small.hdr", scene(40, 64))
    outcome = studio.run("test.py", "--keep_size", test__hdr_path=tmp_path, test__result=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert f"cropped and of one size; reading {tmp_path}" in outcome.stdout
    assert read_sdr(tmp_path / "odd.jpg").shape == (139, 205, 3)
    assert read_sdr(tmp_path / "small.jpg").shape == (40, 64, 3)


def test_records_say_their_age_and_what_the_folder_holds_else(studio, trained, tmp_path):
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


def test_without_records_the_folder_is_read(studio, trained, tmp_path):
    changes = {"test__tfrecord_test": tmp_path / "none_", "test__result": tmp_path}
    outcome = studio.run("test.py", **changes)
    assert outcome.returncode == 0, outcome.stderr
    said = f"there are no records at {tmp_path / 'none_.tfrecord'}; reading {studio.folder / 'hdr'}"
    assert said in outcome.stdout.splitlines()
    assert len(list(tmp_path.glob("*.jpg"))) == 3


def test_a_folder_of_another_stage_is_one_sentence(studio, trained):
    outcome = studio.run("test.py", model__ckp_path_ft=studio.folder / "bot")
    assert outcome.returncode == 2 and outcome.stderr.count("\n") == 1
    assert "holds another network than this stage's" in outcome.stderr


def test_settings_of_another_network_are_refused(studio, trained):
    outcome = studio.run("test.py", studio.folder / "hdr", dev__fuse_mid_layers=True)
    assert outcome.returncode == 2 and "was trained with False; leave it out" in outcome.stderr


def test_without_a_checkpoint_there_is_no_picture(studio, records, tmp_path):
    outcome = studio.run("test.py", model__ckp_path_ft=tmp_path / "empty", test__result=tmp_path)
    assert outcome.returncode == 2
    assert "there is no checkpoint in" in outcome.stderr
    assert not list(tmp_path.iterdir())


def test_published_checkpoint_gives_the_originals_picture(studio, forward, published, tmp_path):
    np.save(tmp_path / "golden.npy", forward["hdr"])
    outcome = studio.run(
        *("test.py", tmp_path / "golden.npy", "--output", tmp_path),
        model__ckp_path_ft=published,
        test__format="png",
    )
    assert outcome.returncode == 0, outcome.stderr
    picture = read_sdr(tmp_path / "golden.png").astype(int)
    assert np.abs(picture - forward["display_0_255"]).max() <= 1

import os
from pathlib import Path

import pytest

from system.errors import InputError
from system.files import (
    find_pictures,
    list_pictures,
    make_folder,
    read_bytes,
    result_path,
    result_stems,
)

PLACES = [(folder, suffix) for folder in "abcd" for suffix in (".hdr", ".exr")]


def test_read_bytes_refuses(tmp_path):
    (tmp_path / "empty.hdr").touch()
    (tmp_path / "folder.hdr").mkdir()
    (tmp_path / "loop.hdr").symlink_to("loop.hdr")
    os.mkfifo(tmp_path / "pipe.hdr")
    names = ["empty.hdr", "folder.hdr", "loop.hdr", "pipe.hdr", "missing.hdr", "n" * 300, "a\0b"]
    for name in names:
        with pytest.raises(InputError) as caught:
            read_bytes(tmp_path / name)
        assert name in str(caught.value) or "\0" in name
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path):
    path = tmp_path / "a.hdr"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission"):
        read_bytes(path)


def test_list_pictures(tmp_path):
    for name in ("b.HDR", "a.exr", ".hidden.hdr", "notes.txt", "-dash.hdr"):
        (tmp_path / name).touch()
    (tmp_path / "x.hdr").mkdir()
    (tmp_path / "x.hdr" / "deep.hdr").touch()
    suffixes = (".hdr", ".exr")
    expected = [f"{tmp_path}/{name}" for name in ("-dash.hdr", "a.exr", "b.HDR")]
    assert list_pictures([tmp_path], suffixes) == expected
    assert list_pictures([f"{tmp_path}/a.exr", tmp_path], suffixes) == expected
    hidden = f"{tmp_path}/.hidden.hdr"
    assert list_pictures([hidden], suffixes) == [hidden]
    assert list_pictures([], suffixes) == []


def test_list_pictures_refuses(tmp_path):
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "missing", "a\0b"):
        with pytest.raises(InputError):
            list_pictures([path], (".hdr",))


def test_no_two_results_have_one_name():
    paths = ["1/b/x.hdr", "2/b/x.hdr", "y.hdr", "Y.HDR", "c/z.exr", "c/z.hdr", "alone.pfm"]
    stems = result_stems([Path(path) for path in paths])
    assert stems[Path("alone.pfm")] == "alone"
    assert stems[Path("c/z.exr")] == "c_z.exr"
    assert (stems[Path("1/b/x.hdr")], stems[Path("2/b/x.hdr")]) == ("b_x.hdr", "b_x.hdr_2")
    names = [stem.casefold() for stem in stems.values()]
    assert len(set(names)) == len(paths)


def test_long_names_are_told_apart_too():
    paths = [Path(folder, "x" * 250 + f"{i}{suffix}") for i in "12" for folder, suffix in PLACES]
    stems = result_stems(paths)
    assert len({stem.casefold() for stem in stems.values()}) == len(paths) == 16
    assert max(len(stem) for stem in stems.values()) == 251
    umlauts = result_stems([Path(folder, "ü" * 125 + ".hdr") for folder in ("a", "b", "c")])
    assert max(len(stem.encode()) for stem in umlauts.values()) <= 251
    assert len(set(umlauts.values())) == 3


@pytest.mark.parametrize("names", [("a", "a_high"), ("a_HIGH", "a"), ("a", "a_high_2", "a_high")])
def test_layers_have_names_of_their_own(names):
    layers = ("high", "output_high")
    stems = result_stems([Path(f"{name}.hdr") for name in names], layers)
    written = [f"{stem}{end}" for stem in stems.values() for end in ("", "_high", "_output_high")]
    assert len({name.casefold() for name in written}) == 3 * len(names)
    assert stems[Path(f"{names[0]}.hdr")] == names[0]
    (long,) = result_stems([Path("x" * 251)], layers).values()
    assert long == "x" * (251 - len("_output_high"))


@pytest.mark.parametrize(
    "stem",
    ["../../x", "/tmp/x", "x/y", "..", ".", "", "a\0b", "/", "x/", "../x", "a/../../../x"],
)
def test_a_result_stays_in_its_folder(tmp_path, stem):
    with pytest.raises(InputError, match=r"cannot be the name of a result in .*records again"):
        result_path(tmp_path, stem, "jpg")


@pytest.mark.parametrize("stem", ["x", "..x", "a b", "-x", "~", "ü", ".x", "a\\b", "C:x"])
def test_plain_names_are_taken(tmp_path, stem):
    path = result_path(tmp_path, stem, "jpg")
    assert path.parent == tmp_path and path.name == f"{stem}.jpg"


def test_find_pictures_keeps_errors_in_place(tmp_path):
    (tmp_path / "a.hdr").touch()
    found = find_pictures([tmp_path / "gone.hdr", tmp_path, tmp_path / "a.hdr"], (".hdr",))
    assert isinstance(found[0], InputError) and "gone.hdr" in str(found[0])
    assert found[1:] == [tmp_path / "a.hdr"]


def test_make_folder(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/x: cannot write .*; name another with train\.x"):
        make_folder(tmp_path / "file" / "x", "train.x")
    assert list((tmp_path / "a" / "b").iterdir()) == []

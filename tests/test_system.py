"""Files that are found, read and written, tables, and errors that name a file."""

import csv
import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.scoring import FIELDS
from labels.label import FIELDS as LABEL_FIELDS
from metrics.scores import SCORES
from system.atomic import replacing, replacing_folder
from system.csv_file import content_key, read_rows, rounded, write_rows
from system.errors import InputError, naming
from system.files import (
    find_pictures,
    list_pictures,
    make_folder,
    read_bytes,
    result_path,
    result_stems,
)


def test_new_and_replaced(tmp_path):
    path = tmp_path / "a.bin"
    for content in (b"old", b"new"):
        with replacing(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_exception_keeps_the_old_file(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_full_disk_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match=r"a\.bin: cannot be written .*space left"):  # noqa: SIM117
        with replacing(path):
            raise OSError(28, "No space left on device")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_target_is_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError), replacing(tmp_path / "a") as file:
        file.write(b"x")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["missing/a.bin", "a\0b", "x" * 300])
def test_impossible_names(tmp_path, name):
    with pytest.raises(InputError), replacing(f"{tmp_path}/{name}") as file:
        file.write(b"x")
    assert os.listdir(tmp_path) == []


def test_long_name_and_umask(tmp_path):
    path = tmp_path / ("x" * 250)
    old = os.umask(0o027)
    try:
        with replacing(path) as file:
            file.write(b"x")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


def test_folder_new_and_replaced(tmp_path):
    path = tmp_path / "a"
    for name in ("old", "new"):
        with replacing_folder(path) as folder:
            (Path(folder) / name).write_text(name)
        assert os.listdir(path) == [name]
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_exception_keeps_the_old_folder(tmp_path, error):
    path = tmp_path / "a"
    path.mkdir()
    (path / "old").write_text("old")
    raised = InputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(raised), replacing_folder(path) as folder:
        (Path(folder) / "half").write_text("half")
        raise error
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_an_end_between_the_two_renames_keeps_the_old_folder(tmp_path, monkeypatch, error):
    path, rename = tmp_path / "a", os.rename
    path.mkdir()
    (path / "old").write_text("old")

    def rename_once(source, target):
        if rename_once.calls:
            rename_once.calls -= 1
            rename(source, target)
        else:
            monkeypatch.setattr(os, "rename", rename)
            raise error

    rename_once.calls = 1
    monkeypatch.setattr(os, "rename", rename_once)
    raised = InputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(raised), replacing_folder(path) as folder:
        (Path(folder) / "new").write_text("new")
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["a"]


def test_file_is_not_replaced_by_a_folder(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match="a: cannot be written"), replacing_folder(path):
        pass
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


KEY = "0123456789abcdef"


def row(picture, **changes):
    names = {"picture": picture, "method": "x", "key": KEY}
    numbers = {**dict.fromkeys(SCORES, rounded(1 / 3)), "seconds": None, "megapixels": 2.0}
    return {**names, **numbers, **changes}


def test_rows_come_back_as_they_were_and_damaged_lines_do_not(tmp_path):
    table = tmp_path / "scores.csv"
    rows = [row('a,"b'), row("c", seconds=0.5), row("d", Q=math.nan)]
    write_rows(table, FIELDS, rows)
    found = read_rows(table, FIELDS)
    assert found[:2] == rows[:2] and math.isnan(found[2]["Q"])
    header, first, second, third = table.read_text().splitlines()
    lines = [header, '"' + first, second[:-1], third.replace("nan", "no number"), "", first]
    table.write_text("\n".join(lines))
    assert read_rows(table, FIELDS) == rows[:1]
    assert read_rows(tmp_path / "none.csv", FIELDS) == []


@pytest.mark.parametrize("fields", [FIELDS, LABEL_FIELDS])
def test_the_header_names_each_column_once(tmp_path, fields):
    write_rows(tmp_path / "table.csv", fields, [])
    with open(tmp_path / "table.csv", newline="") as file:
        (names,) = csv.reader(file)
    assert names == list(fields) and len(set(names)) == len(names)
    assert read_rows(tmp_path / "table.csv", fields) == []


def test_a_table_of_labels_of_an_earlier_version_is_read(tmp_path):
    """Five digits, no setting for a classical operator, a column called broken."""
    lines = [
        *(
            "0123456789abcdef,family,0.19402,2.3199,0.98,1.4,0.94687,0.80138,0.99381,0,0,0.99995,1,"
            "0.00018139,187.1,0.0065304,0.45876,,212,halo:3 cast:1,10.5," + KEY,
        ),
        *("b,drago,,,,,0.9,0.8,0.7,0.03,0,nan,nan,0.1,150,1,1.1,blown,99,,3," + KEY,),
    ]
    (tmp_path / "make_sdr.csv").write_text("\n".join([",".join(LABEL_FIELDS), *lines, ""]))
    first, second = read_rows(tmp_path / "make_sdr.csv", LABEL_FIELDS)
    assert first["picture"] == KEY and first["detail"] == 1.4 and first["broken"] == ""
    assert second["key"] is None and second["broken"] == "blown" and second["Q"] == 0.9
    write_rows(tmp_path / "again.csv", LABEL_FIELDS, [first, second])
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "make_sdr.csv").read_bytes()


def test_content_keys_differ_where_a_part_does():
    keys = {content_key(*parts) for parts in ([b"ab"], [b"a", b"b"], [b"ab", 1], ["ab"], [])}
    assert len(keys) == 5 and {len(key) for key in keys} == {16}


def test_the_file_stands_in_front_where_the_text_lacks_it():
    with pytest.raises(InputError, match=r"^a\.hdr: is black$"), naming("a.hdr"):
        raise InputError("is black")
    with pytest.raises(InputError, match=r"^folder/a\.hdr is black$"), naming("a.hdr"):
        raise InputError("folder/a.hdr is black")


def test_lack_of_memory_is_one_sentence_with_a_remedy():
    sentence = r"^a\.hdr: does not fit into the memory; try --half$"
    with pytest.raises(InputError, match=sentence), naming("a.hdr", "--half"):
        np.empty(2**56)
    error = cv2.error("Insufficient memory")
    error.code = cv2.Error.StsNoMem
    with pytest.raises(InputError, match=r"^a\.hdr: does not fit"), naming("a.hdr"):
        raise error


def test_other_errors_stay():
    with pytest.raises(cv2.error), naming("a.hdr"):
        cv2.resize(np.zeros((1, 1)), (0, 0))
    with pytest.raises(KeyError), naming("a.hdr"):
        raise KeyError(1)


ENDS = [(folder, suffix) for folder in "abcd" for suffix in (".hdr", ".exr")]


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
    expected = [tmp_path / name for name in ("-dash.hdr", "a.exr", "b.HDR")]
    assert list_pictures([tmp_path], suffixes) == expected
    assert list_pictures([f"{tmp_path}/a.exr", tmp_path], suffixes) == expected
    hidden = tmp_path / ".hidden.hdr"
    assert list_pictures([hidden], suffixes) == [hidden]
    assert list_pictures([], suffixes) == []


def test_list_pictures_refuses(tmp_path):
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "missing", "a\0b"):
        with pytest.raises(InputError):
            list_pictures([path], (".hdr",))


def test_no_two_results_have_one_name():
    paths = ["1/b/x.hdr", "2/b/x.hdr", "y.hdr", "Y.HDR", "c/z.exr", "c/z.hdr", "single.pfm"]
    stems = result_stems([Path(path) for path in paths])
    assert stems[Path("single.pfm")] == "single"
    assert stems[Path("c/z.exr")] == "c_z.exr"
    assert (stems[Path("1/b/x.hdr")], stems[Path("2/b/x.hdr")]) == ("b_x.hdr", "b_x.hdr_2")
    names = [stem.casefold() for stem in stems.values()]
    assert len(set(names)) == len(paths)


def test_long_names_are_told_apart_too():
    paths = [Path(folder, "x" * 250 + f"{i}{suffix}") for i in "12" for folder, suffix in ENDS]
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

import os
from pathlib import Path

import pytest

from system.atomic import replacing, replacing_folder
from system.errors import InputError


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


def test_full_disk(tmp_path):
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

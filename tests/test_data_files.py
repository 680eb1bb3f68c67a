import os

import pytest

from data.errors import InputError
from data.files import list_pictures, read_bytes


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

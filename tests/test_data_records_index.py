"""Reading sets of shards: damage is named."""

import json
import os

import pytest
import tensorflow as tf
from helpers.shards import PREPARATION, SIZE, stems, write

from data.records.index import (
    index_path,
    patch_shapes,
    read_index,
    settings_crc32,
    verify,
)
from system.errors import InputError


@pytest.mark.parametrize("kind", ["dual", "ft"])
def test_a_set_reads_back(tmp_path, kind):
    info = read_index(write(tmp_path / "new" / "x_.json", kind), kind)
    assert (info.kind, info.count, info.preparation) == (kind, 5, PREPARATION)
    assert info.patch_per_img == 4
    assert info.shapes == patch_shapes(kind, SIZE, 3) and len(info.shapes) == 4
    assert [s.path.name for s in info.shards] == [f"x_-{n:05d}-of-00003.tfrecord" for n in range(3)]
    assert [s.records for s in info.shards] == [2, 2, 1]
    assert stems(info) == [f"0-{n}" for n in range(5)]
    assert sum(verify(info)) == sum(s.path.stat().st_size for s in info.shards)


@pytest.mark.parametrize("how", ["cut", "grown", "gone", "closed"])
def test_a_shard_that_is_not_whole_is_named(tmp_path, how):
    index = write(tmp_path / "x_.json")
    path = read_index(index, "dual").shards[1].path
    if how == "cut":  # after a whole record, which a reader of records would not notice
        (first, *_) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        os.truncate(path, len(first) + 16)
    elif how == "grown":
        path.write_bytes(path.read_bytes() * 2)
    elif how == "gone":
        path.unlink()
    else:
        path.unlink()
        path.symlink_to(path)
    with pytest.raises(InputError, match=rf"{path.name} .*; make the records again.*training$"):
        read_index(index, "dual")


def test_every_flipped_bit_of_a_shard_is_named(tmp_path):
    info = read_index(write(tmp_path / "x_.json", count=2, shards=2), "dual")
    path = info.shards[1].path
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 997):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"{path.name} is damaged"):
            list(verify(info))
    path.write_bytes(whole)
    assert len(list(verify(info))) == 2


def test_shards_of_another_set_are_named(tmp_path):
    info = read_index(write(tmp_path / "a" / "x_.json"), "dual")
    other = read_index(write(tmp_path / "b" / "x_.json", generation=1), "dual")
    one, two = info.shards[1].path, other.shards[1].path
    one.write_bytes(two.read_bytes())
    assert one.stat().st_size == info.shards[1].bytes
    with pytest.raises(InputError, match=f"{one.name} is damaged"):
        list(verify(info))


def test_every_cut_and_every_changed_character_of_the_index_is_noticed(tmp_path):
    index = write(tmp_path / "x_.json")
    whole = index.read_bytes()
    changed = [whole[:n] for n in range(0, len(whole) - 2, 7)]
    for position in range(0, len(whole), 3):
        if not whole[position : position + 1].isspace():
            data = bytearray(whole)
            data[position] ^= 1
            changed.append(bytes(data))
    for data in changed:
        index.write_bytes(data)
        with pytest.raises(InputError, match=r"x_\.json is damaged or not an index"):
            read_index(index, "dual")


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"crc32": 5}', "[" * 10**5, "\0", "é"])
def test_what_is_no_index_is_named(tmp_path, text):
    path = tmp_path / "x_.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x_\.json is damaged"):
        read_index(path, "dual")


def test_an_index_cannot_name_files_elsewhere(tmp_path):
    index = write(tmp_path / "x_.json")
    for name in ("../secret", "/etc/passwd", "a/../../b"):
        content = json.loads(index.read_text())
        del content["crc32"]
        content["shards"][0]["file"] = name
        content["crc32"] = settings_crc32(content)
        index.write_text(json.dumps(content))
        with pytest.raises(InputError, match="damaged"):
            read_index(index, "dual")


@pytest.mark.parametrize("version", [None, 1, 2, 4, "3"])
def test_another_version_is_named(tmp_path, version):
    index = write(tmp_path / "x_.json")
    content = json.loads(index.read_text())
    del content["crc32"], content["format"]
    if version is not None:
        content["format"] = version
    content["crc32"] = settings_crc32(content)
    index.write_text(json.dumps(content))
    with pytest.raises(InputError, match="another version of this program; make the records again"):
        read_index(index, "dual")


def test_absence_and_another_kind_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no records at .*gone_\.json; .* --phase training$"):
        read_index(index_path(tmp_path / "gone_"), "dual")
    index = write(tmp_path / "x_.json")
    with pytest.raises(InputError, match=r"other records than those of ft; .* --ft$"):
        read_index(index, "ft")

"""Sets of shards: the old one stays until the new one is whole, and damage is named."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf
from helpers.shards import PREPARATION, SIZE, packed, stems, write

from data.records.index import (
    index_path,
    patch_shapes,
    read_index,
    settings_crc32,
    verify,
)
from data.records.writer import record_writer, remove_stale
from system.errors import InputError

# Told a number, forks a process that writes one set after the other, each with its number
# in the stems; TensorFlow is imported once.
REWRITER = """
import os, sys
from pathlib import Path
from helpers.shards import write

for line in sys.stdin:
    child = os.fork()
    if not child:
        print(os.getpid(), flush=True)
        for generation in range(int(line), 10**6):
            write(Path(sys.argv[1]), count=7, shards=5, generation=generation)
            print(generation, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


def test_the_same_records_give_the_same_bytes(tmp_path):
    first, again = (read_index(write(tmp_path / n / "x_.json"), "dual") for n in "ab")
    for a, b in zip(first.shards, again.shards, strict=True):
        assert a.path.read_bytes() == b.path.read_bytes()
        assert a[1:] == b[1:]


def test_more_shards_than_records(tmp_path):
    info = read_index(write(tmp_path / "x_.json", count=2, shards=4), "dual")
    assert [s.records for s in info.shards] == [1, 1, 0, 0]
    assert list(verify(info))[2:] == [0, 0]
    assert stems(info) == ["0-0", "0-1"]


def test_the_new_set_takes_the_place_of_the_old_one(tmp_path):
    index = write(tmp_path / "x_.json", shards=3)
    write(index, shards=2, generation=1)
    assert stems(read_index(index, "dual")) == [f"1-{n}" for n in range(5)]


def test_a_set_that_is_being_read_outlives_the_next_one(tmp_path):
    """So that a training does not end because somebody makes its records again."""
    index = write(tmp_path / "x_.json")
    first = read_index(index, "dual")
    write(index, generation=1)
    assert stems(first) == [f"0-{n}" for n in range(5)]
    second = read_index(index, "dual")
    write(index, generation=2)
    assert not first.shards[0].path.parent.exists()
    assert stems(second) == [f"1-{n}" for n in range(5)]
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2


def test_a_second_writer_is_refused_and_harms_no_shard_of_the_first(tmp_path):
    index = tmp_path / "x_.json"
    with record_writer(index, "dual", SIZE, PREPARATION, 4, 3) as write_record:
        write_record("first", packed("dual", 0))
        with pytest.raises(InputError, match=r"another generate_tfrec\.py, process \d+, is"):
            write(index)
        write(tmp_path / "y_.json")  # another prefix of the same folder
        write_record("second", packed("dual", 1))
    assert stems(read_index(index, "dual")) == ["first", "second"]


def test_a_failed_writing_leaves_the_old_set(tmp_path):
    index = write(tmp_path / "x_.json")
    before = sorted(tmp_path.rglob("*"))
    with (
        pytest.raises(RuntimeError),
        record_writer(index, "dual", SIZE, PREPARATION, 4, 3) as write_record,
    ):
        write_record("half", packed("dual", 0))
        raise RuntimeError
    assert sorted(tmp_path.rglob("*")) == before
    assert stems(read_index(index, "dual")) == [f"0-{n}" for n in range(5)]


def test_only_stale_sets_are_removed(tmp_path):
    index = write(tmp_path / "x_.json")
    whole = sorted(tmp_path.rglob("*"))
    stale = tmp_path / "x_.0123abcd"
    stale.mkdir()
    (stale / "x_-00000-of-00001.tfrecord").write_bytes(b"half")
    mine = tmp_path / "x_.89abcdef"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    other = write(tmp_path / "x_2.json")
    remove_stale(index)
    assert not stale.exists() and (mine / "notes.txt").exists()
    assert set(whole) <= set(tmp_path.rglob("*"))
    assert stems(read_index(other, "dual"))


def test_no_records_are_refused(tmp_path):
    with pytest.raises(InputError, match="names no records"):
        read_index(write(tmp_path / "x_.json", count=0), "dual")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"x_\.json and its shards cannot be written"):
        write(tmp_path / "file" / "x_.json")


def test_a_full_disk_leaves_the_old_set(disk):
    small_disk = disk(512 << 10)
    index = write(small_disk / "x_.json")
    before = sorted(small_disk.rglob("*"))
    with pytest.raises(InputError, match=r"cannot be written .*[Nn]o space.* as they were"):
        write(index, count=400, generation=1)
    assert sorted(small_disk.rglob("*")) == before
    info = read_index(index, "dual")
    assert stems(info) == [f"0-{n}" for n in range(5)] and len(list(verify(info))) == 3


def test_what_the_disk_refuses_later_leaves_the_old_set(tmp_path, monkeypatch):
    index = write(tmp_path / "x_.json")
    before = sorted(tmp_path.rglob("*"))

    def fsync(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(InputError, match=r"cannot be written \(No space.* as they were"):
        write(index, count=7, generation=1)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.script
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_kill_at_any_moment_leaves_a_whole_set(tmp_path, kills):
    index = write(tmp_path / "x_.json")
    generator, said = random.Random(kills), 0
    with subprocess.Popen(
        [sys.executable, "-c", REWRITER, str(index)],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(kills):
            print(said + 1, file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            said = int(process.stdout.readline())
            time.sleep(generator.uniform(0, 0.3))
            os.kill(child, signal.SIGKILL)
            while (line := process.stdout.readline()) != "ended\n":
                said = int(line)
            info = read_index(index, "dual")
            list(verify(info))
            found = stems(info)
            (generation,) = {int(stem.partition("-")[0]) for stem in found}
            assert generation in (said, said + 1)
            assert found == [f"{generation}-{n}" for n in range(7)]
            said = generation
        process.stdin.close()
    remove_stale(index)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


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

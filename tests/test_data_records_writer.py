"""Writing sets of shards: the old one stays until the new one is whole."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from helpers.shards import PREPARATION, SIZE, packed, stems, write

from data.records.index import read_index, verify
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

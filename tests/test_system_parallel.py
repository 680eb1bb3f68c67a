"""Processes end with the one that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from system.errors import InputError
from system.parallel import in_order

ROOT = Path(__file__).parent.parent
PROGRAM = """
import os, time
from system.parallel import in_order

if __name__ == "__main__":
    for _ in in_order(time.sleep, [(0.2,)] * 200, 2, os.getpid):
        print("working", flush=True)
"""


class Lazy:
    """Tasks that are made when they are asked for."""

    made = 0

    def __len__(self):
        return 20

    def __iter__(self):
        for i in range(20):
            self.made += 1
            yield (-i,)


def test_tasks_are_taken_one_by_one():
    tasks = Lazy()
    work = in_order(abs, tasks, 2, os.getpid)
    assert next(work) == ((0,), 0)
    assert tasks.made < 10
    assert [outcome for _, outcome in work] == list(range(1, 20))


@pytest.mark.parametrize("processes", [1, 2])
def test_outcomes_come_back_through_files(tmp_path, processes):
    work = in_order(parts_or_refuse, [(1,), (0,), (10**6,)], processes, os.getpid, tmp_path)
    outcomes = [outcome for _, outcome in work]
    assert outcomes[0] == [{"a": b"a", "empty": b""}, {"b": b"b"}]
    assert isinstance(outcomes[1], InputError)
    assert outcomes[2] == [{"a": b"a" * 10**6, "empty": b""}, {"b": b"b" * 10**6}]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_no_outcomes_is_named(tmp_path):
    work = in_order(parts_or_refuse, [(1,), (2,)], 2, os.getpid, tmp_path / "missing")
    assert "0.outcome cannot be written (No such file" in str(next(work)[1])


def parts_or_refuse(count):
    if not count:
        raise InputError("nought")
    return [{"a": b"a" * count, "empty": b""}, {"b": b"b" * count}]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a POSIX system")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left(tmp_path, number):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=dict(os.environ),
        start_new_session=True,
        # A shell without job control may have had it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with process:
        assert process.stdout.readline() == b"working\n"
        # Ctrl-C reaches the whole group, a kill the parent alone.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        process.wait(timeout=20)
        deadline = time.monotonic() + 20
        while group_lives(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

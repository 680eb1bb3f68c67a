"""Processes end with the one that started them."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT

from system.errors import InputError
from system.parallel import in_order, pipelined

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
    assert [result for _, result in work] == list(range(1, 20))


def test_the_next_is_read_and_the_last_finished_while_one_is_worked_on():
    together = threading.Barrier(3, timeout=60)

    def items():
        for i in range(3):
            if i == 2:
                together.wait()
            yield i

    def work(item):
        if item == 1:
            together.wait()
        return item * 10

    def finish(item):
        if item == 0:
            together.wait()
        return item + 1

    assert [*pipelined(items(), work, finish)] == [1, 11, 21]


@pytest.mark.parametrize("processes", [1, 2])
def test_want_of_memory_is_a_result_with_a_remedy(processes):
    results = [result for _, result in in_order(too_much, [(1,), (0,)], processes, os.getpid)]
    assert isinstance(results[0], InputError) and results[1] == 0
    assert "not enough memory; try --set data.processes=1" in str(results[0])


def too_much(count):
    if count:
        raise MemoryError
    return 0


def test_a_caller_that_stops_waits_for_no_task_that_has_not_begun():
    work = in_order(time.sleep, [(0,), *[(2,)] * 100], 2, os.getpid)
    next(work)
    start = time.monotonic()
    work.close()
    assert time.monotonic() - start < 3.5  # two tasks at work, for 2 seconds each


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
        # Ctrl-C reaches the whole group, a kill the parent only.
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


IMPORT_PROGRAM = """
from system.devices import import_tensorflow
import_tensorflow()
import sys
print("goes on", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("", 0, "goes on\n"),
        ("raise ImportError('no library')", 1, "Traceback"),
        ("os.abort()", -6, "needs AVX"),  # a processor that TensorFlow was not built for
    ],
)
def test_what_tensorflow_prints_is_seen_where_its_import_fails(tmp_path, end, status, said):
    text = f"import os\nos.write(2, b'this binary needs AVX\\n')\n{end}\n"
    (tmp_path / "tensorflow.py").write_text(text)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_PROGRAM],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status
    assert said in done.stderr
    assert ("this binary needs AVX\n" in done.stderr) == (status != 0)
    assert ("goes on" in done.stderr) == (status == 0)

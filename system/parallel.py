"""Spread work over processes, keeping its order and bounding what waits in memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from system.errors import InputError

SUFFIX = ".outcome"  # of the files that outcomes come back through
# glibc gives large arrays back to the system when they are freed; taking the memory for the
# next ones anew, page by page, costs the processes a tenth of their time.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**29)}


class _Aside(NamedTuple):
    """What a process returns instead of a list of dicts of bytes: their file and lengths."""

    path: Path
    lengths: list


def in_order(function, tasks, processes, initializer, aside=None):
    """Yield (task, outcome) in the order of `tasks`.

    outcome is what function(*task) returned, or the InputError it raised.

    Args:
        function, initializer: module-level callables; the second runs once in
            each process.
        tasks: list of argument tuples, or any iterable with a length; it is gone through
            here as the work proceeds, so that tasks may be made one by one.
        processes: how many; None is one per core, 1 works in this process.
        aside: folder for the large outcomes of many processes, each a list of dicts of
            bytes. They come back through files there in less time than a pipe takes; the
            caller removes what is left of NUMBER.outcome after an error. None is the pipe.

    Raises:
        InputError: a process died.
    """
    processes = min(processes or os.cpu_count() or 1, max(1, len(tasks)))
    if processes == 1:
        for task in tasks:
            yield task, _outcome(lambda task=task: function(*task))
        return
    context = multiprocessing.get_context("spawn")
    start = {"initializer": _start, "initargs": (initializer,)}
    for name, value in KEEP_MEMORY.items():
        os.environ.setdefault(name, value)  # read by a process when it starts
    with ProcessPoolExecutor(processes, mp_context=context, **start) as pool:
        waiting: deque[tuple[tuple, Future]] = deque()
        for number, task in enumerate(tasks):
            path = aside and aside / f"{number}{SUFFIX}"
            waiting.append((task, pool.submit(_run, path, function, *task)))
            if len(waiting) > 2 * processes:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)


def _start(initializer):
    # Ctrl-C reaches every process of the terminal; one that stops while it holds the
    # queue's lock leaves the others waiting for ever. The parent alone acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    initializer()


def _leave_with_parent():
    """End this process when its parent was killed and could not say so."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _run(path, function, *task):
    outcome = function(*task)
    if path is None:
        return outcome
    try:
        with open(path, "wb") as file:
            for part in outcome:
                file.writelines(part.values())
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); make room") from error
    return _Aside(path, [{name: len(data) for name, data in part.items()} for part in outcome])


def _next(waiting):
    task, future = waiting.popleft()
    try:
        outcome = _outcome(future.result)
    except BrokenProcessPool as error:
        raise InputError(
            "a process that prepared pictures died, most likely for want of memory; "
            "try --set data.processes=1"
        ) from error
    if not isinstance(outcome, _Aside):
        return task, outcome
    with open(outcome.path, "rb") as file:
        found = [{n: file.read(length) for n, length in part.items()} for part in outcome.lengths]
    outcome.path.unlink()
    return task, found


def _outcome(call):
    try:
        return call()
    except InputError as error:
        return error

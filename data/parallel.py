"""Spread work over processes, keeping its order and bounding what waits in memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from data.errors import InputError


def in_order(function, tasks, processes, initializer):
    """Yield (task, outcome) in the order of `tasks`.

    outcome is what function(*task) returned, or the InputError it raised.

    Args:
        function, initializer: module-level callables; the second runs once in
            each process.
        tasks: list of argument tuples, or any iterable with a length; it is gone through
            here as the work proceeds, so that tasks may be made one by one.
        processes: how many; None is one per core, 1 works in this process.

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
    with ProcessPoolExecutor(processes, mp_context=context, **start) as pool:
        waiting: deque[tuple[tuple, Future]] = deque()
        for task in tasks:
            waiting.append((task, pool.submit(function, *task)))
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


def _next(waiting):
    task, future = waiting.popleft()
    try:
        return task, _outcome(future.result)
    except BrokenProcessPool as error:
        raise InputError(
            "a process that prepared pictures died, most likely for want of memory; "
            "try --set data.processes=1"
        ) from error


def _outcome(call):
    try:
        return call()
    except InputError as error:
        return error

"""Spread work over processes, keeping its order and bounding what waits in memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from system.errors import InputError

REMEDY = "try --set data.processes=1, or smaller pictures"
_stopped: Any = None  # in a started process: the event that the caller takes no more results


def in_order(function, tasks, processes, initializer):
    """Yield (task, result) in the order of `tasks`.

    The result is what function(*task) returned, or the InputError it raised; want of memory
    is one too. Where the caller stops in between, tasks that have not begun are dropped.

    Args:
        function, initializer: module-level callables; the second runs once in
            each process that is started, and not in this one.
        tasks: list of argument tuples, or any iterable with a length; it is gone through
            here as the work proceeds, so that tasks may be made one by one.
        processes: how many; None is one per core, 1 works in this process.

    Raises:
        InputError: a process died.
    """
    processes = min(processes or os.cpu_count() or 1, max(1, len(tasks)))
    if processes == 1:
        for task in tasks:
            yield task, _result(function, *task)
        return
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    pool = ProcessPoolExecutor(processes, context, _start, (initializer, stopped))
    waiting = deque()
    try:
        for task in tasks:
            waiting.append((task, pool.submit(_result_unless_stopped, function, *task)))
            if len(waiting) > 2 * processes:
                task, future = waiting.popleft()
                yield task, future.result()
        for task, future in waiting:
            yield task, future.result()
    except BrokenProcessPool as error:
        raise InputError(
            f"a process that prepared pictures died, most likely for want of memory; {REMEDY}"
        ) from error
    finally:
        # The pool cannot cancel the tasks that it has put into the processes' queue.
        stopped.set()
        pool.shutdown(cancel_futures=True)


def pipelined(items, work, finish):
    """Yield finish(work(item)) in order, work in this thread.

    Meanwhile the next item is taken from the iterator in a second thread and the last one is
    finished in a third: at most three items are in memory.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as finisher:
        coming, last = reader.submit(next, items, reader), None  # the reader itself marks the end
        while (item := coming.result()) is not reader:
            coming = reader.submit(next, items, reader)
            made = work(item)
            if last:
                yield last.result()
            last = finisher.submit(finish, made)
            del item, made
        if last:
            yield last.result()


def _start(initializer, stopped):
    global _stopped
    _stopped = stopped
    # Ctrl-C reaches every process of the terminal; one that stops while it holds the
    # queue's lock leaves the others waiting for ever. The parent alone acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    initializer()


def _leave_with_parent():
    """End this process when its parent was killed and could not say so."""
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os._exit(1)


def _result_unless_stopped(function, *task):
    return None if _stopped.is_set() else _result(function, *task)


def _result(function, *task):
    try:
        return function(*task)
    except InputError as error:
        return error
    except MemoryError:
        return InputError(f"there is not enough memory; {REMEDY}")

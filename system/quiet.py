"""Keep what libraries print in C from the terminal."""

import contextlib
import ctypes
import functools
import io
import os
import sys
import threading
from collections.abc import Iterator

_OUTPUTS = {"stdout": 1, "stderr": 2}  # streams of Python and their file descriptors
_BUFFERING = ("line_buffering", "write_through")
_lock = threading.Lock()
_copies: dict[int, int] = {}  # of the descriptors, while libraries are kept quiet
_users = 0
_streams_are_apart = False


def keep_streams_apart() -> None:
    """Give Python's two outputs descriptors of their own, so that only C prints to the old ones.

    For a program that reads pictures in one thread and prints in another.
    """
    global _streams_are_apart
    for name, output in _OUTPUTS.items():
        stream = getattr(sys, name)
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no file
            if stream.fileno() == output:
                stream.flush()
                file = os.fdopen(os.dup(output), "wb", 0 if stream.write_through else -1)
                how = {n: getattr(stream, n) for n in ("encoding", "errors", *_BUFFERING)}
                setattr(sys, name, io.TextIOWrapper(file, **how))
    _streams_are_apart = True


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Send both outputs nowhere, for the whole process and at the level of the system.

    Image libraries print a line, or a hundred, for a damaged file before they report it. Threads
    may be inside together; the last one out opens the outputs again. Where another thread could
    print meanwhile, nothing is done: see keep_streams_apart.
    """
    global _users
    if not _streams_are_apart and threading.active_count() > 1:
        yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            _close()
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _open()


@functools.cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _close() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # None, closed, or a test's
            stream.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in _OUTPUTS.values():
        with contextlib.suppress(OSError):  # a daemon may have closed it
            _copies[output] = os.dup(output)
            os.dup2(nowhere, output)
    os.close(nowhere)


def _open() -> None:
    with contextlib.suppress(OSError, AttributeError):  # what C still holds in its buffer
        _c_library().fflush(None)
    for output, copy in _copies.items():
        os.dup2(copy, output)
        os.close(copy)
    _copies.clear()

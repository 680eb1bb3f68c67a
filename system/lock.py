"""One writer to a folder."""

import contextlib
import os
from pathlib import Path

from system.errors import InputError

try:
    import fcntl
except ImportError:  # Windows has no such locks; there two writers are not told apart
    fcntl = None  # type: ignore[assignment]


def lock(folder, remedy, what="training", name=".lock"):
    """Lock a folder against other processes and return the open file that holds the lock.

    The system gives the lock back when the file is closed or the process ends, however it
    ends: a lock file that lies there means nothing by itself. File systems without locks
    let everyone in.

    Args:
        folder: an existing one.
        remedy: the flag or setting that names another.
        what: the word for a process that holds the lock.
        name: of the lock file.

    Raises:
        InputError: another process has it, or the lock file cannot be made.
    """
    path = Path(folder) / name
    try:
        file = path.open("a+")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); name another folder with {remedy}"
        ) from error
    if fcntl is None:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise InputError(
            f"{folder}: another {what}, process {holder}, is writing there; stop it (kill -INT "
            f"{holder}) or wait for its end, or name another folder with {remedy}"
        ) from error
    except OSError:
        return file
    # For the message alone, so a full disk may lose it.
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
    return file

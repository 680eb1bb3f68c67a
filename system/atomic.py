"""Writing a file so that a reader sees the old one or the whole new one."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from typing import BinaryIO

from system.errors import InputError, reason_of


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a binary file that replaces `path` when the block ends well.

    The bytes go to a hidden temporary in the same folder (a rename across file
    systems is a copy), reach the disk, and only then get the name. If anything
    is raised, the old file stays and the temporary is removed. A symbolic link
    at `path` is replaced, not followed.

    Raises:
        InputError: the folder is missing or closed, the disk is full, ...
    """
    path = os.fspath(path)
    if "\0" in path:
        raise InputError(f"{path!r}: the name holds a null character; give another one.")
    # Short, because a name may already be as long as the file system allows;
    # opened with "x" and not mkstemp, so that the user's umask decides the mode.
    temporary = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.tmp")
    created = False
    try:
        with open(temporary, "xb") as file:
            created = True
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        created = False
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        if created:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield a new folder that replaces the folder `path` when the block ends well.

    If anything is raised, the old folder stays and the new one is removed.

    Raises:
        InputError: the folder above is missing or closed, the disk is full, ...
    """
    path = os.fspath(path).rstrip(os.sep)
    new, old = (
        os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.tmp") for _ in range(2)
    )
    try:
        os.mkdir(new)
        yield new
        # No system call exchanges two folders everywhere: for a moment there is none.
        if os.path.isdir(path):
            os.rename(path, old)
        os.rename(new, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        # Whatever ended it between the two renames, Ctrl-C too.
        if os.path.isdir(old) and not os.path.lexists(path):
            os.rename(old, path)
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


def _cannot_write(path: str, error: OSError) -> InputError:
    return InputError(
        f"{path}: cannot be written ({reason_of(error)}); "
        "check the folder, its permissions and the free space."
    )

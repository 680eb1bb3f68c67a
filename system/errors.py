"""The one exception that stands for a mistake the user can mend."""

import contextlib
import traceback
from collections.abc import Iterator

OPENCV_NO_MEMORY = -4  # code of a cv2.error


class InputError(ValueError):
    """Bad input: a file, a setting or a folder.

    The message is one sentence that names the thing and the remedy. Root
    scripts print it without a traceback and exit with status 2. It stays on
    one line, and cannot command the terminal, whatever a file is called.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """Return a text on one line that cannot command the terminal, whatever it came from."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def reason_of(error: Exception) -> object:
    """Return what the system or TensorFlow says of a file that it cannot read or write."""
    return getattr(error, "strerror", None) or getattr(error, "message", None) or error


@contextlib.contextmanager
def naming(path: object, remedy: str = "--test_resize_to_half") -> Iterator[None]:
    """Raise what goes wrong with a file as an InputError that names the file.

    Args:
        path: put in front of an InputError's text where the text lacks it.
        remedy: what to try where the memory is too small, NumPy's or OpenCV's allocations.

    Raises:
        InputError: the block raised it, or ran out of memory.
    """
    try:
        yield
    except InputError as error:
        text = str(error.args[0])
        if str(path) in text:
            raise
        raise InputError(f"{path}: {text}") from error
    except Exception as error:
        if isinstance(error, MemoryError) or getattr(error, "code", None) == OPENCV_NO_MEMORY:
            traceback.clear_frames(error.__traceback__)  # their arrays take the next file's memory
            raise InputError(f"{path}: does not fit into the memory; try {remedy}") from error
        raise

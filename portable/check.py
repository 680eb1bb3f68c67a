"""Compare the pictures of exported files with those of this code."""

import time
from typing import NamedTuple

import cv2
import numpy as np

from data.preparation.prepare import MIN_BOT_SIDE

# Gray levels of 255. Rounding to 8 bits can turn the smallest difference into one.
MAX_DIFFERENCE = 2


class Outcome(NamedTuple):
    """One runtime's result on one picture.

    largest: difference from this code's picture in gray levels of 255.
    share: of the samples that differ.
    seconds: least of the timed runs; None without any.
    """

    largest: int
    share: float
    seconds: float | None


def parts_of(picture, level_num, size=None):
    """Yield a picture and odd-sized parts of it: some two thirds, and the smallest that works.

    Or, where a size (height, width) is given, the picture resized to it alone.
    """
    if size:
        yield cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
        return
    height, width = picture.shape[:2]
    step = 2**level_num
    least = MIN_BOT_SIDE * step + step - 1
    yield picture
    for rows, columns in ((height * 2 // 3 | 1, width * 3 // 4 | 1), (least, least)):
        if least <= rows < height and least <= columns < width:
            top, left = (height - rows) // 2, (width - columns) // 2
            yield np.ascontiguousarray(picture[top : top + rows, left : left + columns])


def compare(picture, here, runtimes, rounds):
    """Run this code and all runtimes on one picture, in turn.

    Args:
        picture: H×W×3 float32.
        here: function from it to H×W×3 uint8, this code's.
        runtimes: dict from name to a function of the same kind.
        rounds: timed runs of each after the first, 0 for none.

    Returns:
        (seconds of `here` or None, dict from name to Outcome).
    """
    expected = here(picture)
    differences = {name: _difference(expected, run(picture)) for name, run in runtimes.items()}
    taken = {None: [], **{name: [] for name in runtimes}}
    for _ in range(rounds):
        for name, run in {None: here, **runtimes}.items():
            start = time.perf_counter()
            run(picture)
            taken[name].append(time.perf_counter() - start)
    least = {name: min(times, default=None) for name, times in taken.items()}
    outcomes = {
        name: Outcome(largest, share, least[name]) for name, (largest, share) in differences.items()
    }
    return least[None], outcomes


def _difference(expected, found):
    """Return (largest difference, share of the samples that differ)."""
    if expected.shape != found.shape or found.dtype != np.uint8:
        return 255, 1.0
    difference = np.abs(expected.astype(np.int16) - found)
    return int(difference.max()), float(np.mean(difference > 0))

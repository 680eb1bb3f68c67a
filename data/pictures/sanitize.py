"""What every picture goes through, whatever file it came from."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from system.errors import InputError

# More than any camera or panorama needs. A header that claims more is damaged
# or hostile, and is refused before anything is allocated.
MAX_PIXELS = 2**28
MAX_SIDE = 2**16


# A reader calls it with a sentence on each thing that it had to guess, mend or leave out.
Remark = Callable[[str], None]


class SampleCounts(NamedTuple):
    """How many samples `clean` changed; −Inf counts as negative."""

    nan: int
    inf: int
    negative: int


def check_size(name: str, height: int, width: int) -> None:
    """Raise InputError unless the sides a header claims make a picture we would read."""
    if height < 1 or width < 1:
        raise InputError(f"{name}: the picture is {height}×{width}; give one with pixels.")
    if max(height, width) > MAX_SIDE or height * width > MAX_PIXELS:
        raise InputError(
            f"{name}: the header claims {height}×{width} pixels, over the limit of "
            f"2^28 in all and {MAX_SIDE} a side; give a smaller or an undamaged file."
        )


def check_claim(name: str, claimed: int, held: int, ratio: int = 1) -> None:
    """Raise InputError if a header claims more than the file can hold.

    Args:
        name: the file, for the message.
        claimed: decoded bytes, by the header.
        held: bytes in the file.
        ratio: the best compression the format can reach.
    """
    if claimed > held * ratio:
        raise InputError(
            f"{name}: the file is cut short or damaged (the header claims {claimed} bytes "
            f"of samples, the file holds {held}); get it again."
        )


def as_rgb(name: str, image: np.ndarray) -> np.ndarray:
    """Return H×W×3 for H×W, H×W×1 (grey, repeated), H×W×3 and H×W×4 (alpha dropped)."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        shape = "×".join(map(str, image.shape))
        raise InputError(f"{name}: the array is {shape}; give H×W, H×W×1, H×W×3 or H×W×4.")
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])


def clean(image: np.ndarray, name: str = "the picture") -> tuple[np.ndarray, SampleCounts]:
    """Mend the samples that no light can give.

    NaN becomes 0, +Inf the largest finite sample, −Inf and negatives 0.

    Args:
        image: float samples of any shape.
        name: the file, for the message.

    Returns:
        The mended picture (`image` itself where nothing was wrong, else a copy)
        and the number of samples changed.

    Raises:
        InputError: no sample is finite.
    """
    # min and max pass NaN on, so this one test finds all three faults.
    if image.size and image.min() >= 0 and image.max() < np.inf:
        return image, SampleCounts(0, 0, 0)
    finite = np.isfinite(image)
    if not finite.any():
        raise InputError(f"{name}: no sample is a finite number; give another picture.")
    largest = max(image[finite].max(), 0)
    nan, inf, negative = np.isnan(image), image == np.inf, image < 0
    image = image.copy()
    image[nan | negative] = 0
    image[inf] = largest
    return image, SampleCounts(int(nan.sum()), int(inf.sum()), int(negative.sum()))


def looks_display_encoded(image: np.ndarray) -> bool:
    """Guess whether an H×W×3 "HDR" picture is an 8-bit one in a float file.

    True if all samples lie in [0, 255] and the brightest channel of each pixel
    takes at most 256 values over the picture. The brightest channel, because a
    shared exponent (RGBE) splits the levels of the darker two but not its own.
    A photograph spanning a few stops has more values, even in RGBE. Pictures of
    under 1024 pixels tell too little and give False; a synthetic scene of few
    flat colours gives True, so this is ground for a warning, never for refusal.
    """
    pixels = image.reshape(-1, image.shape[-1])
    if len(pixels) < 1024:
        return False
    for count in (2**12, 2**20):  # a photograph is told by the first few
        # A million pixels settle it; an odd stride avoids sampling one column only.
        stride = len(pixels) // count | 1
        if np.unique(pixels[::stride].max(axis=1)).size > 256:
            return False
    lit = np.count_nonzero(image) >= 3 * 1024  # not a light on black
    return bool(lit and image.min() >= 0 and image.max() <= 255)


def remark_on(image: np.ndarray, counts: SampleCounts, remark: Remark) -> None:
    """Call `remark` where the samples of a picture are not what they should be."""
    if looks_display_encoded(image):
        remark("looks display-encoded; scene-linear light is expected")
    if any(counts):
        remark(
            f"{counts.nan} NaN, {counts.inf} infinite and {counts.negative} negative samples "
            "were mended"
        )


def linear_array(rgb: np.ndarray) -> np.ndarray:
    """Return an array of scene-linear light as H×W×3 float32, mended by `clean`.

    Args:
        rgb: floats, of a shape that `as_rgb` takes.

    Raises:
        InputError: integers, another shape, no pixels, or no finite sample.
    """
    if rgb.dtype.kind != "f":
        raise InputError(
            f"the picture is {rgb.dtype}, not float: whole numbers are codes for a display or "
            "a camera's counts; give scene-linear light as floats"
        )
    if not rgb.size:
        raise InputError(f"the picture has no pixels: its shape is {rgb.shape}")
    with np.errstate(over="ignore"):  # what is over the range of float32 is mended
        return clean(as_rgb("the picture", rgb).astype(np.float32, copy=False))[0]

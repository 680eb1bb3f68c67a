"""From a file's own primaries to BT.709's."""

from collections.abc import Sequence

import cv2
import numpy as np

from data.pictures.sanitize import Remark
from standards.primaries import BT709, to_bt709

_TOLERANCE = 1e-3  # of a chromaticity: files round them to three or four digits


def is_close(numbers: Sequence[float], others: Sequence[float]) -> bool:
    """Say whether chromaticities are the same but for rounding."""
    return bool(np.allclose(numbers, others, rtol=0, atol=_TOLERANCE))


def as_bt709(
    image: np.ndarray,
    chromaticities: Sequence[float],
    neutral: Sequence[float] | None,
    remark: Remark,
) -> np.ndarray:
    """Return H×W×3 float32 linear RGB of other primaries as BT.709.

    Args:
        image: as returned.
        chromaticities, neutral: see standards.primaries.to_bt709.
        remark: hears of numbers that make no sense; the picture is then returned as it is.
    """
    if is_close(chromaticities, BT709) and (neutral is None or is_close(neutral, BT709[6:])):
        return image
    try:
        matrix = to_bt709(chromaticities, neutral)
    except ValueError:
        remark("its primaries make no sense and are taken to be BT.709")
        return image
    return cv2.transform(image, matrix)

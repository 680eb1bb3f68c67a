"""The small pictures that the report shows."""

import cv2
import numpy as np

from data.pictures import write_sdr
from metrics.operators.display import encode, log_average, scene

SIDE, STRIP_SIDE = 1024, 640  # pixels, the longest sides of results and of exposures
QUALITY = 88  # of the JPEGs, which are 4:4:4
KEY = 0.18  # what the log-average is exposed to at 0 EV
EXPOSURES = (-4, -2, 0, 2, 4)


def write_small(path, picture):
    """Write H×W×3 uint8 as JPEG, reduced to SIDE where it is larger; see data.pictures."""
    write_sdr(path, reduced(picture, SIDE), QUALITY)


def exposures(hdr):
    """Show a scene as a camera would, two stops apart.

    Args:
        hdr: H×W×3 float32, linear RGB in any unit.

    Returns:
        dict from EV, relative to the log-average luminance, to uint8 picture whose
        longer side is at most STRIP_SIDE.

    Raises:
        InputError: as metrics.operators.display.scene.
    """
    rgb, luminance = scene(reduced(hdr, STRIP_SIDE))
    exposed = rgb * (KEY / log_average(luminance))
    return {ev: encode(exposed * 2.0**ev) for ev in EXPOSURES}


def reduced(picture, side):
    """Shrink an H×W×3 picture of any type so that no side is above `side` pixels."""
    height, width = picture.shape[:2]
    if max(height, width) <= side:
        return picture
    factor = side / max(height, width)
    size = [max(1, round(length * factor)) for length in (width, height)]
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))

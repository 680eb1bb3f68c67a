"""The band-limited contrast distortion of a tone-mapped picture, in PU21 units.

The luminance of the picture on a display of 0.4 to 200 cd/m² and of the scene, exposed to the
same log-mean, both coded by PU21 (see standards.pu21); the difference of the finest bands of their
Laplacian pyramids (P. Burt and E. Adelson, "The Laplacian Pyramid as a Compact Image Code", 1983).
Over many pictures its rank follows that of ColorVideoVDP (R. K. Mantiuk et al., SIGGRAPH 2024)
far more closely than TMQI's does.
"""

import cv2
import numpy as np

from metrics.pair import check_pair
from standards.pu21 import displayed_luminance, pu21, scene_luminance
from standards.srgb import MAX_CODE
from system.errors import InputError

BANDS = 4
MIN_SIDE = 3 * 2 ** (BANDS - 1)


def contrast_distortion(hdr, sdr):
    """Return the mean over the four finest bands of the rms difference; 0 is best.

    Args:
        hdr: H×W×3 linear RGB, any unit; negative samples count as 0.
        sdr: H×W×3 uint8, sRGB-encoded.

    Raises:
        InputError: as metrics.pair.check_pair, or the HDR picture is black.
    """
    hdr, sdr = check_pair(hdr, sdr, MIN_SIDE)
    hdr = np.maximum(hdr, 0)
    if not hdr.any():
        raise InputError("The HDR picture is black; there is no contrast to compare.")
    displayed = displayed_luminance(sdr / MAX_CODE)
    a, b = (pu21(x)[..., 0] for x in (displayed, scene_luminance(hdr, displayed)))
    roots = []
    for _ in range(BANDS):
        next_a, next_b = cv2.pyrDown(a), cv2.pyrDown(b)
        size = a.shape[::-1]
        band = (a - cv2.pyrUp(next_a, dstsize=size)) - (b - cv2.pyrUp(next_b, dstsize=size))
        roots.append(np.sqrt((band**2).mean()))
        a, b = next_a, next_b
    return float(np.mean(roots))

"""Local operators: the curve follows the neighborhood.

Each takes H×W×3 linear RGB in any unit and returns H×W×3 uint8 display-encoded RGB,
and raises InputError for another shape, non-finite samples or a black picture.
"""

import cv2
import numpy as np

from metrics.operators.common import GAMMA, log_average, relight, run_opencv, scaled, without_zeros
from system.errors import InputError

BLUR = 8.0  # pixels; the bilateral filter works on a picture so small that this is its blur
TRACE = 1e-12  # bilateral weight below which a neighborhood counts as empty
# Of reinhard_local, the paper's choices: exposure of the log-average, phi (edge enhancement),
# epsilon (contrast that ends the growth of a neighborhood), how many neighborhoods.
KEY, SHARPNESS, THRESHOLD, SCALES = 0.18, 8.0, 0.05, 8
# Of durand, the usual choices: ratio of the brightest to the darkest of the compressed base,
# spatial standard deviation as a share of the longer side, tonal one in decades.
CONTRAST, SPATIAL, TONAL = 5.0, 0.02, 0.4


def reinhard_local(hdr):
    """Photographic tone reproduction with dodging and burning.

    See metrics.operators.common.photographic_curve; equations 1 and 5 to 9 of that paper.
    """
    rgb, luminance = scaled(hdr)
    exposed = luminance * (KEY / log_average(luminance))
    center = _blur(exposed, 1.0)
    adaptation, growing = center.copy(), np.ones(luminance.shape, bool)
    for i in range(SCALES):
        size = 1.6**i
        adaptation[growing] = center[growing]
        surround = _blur(exposed, size * 1.6)
        contrast = (center - surround) / (2**SHARPNESS * KEY / size**2 + center)
        growing &= np.abs(contrast) < THRESHOLD
        center = surround
    return relight(rgb, luminance, exposed / (1 + adaptation))


def _blur(picture, size):
    """Gaussian exp(-r²/(a s)²), a = 1/(2 √2): a standard deviation of a quarter of the size."""
    return cv2.GaussianBlur(picture, (0, 0), size / 4)


def durand(hdr):
    """Compress the base layer of a bilateral filter and keep the detail.

    F. Durand and J. Dorsey, "Fast Bilateral Filtering for the Display of High-Dynamic-Range
    Images", ACM Trans. Graphics 21(3), 2002, sections 5 and 6.
    """
    rgb, luminance = scaled(hdr)
    log = np.log10(without_zeros(luminance))
    base = _bilateral(log, SPATIAL * max(log.shape), TONAL)
    detail = log - base
    span = base.max() - base.min()
    factor = np.log10(CONTRAST) / span if span > 0 else 1.0
    return relight(rgb, luminance, 10 ** ((base - base.max()) * factor + detail))


def mantiuk(hdr):
    """Perceptual contrast compression in the gradient domain, by OpenCV.

    R. Mantiuk, K. Myszkowski and H.-P. Seidel, "A Perceptual Framework for Contrast
    Processing of High Dynamic Range Images", ACM Trans. Applied Perception 3(3), 2006.

    Raises:
        InputError: also for a picture of one pixel or of constant luminance.
    """
    try:
        return run_opencv(cv2.createTonemapMantiuk(GAMMA, scale=0.7, saturation=1.0), hdr)
    except cv2.error as error:
        # It solves for luminance from contrasts and stops where there are none.
        raise InputError("Mantiuk's operator needs a picture whose luminance varies.") from error


def _bilateral(picture, sigma, tonal):
    """Bilateral filter as blurs at a few levels, on a smaller picture, interpolated (section 5)."""
    low, high = picture.min(), picture.max()
    steps = max(1, int(np.ceil((high - low) / tonal)))
    position = (picture - low) / max(high - low, 1e-12) * steps
    # Nearest samples keep the histogram; averages would make levels that edges do not have.
    size = picture.shape[::-1]
    shrink = max(1, sigma / BLUR)
    small_size = [max(1, round(side / shrink)) for side in size]
    small = cv2.resize(picture, small_size, interpolation=cv2.INTER_NEAREST)
    result = np.zeros_like(picture)
    for i in range(steps + 1):
        level = low + (high - low) * i / steps
        weight = np.exp(-((small - level) ** 2) / (2 * tonal**2))
        total = cv2.GaussianBlur(weight * small, (0, 0), sigma / shrink)
        share = cv2.GaussianBlur(weight, (0, 0), sigma / shrink)
        # Far from every sample of this level the weights vanish and the level itself stands.
        filtered = (total + TRACE * level) / (share + TRACE)
        nearness = np.maximum(0, 1 - np.abs(position - i))
        result += nearness * cv2.resize(filtered, size, interpolation=cv2.INTER_LINEAR)
    return result

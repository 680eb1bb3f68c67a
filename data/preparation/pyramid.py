"""Split a picture into the detail layer ("high") and the small base ("bot").

Each pyramid level halves the picture. "extracted" layers keep the finest
detail and the coarsest base and drop what lies between, as the original does
by default; "fused" layers add the middle levels to the detail.
"""

import cv2
import numpy as np

DIAMETER, SIGMA_COLOUR, SIGMA_SPACE = 5, 75, 75


def decompose(image, decompose_filter, fuse_mid_layers, level_num):
    """Split a picture whose sides are multiples of 2^level_num.

    Args:
        image: H×W×3 float32.
        decompose_filter: "bilateral" or "gaussian".
        fuse_mid_layers: add the middle levels to the detail layer.
        level_num: number of halvings, 1 and more (the original has 3).

    Returns:
        (high, bot): H×W×3 and H/2^n×W/2^n×3 float32. High has negative samples.
    """
    if decompose_filter == "gaussian":
        levels, bot = _gaussian_levels(image, level_num)
        enlarge = _pyr_up
    else:
        levels, bot = _smoothed_levels(image, level_num)
        enlarge = _enlarge_and_smooth
    return detail_layer(levels, fuse_mid_layers, enlarge), bot


def detail_layer(levels, fuse_mid_layers, enlarge):
    """Return the finest of a pyramid's levels, with the others enlarged and added if asked for.

    Args:
        levels: finest first, arrays or tensors.
        fuse_mid_layers: add the others.
        enlarge: function that doubles a level's sides.
    """
    high = levels[0]
    if fuse_mid_layers:
        for index, level in enumerate(levels[1:], start=1):
            for _ in range(index):
                level = enlarge(level)
            high = high + level
    return high


def _smoothed_levels(image, level_num):
    """What smoothing takes away, and the Laplacian levels of the smoothed picture's half."""
    base = _bilateral(image)
    height, width = image.shape[:2]
    half = cv2.resize(base, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    levels, bot = _gaussian_levels(half, level_num - 1)
    return [image - base, *levels], bot


def _gaussian_levels(image, level_num):
    """Laplacian pyramid (Burt and Adelson, 1983)."""
    levels, base = [], image
    for _ in range(level_num):
        smaller = cv2.pyrDown(base)
        levels.append(base - _pyr_up(smaller))
        base = smaller
    return levels, base


def _bilateral(image):
    return cv2.bilateralFilter(image, DIAMETER, SIGMA_COLOUR, SIGMA_SPACE)


def weights_by_distance():
    """Return the bilateral filter's 5×5 weights by distance, float64, 0 outside its disc."""
    offsets = np.arange(DIAMETER) - DIAMETER // 2
    square = offsets[:, None] ** 2 + offsets**2
    return np.exp(-0.5 * square / SIGMA_SPACE**2) * (square <= (DIAMETER // 2) ** 2)


def _pyr_up(image):
    height, width = image.shape[:2]
    return cv2.pyrUp(image, dstsize=(width * 2, height * 2))


def _enlarge_and_smooth(image):
    height, width = image.shape[:2]
    return _bilateral(cv2.resize(image, (width * 2, height * 2), interpolation=cv2.INTER_AREA))

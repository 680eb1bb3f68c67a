"""Split a picture into the detail layer ("high") and the small base ("bot").

Each pyramid level halves the picture. "extracted" layers keep the finest
detail and the coarsest base and drop what lies between, as the original does
by default; "fused" layers add the middle levels to the detail.
"""

import cv2

DIAMETER, SIGMA_COLOUR, SIGMA_SPACE = 5, 75, 75
FILTERS = ("bilateral", "gaussian")


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
    if decompose_filter == "bilateral":
        levels, bot = _bilateral_levels(image, level_num)
        enlarge = _enlarge_and_smooth
    else:
        levels, bot = _gaussian_levels(image, level_num)
        enlarge = _pyr_up
    high = levels[0]
    if fuse_mid_layers:
        for index, level in enumerate(levels[1:], start=1):
            for _ in range(index):
                level = enlarge(level)
            high = high + level
    return high, bot


def _bilateral_levels(image, level_num):
    """Edge-keeping first level, Laplacian levels of the smoothed half below it."""
    smooth = _smooth(image)
    height, width = image.shape[:2]
    base = cv2.resize(smooth, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    levels, bot = _gaussian_levels(base, level_num - 1)
    return [image - smooth, *levels], bot


def _gaussian_levels(image, level_num):
    """Laplacian pyramid (Burt and Adelson, 1983)."""
    levels, base = [], image
    for _ in range(level_num):
        smaller = cv2.pyrDown(base)
        levels.append(base - _pyr_up(smaller))
        base = smaller
    return levels, base


def _smooth(image):
    return cv2.bilateralFilter(image, DIAMETER, SIGMA_COLOUR, SIGMA_SPACE)


def _pyr_up(image):
    height, width = image.shape[:2]
    return cv2.pyrUp(image, dstsize=(width * 2, height * 2))


def _enlarge_and_smooth(image):
    height, width = image.shape[:2]
    return _smooth(cv2.resize(image, (width * 2, height * 2), interpolation=cv2.INTER_AREA))

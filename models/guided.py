"""The guided filter.

K. He, J. Sun and X. Tang, "Guided Image Filtering", IEEE TPAMI 35(6), 2013,
equations 5, 6 and 8.
"""

import cv2
import numpy as np


def guided_filter(guide, picture, radius, edge):
    """Make `picture` a linear function of `guide` in every window, and average those.

    Args:
        guide: H×W float.
        picture: H×W of the same type; the guide itself smooths and keeps edges.
        radius: pixels; windows have 2 radius + 1 on each side.
        edge: epsilon of the paper, in squared units of the guide: windows that vary
            less than this are smoothed, others follow the guide.

    Returns:
        H×W of the same type.
    """
    mean_guide, mean = _box(guide, radius), _box(picture, radius)
    # Rounding can leave a flat window a variance just under 0.
    variance = np.maximum(_box(guide * guide, radius) - mean_guide**2, 0)
    slope = (_box(guide * picture, radius) - mean_guide * mean) / (variance + edge)
    offset = mean - slope * mean_guide
    return _box(slope, radius) * guide + _box(offset, radius)


def _box(picture, radius):
    return cv2.boxFilter(picture, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

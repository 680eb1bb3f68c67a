"""The guided filter.

K. He, J. Sun and X. Tang, "Guided Image Filtering", IEEE TPAMI 35(6), 2013,
equations 5, 6 and 8.
"""

import cv2
import numpy as np

from standards.srgb import namespace


def guided_filter(guide, picture, radius, edge, steepest=None):
    """Make `picture` a linear function of `guide` in every window, and average those.

    At its borders a picture is mirrored, the border sample included, as often as a window
    needs: a radius may be larger than the picture.

    Args:
        guide: H×W×1 NumPy array or N×H×W×1 Keras tensor of floats.
        picture: the same; the guide itself smooths and keeps edges.
        radius: pixels; windows have 2 radius + 1 on each side.
        edge: epsilon of the paper, in squared units of the guide: windows that vary
            less than this are smoothed, others follow the guide.
        steepest: None, or callable from the windows' means of `picture` to the greatest slope
            that they may have; 0 is then the least.

    Returns:
        The same. Arrays are computed in float64, tensors in their own precision.
    """
    xp, box, kind = namespace(guide, picture), _box_of_tensor, picture.dtype
    if xp is np:
        guide, picture, box = guide.astype(np.float64), picture.astype(np.float64), _box_of_array
    # A shift of the guide changes nothing, but near 0 its square keeps more digits.
    guide = guide - xp.mean(guide)
    products = xp.concatenate([guide, picture, guide * guide, guide * picture], axis=-1)
    mean_guide, mean, mean_square, mean_product = _channels(box(products, radius))
    # Rounding can leave a flat window a variance just under 0.
    variance = xp.maximum(mean_square - mean_guide * mean_guide, 0.0)
    slope = (mean_product - mean_guide * mean) / (variance + edge)
    if steepest:
        slope = xp.minimum(xp.maximum(slope, 0.0), steepest(mean))
    line = xp.concatenate([slope, mean - slope * mean_guide], axis=-1)
    slope, offset = _channels(box(line, radius))
    filtered = slope * guide + offset
    return filtered.astype(kind) if xp is np else filtered


def _channels(x):
    return [x[..., i : i + 1] for i in range(x.shape[-1])]


def _box_of_array(x, radius):
    """Return the mean of the (2 radius + 1)² samples round each of H×W×C."""
    return cv2.boxFilter(x, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)


def _box_of_tensor(x, radius):
    from keras import ops

    side = 2 * radius + 1
    x = ops.average_pool(_mirrored(x, radius, 1), (side, 1), strides=1, padding="valid")
    return ops.average_pool(_mirrored(x, radius, 2), (1, side), strides=1, padding="valid")


def _mirrored(x, radius, axis):
    """Put `radius` mirrored samples before and behind; no padding of ONNX does it."""
    from keras import ops

    length = ops.shape(x)[axis]
    index = ops.arange(-radius, length + radius, dtype="int32")
    index = ops.maximum(index, -1 - index) % (2 * length)
    return ops.take(x, ops.minimum(index, 2 * length - 1 - index), axis=axis)

"""data.preparation.pyramid as a TensorFlow graph.

Pictures are 1×H×W×3 float32, sides multiples of 2^n.

The bilateral filter is OpenCV's formula on shifted copies of the picture; the
result differs from OpenCV's by 3e-7 on pictures in [0, 1].
"""

import numpy as np
import tensorflow as tf

from data.preparation.pyramid import DIAMETER, SIGMA_COLOUR, weights_by_distance
from models.upsample import BINOMIAL, BinomialUpsample

_RADIUS = DIAMETER // 2


def decompose(image, decompose_filter, fuse_mid_layers, level_num):
    """Split a picture into (high, bot), see data.preparation.pyramid.decompose."""
    if decompose_filter == "bilateral":
        smooth = bilateral_filter(image)
        levels, bot = _gaussian_levels(tf.nn.avg_pool2d(smooth, 2, 2, "VALID"), level_num - 1)
        levels = [image - smooth, *levels]
        enlarge = _enlarge_and_smooth
    else:
        levels, bot = _gaussian_levels(image, level_num)
        enlarge = BinomialUpsample(1)
    high = levels[0]
    if fuse_mid_layers:
        for index, level in enumerate(levels[1:], start=1):
            for _ in range(index):
                level = enlarge(level)
            high = high + level
    return high, bot


def _gaussian_levels(image, level_num):
    levels, base = [], image
    for _ in range(level_num):
        smaller = pyr_down(base)
        levels.append(base - BinomialUpsample(1)(smaller))
        base = smaller
    return levels, base


def pyr_down(image):
    """Halve the sides as cv2.pyrDown does."""
    kernel = np.repeat(BINOMIAL[:, :, None, None], 3, axis=2)
    return tf.nn.depthwise_conv2d(_mirrored(image), kernel, [1, 2, 2, 1], "VALID")


def bilateral_filter(image):
    """Filter samples that differ by 2 at most as cv2.bilateralFilter(image, 5, 75, 75) does.

    With so wide a sigma the colour weight exp(-t) is within 5e-6 of 1 - t (t is
    at most 0.0032). Each channel is an array of its own, because runtimes for
    phones are slow where one weight multiplies three channels.
    """
    channels = tf.unstack(_mirrored(image), axis=-1)
    centre = [_shifted(channel, 0, 0) for channel in channels]
    sums, total = [0.0, 0.0, 0.0], 1.0
    for down, right, space in _neighbours():
        steps = [
            _shifted(channel, down, right) - middle
            for channel, middle in zip(channels, centre, strict=True)
        ]
        distance = tf.abs(steps[0]) + tf.abs(steps[1]) + tf.abs(steps[2])
        weight = space - space * 0.5 / SIGMA_COLOUR**2 * distance * distance
        sums = [so_far + weight * step for so_far, step in zip(sums, steps, strict=True)]
        total = total + weight
    smooth = [middle + part / total for middle, part in zip(centre, sums, strict=True)]
    return tf.stack(smooth, axis=-1)


def _neighbours():
    """Return (down, right, weight) of the samples round the centre of the filter's disc."""
    return [
        (row - _RADIUS, column - _RADIUS, float(weight))
        for (row, column), weight in np.ndenumerate(weights_by_distance())
        if weight and (row, column) != (_RADIUS, _RADIUS)
    ]


def _shifted(channel, down, right):
    """Return the inside of a mirrored 1×H×W channel, moved by whole samples."""
    rows = slice(_RADIUS + down, (down - _RADIUS) or None)
    columns = slice(_RADIUS + right, (right - _RADIUS) or None)
    return channel[:, rows, columns]


def _mirrored(image):
    return tf.pad(image, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")


def _enlarge_and_smooth(image):
    # cv2's INTER_AREA repeats samples when it doubles the sides; so does this.
    doubled = tf.nn.depth_to_space(tf.concat([image] * 4, axis=-1), 2)
    return bilateral_filter(doubled)

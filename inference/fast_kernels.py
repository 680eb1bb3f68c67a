"""What happens to one strip, for the graphs of inference.fast_loops.

Strips are h×(W + 2·MARGIN)×C float32, see inference.fast_strips.
"""

import tensorflow as tf

from models.layers import CHANNELS, NEGATIVE_SLOPE

MARGIN = 2  # columns; the widest kernel is 5×5
THIRD = CHANNELS // 3
CODES = 65_000  # of the 65,536 that 16 bits have; SPARE below and the rest above are for rounding
SPARE = 4


def opened(rows, kernel, bias):
    """Convolve the rows of a picture, (h + 2)×W×3, into a strip; zeros beyond the sides."""
    x = tf.pad(rows, [[0, 0], [MARGIN + 1, MARGIN + 1], [0, 0]])
    return _activated(x, kernel, bias, "VALID")


def surrounded(above, strip, below, fill):
    """Return a strip with the MARGIN rows above and below it, and `fill` beyond the sides."""
    strip = tf.concat([above, strip, below], 0)
    shape = tf.shape(strip)
    height, width = shape[0], shape[1]
    side = tf.range(MARGIN)
    columns = tf.concat([side, width - MARGIN + side], 0)
    places = tf.reshape(tf.range(height)[:, None] * width + columns, (-1,))
    values = tf.broadcast_to(fill, (2 * MARGIN * height, CHANNELS))
    # tf.tensor_scatter_nd_update copies the strip, a tenth of the whole time.
    pixels = tf.raw_ops.InplaceUpdate(x=tf.reshape(strip, (-1, CHANNELS)), i=places, v=values)
    return tf.reshape(pixels, shape)


def convolved(rows, kernel, bias):
    """Convolve a strip, given with its margins on all sides, by a 3×3 kernel."""
    return _activated(rows[1:-1], kernel, bias, [[0, 0], [0, 0], [1, 1], [0, 0]])


def grouped(rows, kernels, biases):
    """Convolve the thirds of the channels 1×1, 3×3 and 5×5; the kernels are `paired`."""
    first, second, third = tf.split(rows, 3, -1)
    inputs = first[2:-2], second[1:-1], third
    return tf.concat([_activated_pairs(*v) for v in zip(inputs, kernels, biases, strict=True)], -1)


def paired(kernel):
    """Make of a k×k×C×D kernel one of k×(k + 1)×C×2D for two neighbouring columns at once.

    Vector units want 16 channels; a third has 8.
    """
    return tf.concat([tf.pad(kernel, [[0, 0], pad, [0, 0], [0, 0]]) for pad in ([0, 1], [1, 0])], 3)


def projected(strip, kernel):
    """Bring the channels down to h×W×3, without the margins."""
    return tf.nn.conv2d(strip[None], kernel, 1, "VALID")[0, :, MARGIN:-MARGIN]


def sums(strip):
    """Return sums and sums of squares per channel, without the margins, in float64.

    They are float32 along a column only.
    """
    rows = _flat(strip)
    columns = tf.reduce_sum(rows, 0), tf.raw_ops.EuclideanNorm(input=rows, axis=0)
    inside = [tf.cast(tf.reshape(v, (-1, CHANNELS))[MARGIN:-MARGIN], tf.float64) for v in columns]
    return tf.reduce_sum(inside[0], 0), tf.reduce_sum(tf.square(inside[1]), 0)


def coded(strip, widest):
    """Return a strip in 16 bits: (codes, step, low, exact).

    The samples are step · codes + low, h×(W + 2·MARGIN)·C, with a step for each column and
    channel: an error of half a step of what a column holds, and what float32 adds. Where a
    channel's range in any column is more than `widest`, `exact` is the strip and `codes` has
    no rows; else the reverse.
    """
    rows = _flat(strip)
    low, high = tf.reduce_min(rows, 0), tf.reduce_max(rows, 0)
    # Not less than what float32 can tell apart in samples of this size.
    largest = tf.maximum(tf.abs(low), tf.abs(high))
    step = tf.maximum(tf.maximum(high - low, largest / 256), 1e-30) / CODES
    first = low - SPARE * step
    codes, exact = tf.cond(
        tf.reduce_any(tf.reshape(high - low, (-1, CHANNELS)) > widest),
        lambda: (tf.zeros((0, 0), tf.uint16), strip),
        # Not strip[:0], which would hold the whole strip.
        lambda: (
            tf.cast(rows * (1 / step) + (0.5 - first / step), tf.uint16),
            tf.zeros((0, 0, CHANNELS)),
        ),
    )
    return codes, step, first, exact


def added(strip, factor, codes, step, low, exact):
    """Add factor per channel · a coded strip to a strip."""
    columns = tf.tile(factor, [tf.shape(strip)[1]])

    def decoded():
        samples = tf.cast(codes, tf.float32) * (step * columns) + low * columns
        return tf.reshape(samples, tf.shape(strip))

    return strip + tf.cond(tf.size(exact) > 0, lambda: exact * factor, decoded)


def _flat(strip):
    """Return the rows of a strip, h×(W + 2·MARGIN)·C."""
    return tf.reshape(strip, (-1, tf.shape(strip)[1] * CHANNELS))


def _activated(x, kernel, bias, padding, strides=1):
    """Convolution, bias and leaky ReLU of H×W×C, which TensorFlow makes one operation."""
    x = tf.nn.conv2d(x[None], kernel, strides, padding)
    return tf.nn.leaky_relu(tf.nn.bias_add(x, bias), NEGATIVE_SLOPE)[0]


def _activated_pairs(x, kernel, bias):
    radius, width = kernel.shape[0] // 2, tf.shape(x)[1]
    x = tf.pad(x, [[0, 0], [0, width % 2], [0, 0]])  # copies odd widths only
    x = _activated(x, kernel, bias, [[0, 0], [0, 0], [radius, radius], [0, 0]], (1, 2))
    return tf.reshape(x, (-1, width + width % 2, THIRD))[:, :width]

"""What happens to one strip: TensorFlow graphs, traced once for all sizes.

Strips are h×(W + 2·MARGIN)×C float32, see models.fast_strips. A kernel that makes the
samples of a layer also returns their sums and sums of squares per channel (float64),
the margins left out.
"""

import tensorflow as tf

from models.layers import CHANNELS, NEGATIVE_SLOPE

MARGIN = 2  # columns; the widest kernel is 5×5
THIRD = CHANNELS // 3


def _floats(*shape):
    return tf.TensorSpec(shape, tf.float32)


STRIP = _floats(None, None, CHANNELS)
VECTOR = _floats(CHANNELS)


@tf.function(input_signature=[_floats(None, None, 3), _floats(3, 3, 3, CHANNELS), VECTOR])
def opened(rows, kernel, bias):
    """Convolve the rows of a picture, (h + 2)×W×3, into a strip; zeros beyond the sides."""
    x = tf.pad(rows, [[0, 0], [MARGIN + 1, MARGIN + 1], [0, 0]])
    return _with_sums(_activated(x, kernel, bias, "VALID"))


@tf.function(input_signature=[STRIP] * 3 + [VECTOR, _floats(3, 3, CHANNELS, CHANNELS), VECTOR])
def convolved(above, strip, below, fill, kernel, bias):
    """Convolve a strip between its neighbours; `fill` per channel beyond the sides."""
    x = _filled(tf.concat([above[-1:], strip, below[:1]], 0), fill)
    return _with_sums(_activated(x, kernel, bias, [[0, 0], [0, 0], [1, 1], [0, 0]]))


@tf.function(
    input_signature=[STRIP] * 3
    + [VECTOR]
    + [_floats(size, size + 1, THIRD, 2 * THIRD) for size in (1, 3, 5)]
    + [_floats(2 * THIRD)] * 3
)
def grouped(above, strip, below, fill, kernel1, kernel3, kernel5, bias1, bias3, bias5):
    """Convolve the thirds of the channels 1×1, 3×3 and 5×5; the kernels are `paired`."""
    x = _filled(tf.concat([above[-2:], strip, below[:2]], 0), fill)
    first, second, third = tf.split(x, 3, -1)
    parts = [
        _activated_pairs(first[2:-2], kernel1, bias1),
        _activated_pairs(second[1:-1], kernel3, bias3),
        _activated_pairs(third, kernel5, bias5),
    ]
    return _with_sums(tf.concat(parts, -1))


def paired(kernel):
    """Make of a k×k×C×D kernel one of k×(k + 1)×C×2D for two neighbouring columns at once.

    Vector units want 16 channels; a third has 8.
    """
    return tf.concat([tf.pad(kernel, [[0, 0], pad, [0, 0], [0, 0]]) for pad in ([0, 1], [1, 0])], 3)


@tf.function(input_signature=[STRIP, VECTOR])
def centred(strip, shift):
    """Subtract `shift` per channel."""
    return _with_sums(strip - shift)


@tf.function(input_signature=[STRIP, VECTOR, STRIP])
def added(strip, factor, other):
    """Return strip · factor + other."""
    return strip * factor + other


@tf.function(input_signature=[STRIP, _floats(CHANNELS, 3)])
def projected(strip, kernel):
    """Bring the channels down to h×W×3, without the margins."""
    x = tf.matmul(tf.reshape(strip, (-1, CHANNELS)), kernel)
    return tf.reshape(x, (-1, tf.shape(strip)[1], 3))[:, MARGIN:-MARGIN]


def _filled(strip, fill):
    """Write `fill` into the margins, in place: hand over a strip that nothing else reads."""
    shape = tf.shape(strip)
    height, width = shape[0], shape[1]
    side = tf.range(MARGIN)
    columns = tf.concat([side, width - MARGIN + side], 0)
    places = tf.reshape(tf.range(height)[:, None] * width + columns, (-1,))
    values = tf.broadcast_to(fill, (2 * MARGIN * height, CHANNELS))
    # tf.tensor_scatter_nd_update copies the strip, a tenth of the whole time.
    pixels = tf.raw_ops.InplaceUpdate(x=tf.reshape(strip, (-1, CHANNELS)), i=places, v=values)
    return tf.reshape(pixels, shape)


def _activated(x, kernel, bias, padding, strides=1):
    """Convolution, bias and leaky ReLU of H×W×C, which TensorFlow makes one operation."""
    x = tf.nn.conv2d(x[None], kernel, strides, padding)
    return tf.nn.leaky_relu(tf.nn.bias_add(x, bias), NEGATIVE_SLOPE)[0]


def _activated_pairs(x, kernel, bias):
    radius = kernel.shape[0] // 2
    shape = tf.shape(x)
    x = _activated(x, kernel, bias, [[0, 0], [0, 0], [radius, radius], [0, 0]], (1, 2))
    return tf.reshape(x, (-1, shape[1], THIRD))


def _with_sums(strip):
    """Return the strip, sums and sums of squares: by column in float32, then in float64."""
    width = tf.shape(strip)[1]
    rows = tf.reshape(strip, (-1, width * CHANNELS))
    sums = tf.reduce_sum(rows, 0)
    norms = tf.raw_ops.EuclideanNorm(input=rows, axis=0)
    inside = [
        tf.cast(tf.reshape(v, (width, CHANNELS))[MARGIN:-MARGIN], tf.float64) for v in (sums, norms)
    ]
    return strip, tf.reduce_sum(inside[0], 0), tf.reduce_sum(tf.square(inside[1]), 0)

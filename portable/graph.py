"""The whole operator as one graph: linear RGB in, displayed RGB out.

Between portable_operator and the network stand data.preparation's normalize and pyramid as
TensorFlow operations. Pictures are 1×H×W×3 float32. The bilateral filter is OpenCV's formula
on shifted copies of the picture; the result differs from OpenCV's by 3e-7 on pictures in [0, 1].
"""

import numpy as np
import tensorflow as tf

from data.preparation.normalize import CLIPPED_FRACTION, DARKEST_LIGHT, GAMMA
from data.preparation.pyramid import DIAMETER, SIGMA_COLOUR, detail_layer, weights_by_distance
from models.display import to_display
from models.upsample import BINOMIAL, BinomialUpsample
from standards.srgb import MAX_CODE

INPUT, OUTPUT = "linear_rgb", "display_rgb"
_CLIPPED_PER_THOUSAND = round(CLIPPED_FRACTION * 1000)
_RADIUS = DIAMETER // 2


def portable_operator(network, preparation, display, size=(None, None)):
    """Join preparation, network and display.

    Args:
        network: the keras.Model of models.tone_mapper.
        preparation: the data.preparation.prepare.Preparation it was trained with.
        display: the models.display.Display to show its output with.
        size: (height, width) that all pictures have, or (None, None) for any.

    Returns:
        tf.Module whose tone_map(linear_rgb) takes one picture, 1×H×W×3 float32, scene-linear, of
        any scale, at least 7·2^level_num pixels on each side, and returns {"display_rgb": uint8},
        display-encoded, cropped at the bottom and right to sides that 2^level_num divides.
    """

    @tf.function(input_signature=[tf.TensorSpec([1, *size, 3], tf.float32, INPUT)])
    def tone_map(linear_rgb):
        cropped = crop_to_multiple(mended(linear_rgb), 2**preparation.level_num)
        normalized, black_offset = normalize_hdr_with_offset(cropped, preparation.data_domain)
        high, bot = decompose(normalized, *preparation[1:])
        output = network({"high": high, "bot": bot}, training=False)["output"]
        picture = to_display(output, normalized, preparation.data_domain, display, black_offset)
        codes = tf.cast(tf.round(picture * MAX_CODE), tf.uint8)
        codes.set_shape([1, None, None, 3])
        return {OUTPUT: codes}

    operator = tf.Module(name="iqatm")
    # The variables only: with the Keras model its layers would be saved, too.
    operator.weights = [variable.value for variable in network.variables]
    operator.tone_map = tone_map
    return operator


def mended(image):
    """Replace samples that no light can give, see data.pictures.sanitize.clean.

    A picture without a finite sample becomes black.
    """
    # The mobile runtime has no is_finite, and in ONNX only a choice by this test, of those that
    # LiteRT has, is no sum of products, which NaN and Inf outlive.
    image = tf.where(tf.not_equal(image, image), 0.0, image)
    image = tf.clip_by_value(image, 0.0, tf.float32.max)
    return tf.minimum(image, tf.reduce_max(tf.where(image < tf.float32.max, image, 0.0)))


def crop_to_multiple(image, step):
    """Crop at the top left to sides that are multiples of `step`."""
    height, width = tf.shape(image)[1], tf.shape(image)[2]
    return image[:, : height // step * step, : width // step * step]


def clip_highlights(image):
    """Clip from above at the k-th largest sample, k = int(H·W·3·0.003).

    k is at least 1 here, which clips nothing: k = 0 means just that. Nothing is clipped either
    where fewer than k samples have light. Fireflies stay.
    """
    samples = tf.reshape(image, [-1])
    # In whole numbers, because float32 cannot count the samples of a large
    # picture. The same as int(count · 0.003), and no product overflows.
    count = tf.size(samples)
    k = count // 1000 * _CLIPPED_PER_THOUSAND + count % 1000 * _CLIPPED_PER_THOUSAND // 1000
    largest = tf.math.top_k(samples, tf.maximum(k, 1), sorted=False).values
    limit, most = tf.reduce_min(largest), tf.reduce_max(largest)
    dark = tf.logical_or(limit <= most * DARKEST_LIGHT, tf.equal(limit, tf.reduce_min(image)))
    return tf.minimum(image, tf.where(dark, most, limit))


def normalize_hdr_with_offset(image, domain):
    """Turn scene-linear samples of any scale, finite and not negative, into [0, 1].

    Returns:
        (the picture, the light that min-max took away), see data.preparation.normalize.
    """
    clipped = clip_highlights(image)
    low, high = tf.reduce_min(clipped), tf.reduce_max(clipped)
    span = tf.where(high > low, high - low, 1.0)
    stretched = (clipped - low) / span
    black_offset = tf.where(high > low, low / span, tf.cast(low > 0, tf.float32))
    return tf.pow(stretched, GAMMA) if domain == "gamma" else stretched, black_offset


def decompose(image, decompose_filter, fuse_mid_layers, level_num):
    """Split a picture with sides that are multiples of 2^level_num into (high, bot).

    See data.preparation.pyramid.decompose.
    """
    if decompose_filter == "bilateral":
        smooth = bilateral_filter(image)
        levels, bot = _gaussian_levels(tf.nn.avg_pool2d(smooth, 2, 2, "VALID"), level_num - 1)
        levels = [image - smooth, *levels]
        enlarge = _enlarge_and_smooth
    else:
        levels, bot = _gaussian_levels(image, level_num)
        enlarge = BinomialUpsample(1)
    return detail_layer(levels, fuse_mid_layers, enlarge), bot


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

    With so wide a sigma the color weight exp(-t) is within 5e-6 of 1 - t (t is
    at most 0.0032). Each channel is an array of its own, because runtimes for
    phones are slow where one weight multiplies three channels.
    """
    channels = tf.unstack(_mirrored(image), axis=-1)
    center = [_shifted(channel, 0, 0) for channel in channels]
    sums, total = [0.0, 0.0, 0.0], 1.0
    for (row, column), space in np.ndenumerate(weights_by_distance()):
        down, right = row - _RADIUS, column - _RADIUS
        if not space or (down, right) == (0, 0):
            continue
        steps = [
            _shifted(channel, down, right) - middle
            for channel, middle in zip(channels, center, strict=True)
        ]
        distance = tf.abs(steps[0]) + tf.abs(steps[1]) + tf.abs(steps[2])
        weight = float(space) - float(space) * 0.5 / SIGMA_COLOUR**2 * distance * distance
        sums = [so_far + weight * step for so_far, step in zip(sums, steps, strict=True)]
        total = total + weight
    smooth = [middle + part / total for middle, part in zip(center, sums, strict=True)]
    return tf.stack(smooth, axis=-1)


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

"""Difference of what TMQI's statistical naturalness reads: brightness and local contrast.

H. Yeganeh, Z. Wang, IEEE TIP 22(2), 2013, section II-B: the naturalness of a picture
depends on its mean luminance and on the mean standard deviation of its 11×11 blocks
alone. The paper's losses leave this half of TMQI out.
"""

import math

from keras import ops

from losses.luma import CODES, luminance
from standards import tmqi
from standards.tmqi import BLOCK_SIDE

# Standard deviations of TMQI's two laws, brought from codes to 0..1.
_A, _B = tmqi.CONTRAST_BETA
BRIGHTNESS_SPREAD = tmqi.BRIGHTNESS_SPREAD / CODES
CONTRAST_SPREAD = tmqi.CONTRAST_SCALE / CODES * math.sqrt(_A * _B / (_A + _B + 1)) / (_A + _B)
EPSILON = 1e-6


def naturalness_difference(a, b):
    """Return the mean over the pictures of |Δbrightness| + |Δcontrast|, each over its spread.

    Args:
        a, b: N×H×W×3 around [0, 1], display-encoded, sides of at least 11.
    """
    brightness_a, contrast_a = brightness_and_contrast(a)
    brightness_b, contrast_b = brightness_and_contrast(b)
    return ops.mean(
        ops.abs(brightness_a - brightness_b) / BRIGHTNESS_SPREAD
        + ops.abs(contrast_a - contrast_b) / CONTRAST_SPREAD
    )


def brightness_and_contrast(x):
    """Return (mean luminance, mean deviation of the complete 11×11 blocks), N each."""
    luma = luminance(x)
    mean = ops.average_pool(luma, BLOCK_SIDE, strides=BLOCK_SIDE, padding="valid")
    square = ops.average_pool(luma * luma, BLOCK_SIDE, strides=BLOCK_SIDE, padding="valid")
    samples = BLOCK_SIDE * BLOCK_SIDE
    variance = ops.maximum(square - mean**2, EPSILON) * (samples / (samples - 1))
    return ops.mean(luma, axis=(1, 2, 3)), ops.mean(ops.sqrt(variance), axis=(1, 2, 3))

"""Difference of what TMQI's statistical naturalness reads: brightness and local contrast.

H. Yeganeh, Z. Wang, IEEE TIP 22(2), 2013, section II-B: the naturalness of a picture
depends on its mean luminance and on the mean standard deviation of its 11×11 blocks
alone. The paper's losses leave this half of TMQI out.
"""

from keras import ops

LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, of display-encoded RGB as in TMQI
BLOCK = 11
# Standard deviations of TMQI's two laws, codes of 0..255 brought to 0..1.
BRIGHTNESS_SPREAD = 27.99 / 255
CONTRAST_SPREAD = 64.29 * 0.1168 / 255  # 0.1168 of Beta(4.4, 10.1)
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
    luma = ops.sum(x * ops.convert_to_tensor(LUMINANCE, dtype=x.dtype), axis=-1, keepdims=True)
    mean = ops.average_pool(luma, BLOCK, strides=BLOCK, padding="valid")
    square = ops.average_pool(luma * luma, BLOCK, strides=BLOCK, padding="valid")
    samples = BLOCK * BLOCK
    variance = ops.maximum(square - mean**2, EPSILON) * (samples / (samples - 1))
    return ops.mean(luma, axis=(1, 2, 3)), ops.mean(ops.sqrt(variance), axis=(1, 2, 3))

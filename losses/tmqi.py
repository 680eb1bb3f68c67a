"""The losses made of TMQI: structural fidelity twice, and naturalness.

H. Yeganeh, Z. Wang, IEEE TIP 22(2), 2013. The paper of IQATM makes the structural fidelity
differentiable by a stretch of the deviations (`ssim_tmqi`, `ms_ssim_tmqi`). Not the paper's
are `structural_fidelity`, with TMQI's own normal law, by which what the HDR picture shows must
become visible, however faint it is; `naturalness_difference`, the half of TMQI that
the paper's losses leave out; and `quality`, TMQI itself.

Pictures are N×H×W×3 float32 around [0, 1], at least 11 pixels a side, 161 where a function works
on five scales.
"""

import math

from keras import ops

from data.preparation.normalize import GAMMA
from losses.ssim import halve, minmax_epsilon, moments, over_levels
from standards import tmqi
from standards.srgb import MAX_CODE, luminance

STRETCH_C1, STRETCH_C2 = 0.01, 10.0
EPSILON = 1e-6
LEAST_NATURALNESS = 1e-4
# Standard deviations of TMQI's two laws of naturalness, brought from codes to 0..1.
_A, _B = tmqi.CONTRAST_BETA
BRIGHTNESS_SPREAD = tmqi.BRIGHTNESS_SPREAD / MAX_CODE
CONTRAST_SPREAD = tmqi.CONTRAST_SCALE / MAX_CODE * math.sqrt(_A * _B / (_A + _B + 1)) / (_A + _B)


def ssim_tmqi(a, b):
    """Return IQATM's structural fidelity of two pictures at one scale, 1 for equal ones."""
    return ops.mean(_stretch_map(a, b))


def ms_ssim_tmqi(a, b):
    """Return IQATM's structural fidelity of two pictures over five scales."""
    return over_levels(a, b, _stretch_map)


def structural_fidelity(display, source):
    """Return TMQI's S of a batch: the product over five scales, each the mean over all pictures.

    Equations 1 to 7 of the paper on TMQI.

    Args:
        display: N×H×W×3 display-encoded RGB around [0, 1].
        source: N×H×W×3, the normalized HDR pictures in domain gamma.
    """
    y = MAX_CODE * luminance(display)
    # No record holds negative samples; their power would be NaN, in the gradient alone.
    x = tmqi.HDR_RANGE * luminance(ops.maximum(source, 0.0) ** (1 / GAMMA))
    fidelity = 1.0
    scales = zip(tmqi.FREQUENCIES_CPD, tmqi.SCALE_WEIGHTS, strict=True)
    for level, (frequency, weight) in enumerate(scales):
        if level:
            x, y = halve(x), halve(y)
        mean = ops.mean(_visibility_map(y, x, tmqi.contrast_threshold(frequency)))
        # A negative mean has no fractional power: it counts as almost 0.
        positive = mean > EPSILON
        fidelity = fidelity * ops.where(positive, ops.where(positive, mean, 1.0), EPSILON) ** weight
    return fidelity


def naturalness_difference(a, b):
    """Return the mean over the pictures of |Δbrightness| + |Δcontrast|, each over its spread.

    TMQI's naturalness (section II-B) depends on these two alone.

    Args:
        a, b: N×H×W×3 display-encoded RGB around [0, 1].
    """
    brightness_a, contrast_a = brightness_and_contrast(a)
    brightness_b, contrast_b = brightness_and_contrast(b)
    return ops.mean(
        ops.abs(brightness_a - brightness_b) / BRIGHTNESS_SPREAD
        + ops.abs(contrast_a - contrast_b) / CONTRAST_SPREAD
    )


def quality(display, source):
    """Return TMQI's Q; arguments as of structural_fidelity.

    Equations 1 to 12 of the paper on TMQI. Where the naturalness is almost 0 it is taken for
    LEAST_NATURALNESS, so that the gradient stays finite.
    """
    brightness, contrast = brightness_and_contrast(display)
    distance = (MAX_CODE * brightness - tmqi.BRIGHTNESS_MEAN) / tmqi.BRIGHTNESS_SPREAD
    x = ops.clip(MAX_CODE * contrast / tmqi.CONTRAST_SCALE, 1e-3, 1 - 1e-3)
    rise, fall = _A - 1, _B - 1
    mode = rise / (rise + fall)
    beta = rise * ops.log(x / mode) + fall * ops.log((1 - x) / (1 - mode))
    naturalness = ops.maximum(ops.exp(beta - distance**2 / 2), LEAST_NATURALNESS)
    share = tmqi.STRUCTURE_WEIGHT
    structure = structural_fidelity(display, source) ** tmqi.STRUCTURE_POWER
    return share * structure + (1 - share) * ops.mean(naturalness**tmqi.NATURALNESS_POWER)


def brightness_and_contrast(x):
    """Return (mean luminance, mean deviation of the complete 11×11 blocks), N each."""
    side = tmqi.BLOCK_SIDE
    luma = luminance(x)
    mean = ops.average_pool(luma, side, strides=side, padding="valid")
    square = ops.average_pool(luma * luma, side, strides=side, padding="valid")
    variance = ops.maximum(square - mean**2, EPSILON) * (side**2 / (side**2 - 1))
    return ops.mean(luma, axis=(1, 2, 3)), ops.mean(ops.sqrt(variance), axis=(1, 2, 3))


def _stretch_map(a, b):
    """Structural fidelity with a stretch of each channel in place of TMQI's normal law."""
    m, sigma_a, sigma_b = _deviations(a, b)
    structure = (m.covariance + STRETCH_C2) / (sigma_a * sigma_b + STRETCH_C2)
    a = minmax_epsilon(sigma_a, axis=(0, 1, 2))
    b = minmax_epsilon(sigma_b, axis=(0, 1, 2))
    return (2 * a * b + STRETCH_C1) / (a**2 + b**2 + STRETCH_C1) * structure


def _visibility_map(y, x, threshold):
    """TMQI's structural fidelity of display codes y and HDR luminance x."""
    m, sigma_y, sigma_x = _deviations(y, x)
    a, b = _visibility(sigma_x, threshold), _visibility(sigma_y, threshold)
    visibility = (2 * a * b + tmqi.C1) / (a**2 + b**2 + tmqi.C1)
    return visibility * (m.covariance + tmqi.C2) / (sigma_x * sigma_y + tmqi.C2)


def _deviations(a, b):
    """Return the Moments of two pictures and their standard deviations."""
    m = moments(a, b)
    deviations = (ops.sqrt(ops.maximum(v, EPSILON)) for v in (m.variance_a, m.variance_b))
    return m, *deviations


def _visibility(sigma, threshold):
    """Probability of seeing a deviation: a normal law of mean `threshold` and a third of it."""
    z = ops.minimum(sigma * (3 / threshold) - 3, 9.0)
    return 0.5 * (1 + ops.erf(z * (0.5**0.5)))

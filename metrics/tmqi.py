"""Tone-mapped image quality index (TMQI).

H. Yeganeh and Z. Wang, "Objective Quality Assessment of Tone-Mapped Images",
IEEE Transactions on Image Processing 22(2), 2013: structural fidelity S on five
scales (section II-A) and statistical naturalness N (section II-B). The scores
are those of the authors' program, version 1.0, quirks included.
"""

from typing import NamedTuple

import numpy as np

from metrics.moments import window_moments
from metrics.normal_cdf import normal_cdf
from metrics.pair import check_pair, luminance
from standards.tmqi import (
    BLOCK_SIDE,
    BRIGHTNESS_MEAN,
    BRIGHTNESS_SPREAD,
    C1,
    C2,
    CONTRAST_BETA,
    CONTRAST_SCALE,
    FREQUENCIES_CPD,
    HDR_RANGE,
    SCALE_WEIGHTS,
    contrast_threshold,
)
from system.errors import InputError

MIN_SIDE = 161  # a shorter side leaves no complete window on the fifth scale


class TMQI(NamedTuple):
    """Scores of one picture, each at most 1 and higher for better."""

    Q: float
    S: float
    N: float
    S_per_scale: tuple[float, ...]


def tmqi(hdr, sdr):
    """Score a tone-mapped picture against its HDR source.

    Args:
        hdr: H×W×3 linear RGB in any unit, sides of at least 161. Negative samples are
            used as they are. The luminance is stretched to 0..2^32-1 by a whole-number
            factor, so the unit matters only where the range exceeds about 2^32.
        sdr: H×W×3 uint8, display-encoded RGB.

    Returns:
        TMQI(Q, S, N, S_per_scale), S_per_scale finest first. Where a scale has a
        negative score (SDR structure opposite to the HDR's) S and Q are NaN: the
        fractional powers of the formula have no real value.

    Raises:
        InputError: wrong shape or type, different sizes, a side under 161, non-finite
            samples, or an HDR picture of constant luminance.

    """
    hdr, sdr = check_pair(hdr, sdr, MIN_SIDE)
    sdr_luminance = luminance(sdr)
    per_scale = structural_fidelity(stretch(luminance(hdr)), sdr_luminance)
    n = naturalness(sdr_luminance)
    if min(per_scale) < 0:
        return TMQI(float("nan"), float("nan"), n, per_scale)
    s = float(np.prod(np.power(per_scale, SCALE_WEIGHTS)))
    q = 0.8012 * s**0.3046 + (1 - 0.8012) * n**0.7088
    return TMQI(q, s, n, per_scale)


def stretch(hdr_luminance):
    """Scale H×W luminance from 0 to about 2^32-1, by a factor rounded to a whole number.

    Raises:
        InputError: the luminance is constant.
    """
    low, high = hdr_luminance.min(), hdr_luminance.max()
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.floor(HDR_RANGE / (high - low) + 0.5)
    if not np.isfinite(factor):
        raise InputError("The HDR picture has the same luminance everywhere; nothing to compare.")
    return factor * (hdr_luminance - low)


def structural_fidelity(hdr_luminance, sdr_luminance):
    """Return the scores of the five scales, finest first (equations 1 to 7).

    Args:
        hdr_luminance: H×W float64, stretched to 0..2^32-1.
        sdr_luminance: H×W float64, 0..255.
    """
    scores = []
    for frequency in FREQUENCIES_CPD:
        if scores:
            hdr_luminance, sdr_luminance = halve(hdr_luminance), halve(sdr_luminance)
        scores.append(_scale_score(hdr_luminance, sdr_luminance, contrast_threshold(frequency)))
    return tuple(scores)


def _scale_score(x, y, visible):
    total = count = 0
    for var_x, var_y, cov in window_moments(x, y):
        sd_x, sd_y = np.sqrt(var_x), np.sqrt(var_y)
        # Probability of seeing the contrast: a normal law of mean u and deviation u/3.
        seen_x = normal_cdf(sd_x * (3 / visible) - 3)
        seen_y = normal_cdf(sd_y * (3 / visible) - 3)
        visibility = (2 * seen_x * seen_y + C1) / (seen_x**2 + seen_y**2 + C1)
        total += (visibility * (cov + C2) / (sd_x * sd_y + C2)).sum()
        count += cov.size
    return float(total / count)


def halve(picture):
    """Average 2×2 pixels of an H×W array; a missing last row or column repeats the edge."""
    rows, columns = picture.shape
    if rows % 2 or columns % 2:
        picture = np.pad(picture, ((0, rows % 2), (0, columns % 2)), mode="edge")
    pairs = picture[0::2] + picture[1::2]
    return (pairs[:, 0::2] + pairs[:, 1::2]) / 4


def naturalness(sdr_luminance):
    """Likeness of brightness and contrast to those of natural pictures, 0..1 (equations 8-12).

    Args:
        sdr_luminance: H×W float64, 0..255.
    """
    rows, columns = sdr_luminance.shape
    padding = (-rows % BLOCK_SIDE, -columns % BLOCK_SIDE)
    # The zeros of the padding count in the deviation of the last blocks, as in the original.
    padded = np.pad(sdr_luminance, ((0, padding[0]), (0, padding[1])))
    blocks = padded.reshape(
        padded.shape[0] // BLOCK_SIDE, BLOCK_SIDE, padded.shape[1] // BLOCK_SIDE, BLOCK_SIDE
    )
    deviations = blocks.std(axis=(1, 3), ddof=1)
    # A block weighs by its visible pixels.
    row_weight = np.full(deviations.shape[0], BLOCK_SIDE)
    column_weight = np.full(deviations.shape[1], BLOCK_SIDE)
    row_weight[-1] -= padding[0]
    column_weight[-1] -= padding[1]
    contrast = row_weight @ deviations @ column_weight / sdr_luminance.size

    brightness = np.exp(
        -((sdr_luminance.mean() - BRIGHTNESS_MEAN) ** 2) / (2 * BRIGHTNESS_SPREAD**2)
    )
    return float(brightness * _relative_beta(contrast / CONTRAST_SCALE))


def _relative_beta(x):
    """Density of the CONTRAST_BETA law over its greatest value."""
    rise, fall = CONTRAST_BETA[0] - 1, CONTRAST_BETA[1] - 1
    mode = rise / (rise + fall)
    if not 0 < x < 1:
        return 0.0
    return (x / mode) ** rise * ((1 - x) / (1 - mode)) ** fall

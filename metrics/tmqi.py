"""Tone-mapped image quality index (TMQI).

H. Yeganeh and Z. Wang, "Objective Quality Assessment of Tone-Mapped Images",
IEEE Transactions on Image Processing 22(2), 2013: structural fidelity S on five
scales (section II-A) and statistical naturalness N (section II-B). The scores
are those of the authors' program, version 1.0, quirks included.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from metrics.pair import check_pair, luminance
from standards import tmqi as standard
from system.errors import InputError

MIN_SIDE = 161  # pixels; a shorter side leaves no complete window on the fifth scale
WINDOW_RADIUS, WINDOW_SIGMA = 5, 1.5  # pixels, the 11 × 11 window of SSIM
STRIP_ROWS = 32  # output rows worked on at once, so that the arrays stay in the cache
TABLE_STEPS = 256  # entries of the normal law's table per unit
TABLE_LIMIT = 9.0  # beyond it the law is 0 or 1 to 1e-18


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
    s = float(np.prod(np.power(per_scale, standard.SCALE_WEIGHTS)))
    share = standard.STRUCTURE_WEIGHT
    q = share * s**standard.STRUCTURE_POWER + (1 - share) * n**standard.NATURALNESS_POWER
    return TMQI(q, s, n, per_scale)


def check_size(height, width):
    """Raise InputError for a picture with a side under MIN_SIDE pixels."""
    if min(height, width) < MIN_SIDE:
        raise InputError(f"{width}x{height} pixels are too few; TMQI needs {MIN_SIDE} on each side")


def stretch(hdr_luminance):
    """Scale H×W luminance from 0 to about 2^32-1, by a factor rounded to a whole number.

    Raises:
        InputError: the luminance is constant.
    """
    low, high = hdr_luminance.min(), hdr_luminance.max()
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.floor(standard.HDR_RANGE / (high - low) + 0.5)
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
    for frequency in standard.FREQUENCIES_CPD:
        if scores:
            hdr_luminance, sdr_luminance = halve(hdr_luminance), halve(sdr_luminance)
        threshold = standard.contrast_threshold(frequency)
        scores.append(_scale_score(hdr_luminance, sdr_luminance, threshold))
    return tuple(scores)


def _scale_score(x, y, threshold):
    total = count = 0
    for var_x, var_y, cov in window_moments(x, y):
        sd_x, sd_y = np.sqrt(var_x), np.sqrt(var_y)
        # Probability of seeing the contrast: a normal law of mean u and deviation u/3.
        seen_x = normal_cdf(sd_x * (3 / threshold) - 3)
        seen_y = normal_cdf(sd_y * (3 / threshold) - 3)
        visibility = (2 * seen_x * seen_y + standard.C1) / (seen_x**2 + seen_y**2 + standard.C1)
        total += (visibility * (cov + standard.C2) / (sd_x * sd_y + standard.C2)).sum()
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
    side = standard.BLOCK_SIDE
    rows, columns = sdr_luminance.shape
    padding = (-rows % side, -columns % side)
    # The zeros of the padding count in the deviation of the last blocks, as in the original.
    padded = np.pad(sdr_luminance, ((0, padding[0]), (0, padding[1])))
    blocks = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side)
    deviations = blocks.std(axis=(1, 3), ddof=1)
    # A block weighs by its pixels inside the picture.
    row_weight = np.full(deviations.shape[0], side)
    column_weight = np.full(deviations.shape[1], side)
    row_weight[-1] -= padding[0]
    column_weight[-1] -= padding[1]
    contrast = row_weight @ deviations @ column_weight / sdr_luminance.size

    distance = sdr_luminance.mean() - standard.BRIGHTNESS_MEAN
    brightness = np.exp(-(distance**2) / (2 * standard.BRIGHTNESS_SPREAD**2))
    return float(brightness * _relative_beta(contrast / standard.CONTRAST_SCALE))


def _relative_beta(x):
    """Density of the standard.CONTRAST_BETA law over its greatest value."""
    rise, fall = standard.CONTRAST_BETA[0] - 1, standard.CONTRAST_BETA[1] - 1
    mode = rise / (rise + fall)
    if not 0 < x < 1:
        return 0.0
    return (x / mode) ** rise * ((1 - x) / (1 - mode)) ** fall


def window_moments(x, y):
    """Yield variance of x, variance of y and covariance in each complete 11 × 11 window.

    Mean of squares less square of mean would lose everything here: the HDR luminance goes to
    2^32, its square to 2^64, so rounding alone gives a flat highlight a deviation of up to
    70 where the visibility threshold is 1 to 3. Deviations from the local mean are squared
    instead. The window stays separable by the law of total variance: the variance in it is
    the mean of the rows' variances plus the variance of the rows' means.

    Args:
        x, y: H×W float64 of the same size, sides of at least 11.

    Yields:
        Three arrays per strip of rows, together (H-10) × (W-10); variances are never negative.
    """
    taps = np.exp(-(np.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1) ** 2) / (2 * WINDOW_SIGMA**2))
    taps /= taps.sum()
    for top in range(0, x.shape[0] - 2 * WINDOW_RADIUS, STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS + 2 * WINDOW_RADIUS)
        mean_x, mean_y, *within = _moments_along(x[rows].T, y[rows].T, taps)
        _, _, *between = _moments_along(mean_x.T, mean_y.T, taps)
        yield [a + _mean_along(b.T, taps) for a, b in zip(between, within, strict=True)]


def _mean_along(a, taps):
    """Window mean down the first axis, complete windows only."""
    size = a.shape[0] - len(taps) + 1
    total = taps[0] * a[:size]
    for i, weight in enumerate(taps[1:], start=1):
        total += weight * a[i : i + size]
    return total


def _moments_along(x, y, taps):
    """Means, variances and covariance down the first axis, complete windows only."""
    mean_x, mean_y = _mean_along(x, taps), _mean_along(y, taps)
    size = len(mean_x)
    var_x, var_y, cov = (np.zeros_like(mean_x) for _ in range(3))
    for i, weight in enumerate(taps):
        dx = x[i : i + size] - mean_x
        dy = y[i : i + size] - mean_y
        weighted = weight * dx
        dx *= weighted
        var_x += dx
        weighted *= dy
        cov += weighted
        dy *= dy
        dy *= weight
        var_y += dy
    return mean_x, mean_y, var_x, var_y, cov


@functools.cache
def _normal_table():
    """Return cubic Hermite coefficients of each interval, in powers of the position 0..1 in it."""
    grid = np.arange(-TABLE_LIMIT, TABLE_LIMIT + 1.5 / TABLE_STEPS, 1 / TABLE_STEPS)
    value = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in grid])
    slope = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi) / TABLE_STEPS
    rise = np.diff(value)
    cubes = slope[:-1] + slope[1:] - 2 * rise
    squares = 3 * rise - 2 * slope[:-1] - slope[1:]
    return value[:-1], slope[:-1], squares, cubes


def normal_cdf(z):
    """Probability that a standard normal variable is below `z`; any shape, float64.

    Cubic interpolation of math.erfc between values and exact slopes; the largest
    error is 1e-12. NumPy has no such function of whole arrays.
    """
    value, slope, squares, cubes = _normal_table()
    z = (np.clip(z, -TABLE_LIMIT, TABLE_LIMIT) + TABLE_LIMIT) * TABLE_STEPS
    i = z.astype(np.int32)
    z -= i
    return ((cubes[i] * z + squares[i]) * z + slope[i]) * z + value[i]

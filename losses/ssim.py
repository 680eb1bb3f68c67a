"""Structural similarity, as the original computes it.

Pictures are N×H×W×C float32 around [0, 1], at least 11 pixels a side (161 for
five scales). Results are scalars, 1 for equal pictures.

SSIM: Z. Wang et al., IEEE TIP 13(4), 2004. The multi-scale form is
IQATM's own: the average over the scales, where Wang et al. (2003) take the
product, of the full map's mean, where they take the contrast-structure part.
"""

from typing import NamedTuple

import numpy as np
from keras import KerasTensor, ops

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2
LEVEL_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MIN_SIDE = WINDOW
MIN_SIDE_MULTI_SCALE = 161  # halved four times, rounding up, leaves one window
EPSILON = 1e-6


class Moments(NamedTuple):
    """Windowed moments of two pictures, N×(H-10)×(W-10)×C each."""

    mean_a: KerasTensor
    mean_b: KerasTensor
    variance_a: KerasTensor
    variance_b: KerasTensor
    covariance: KerasTensor


def ssim(a, b):
    """Return the mean SSIM of two pictures (range 1, k1 0.01, k2 0.03)."""
    return ops.mean(_ssim_map(a, b))


def ms_ssim(a, b):
    """Return IQATM's multi-scale SSIM of two pictures."""
    return over_levels(a, b, _ssim_map)


def minmax_epsilon(x, axis=None):
    """Stretch to [0, 1] over `axis` (all by default) and add 1e-6.

    A constant array becomes 1e-6 throughout.
    """
    low = ops.min(x, axis=axis, keepdims=True)
    spread = ops.max(x, axis=axis, keepdims=True) - low
    return (x - low) / ops.where(spread > 0, spread, 1.0) + EPSILON


def moments(a, b):
    """Return the Gaussian-windowed Moments of two pictures."""
    # E[v²] - E[v]² with the whole 2-D window, as the original has it: centring the channels
    # or filtering rows and columns apart keeps more digits, but trains away from the
    # original's losses (up to 1.6e-2 after five steps of ft, against 0.7e-2 like this).
    # b's own are apart: in training it is no result of the network and needs no way back.
    mean_a, square_a, product = ops.split(_filter(ops.concatenate([a, a * a, a * b], -1)), 3, -1)
    mean_b, square_b = ops.split(_filter(ops.concatenate([b, b * b], axis=-1)), 2, axis=-1)
    return Moments(
        mean_a,
        mean_b,
        square_a - mean_a**2,
        square_b - mean_b**2,
        product - mean_a * mean_b,
    )


def _ssim_map(a, b):
    m = moments(a, b)
    luminance = (2 * m.mean_a * m.mean_b + C1) / (m.mean_a**2 + m.mean_b**2 + C1)
    return luminance * (2 * m.covariance + C2) / (m.variance_a + m.variance_b + C2)


def over_levels(a, b, similarity_map):
    """Return the average over five scales of the powers of the map's means.

    Args:
        a, b: N×H×W×C pictures.
        similarity_map: function of two pictures.
    """
    levels = []
    for level, weight in enumerate(LEVEL_WEIGHTS):
        if level:
            a, b = halve(a), halve(b)
        mean = ops.mean(similarity_map(a, b), axis=(0, 1, 2))
        # A negative mean has no fractional power: it counts as 0.
        positive = mean > 0
        levels.append(ops.where(positive, ops.where(positive, mean, 1.0) ** weight, 0.0))
    return ops.mean(ops.stack(levels))


def _filter(x):
    """Gaussian window over the places where it fits whole."""
    offset = np.arange(WINDOW) - WINDOW // 2
    row = np.exp(-(offset**2) / (2 * SIGMA**2))
    window = np.outer(row, row) / row.sum() ** 2
    kernel = np.repeat(window[:, :, None, None], x.shape[-1], axis=2).astype(np.float32)
    return ops.depthwise_conv(x, ops.convert_to_tensor(kernel), padding="valid")


def halve(x):
    """2×2 box and every second sample. At odd sides the padding's zeros count."""
    odd_height, odd_width = x.shape[1] % 2, x.shape[2] % 2
    x = ops.pad(x, [[0, 0], [0, odd_height], [0, odd_width], [0, 0]])
    return ops.average_pool(x, 2, strides=2, padding="valid")

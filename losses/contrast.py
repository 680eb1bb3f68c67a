"""Losses of a displayed picture's contrast against its scene's.

They read luminance on a display as people see it, see standards.pu21, and in bands of a Laplacian
pyramid (P. Burt and E. Adelson, 1983). Not the paper's. TMQI rewards local contrast wherever it
is; these hold the picture to what the scene has.

Pictures are N×H×W×3 float32, sides of at least MIN_SIDE: `display` display-encoded RGB around
[0, 1], `scene` linear RGB of any unit, not negative. Results are scalars, the mean over pictures.
"""

import math

import numpy as np
from keras import ops

from standards.pu21 import displayed_luminance, pu21, scene_luminance
from standards.srgb import MAX_CODE, luminance

BANDS = 6
MIN_SIDE = 3 * 2 ** (BANDS - 1)  # the coarsest level can be mirrored
BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[..., None, None].astype(np.float32) / 256
LEAST_SQUARE = 1e-3  # PU21 units², keeps the root's gradient finite
# Of added_contrast, in stops: contrast up to these is no fault.
TOLERATED_RATIO, TOLERATED_GAIN, TOLERATED_REVERSAL = 1.15, 0.01, 0.005
# Of halo, as metrics.guards.
CURVE_STEPS = 64
HALO_REACH = 1 / 50
EDGE_STOPS = (1.5, 2.5)  # between these an edge begins to count
SMOOTH_SIGMA = 1.5


def contrast_distortion(display, scene):
    """Return log of the band-limited contrast distortion: of rms differences in PU21 units.

    The mean over BANDS bands; metrics.contrast has the four finest.
    """
    displayed, seen = _luminances(display, scene)
    bands = zip(_bands(pu21(displayed)), _bands(pu21(seen)), strict=True)
    axes = (1, 2, 3)
    roots = [ops.sqrt(ops.mean((a - b) ** 2, axis=axes) + LEAST_SQUARE) for a, b in bands]
    return ops.mean(ops.log(sum(roots) / BANDS))


def added_contrast(display, scene):
    """Return the mean contrast, in stops, that the picture has and the scene has not.

    In each band: what exceeds the scene's contrast, and what goes the other way.
    """
    displayed, seen = (ops.log(light) / math.log(2) for light in _luminances(display, scene))
    total = 0.0
    for a, b in zip(_bands(displayed), _bands(seen), strict=True):
        excess = ops.relu(ops.abs(a) - TOLERATED_RATIO * ops.abs(b) - TOLERATED_GAIN)
        reversal = ops.relu(-a * ops.sign(b) - TOLERATED_REVERSAL)
        total = total + ops.mean(excess + reversal)
    return total / BANDS


def halo(display, scene):
    """Return the codes by which the picture overshoots beside strong edges, at least 0.

    As metrics.guards.halo, with edges that begin to count gradually.
    """
    light = luminance(scene)
    least = ops.min(ops.where(light > 0, light, math.inf), axis=(1, 2, 3), keepdims=True)
    log = ops.log(ops.maximum(light, ops.where(least < math.inf, least, 1.0))) / math.log(2)
    smooth = _smooth(log)
    window = 2 * max(2, round(HALO_REACH * max(display.shape[1:3]))) + 1
    high = ops.max_pool(smooth, window, strides=1, padding="same")
    low = -ops.max_pool(-smooth, window, strides=1, padding="same")
    weight = ops.clip((high - low - EDGE_STOPS[0]) / (EDGE_STOPS[1] - EDGE_STOPS[0]), 0.0, 1.0)
    side = ops.sign(smooth - (high + low) / 2) * weight
    side = side / ops.maximum(ops.sum(weight, axis=(1, 2, 3), keepdims=True), 1.0)
    # The mean code of the pixels of about the same luminance is the picture's global curve.
    count = math.prod(display.shape[1:3]) // CURVE_STEPS * CURVE_STEPS
    order = ops.argsort(_flat(log), axis=1)[:, :count]

    def in_bins(x):
        x = ops.take_along_axis(_flat(x), order, axis=1)
        return ops.reshape(x, (-1, CURVE_STEPS, count // CURVE_STEPS))

    codes = in_bins(MAX_CODE * luminance(display))
    local = codes - ops.mean(codes, axis=2, keepdims=True)
    return ops.mean(ops.relu(ops.sum(local * in_bins(side), axis=(1, 2))))


def _luminances(display, scene):
    displayed = displayed_luminance(display)
    return displayed, scene_luminance(scene, displayed)


def _bands(x):
    """Return BANDS bands of N×H×W×1, finest first."""
    bands = []
    for _ in range(BANDS):
        smaller = _reduced(x)
        bands.append(x - _expanded(smaller, *x.shape[1:3]))
        x = smaller
    return bands


def _reduced(x):
    x = ops.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], "reflect")
    return ops.conv(x, BINOMIAL, strides=2, padding="valid")


def _expanded(x, height, width):
    # As cv2.pyrUp: mirrored at the top and left, repeated at the bottom and right.
    x = ops.concatenate([x[:, 1:2], x, x[:, -1:]], axis=1)
    x = ops.concatenate([x[:, :, 1:2], x, x[:, :, -1:]], axis=2)
    x = ops.conv_transpose(x, 4 * BINOMIAL, strides=2, padding="valid")
    return x[:, 4 : 4 + height, 4 : 4 + width]


def _smooth(x):
    radius = math.ceil(4 * SMOOTH_SIGMA)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * SMOOTH_SIGMA**2))
    kernel = (np.outer(taps, taps) / taps.sum() ** 2)[..., None, None].astype(np.float32)
    border = [radius, radius]
    return ops.conv(ops.pad(x, [[0, 0], border, border, [0, 0]], "reflect"), kernel)


def _flat(x):
    return ops.reshape(x, (-1, math.prod(x.shape[1:3])))

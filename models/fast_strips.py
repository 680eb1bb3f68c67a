"""Feature maps in strips, for inference on a CPU.

A map of H×W×C samples is a queue of float32 tensors h×(W + 2·MARGIN)×C, from the top
to the bottom. The MARGIN columns on either side hold nothing until a convolution reads
the map. The samples stay as they come out of the leaky ReLU; what the normalisation
makes of them is (sample - mean) · scale, and the next convolution has that in its weights.
"""

from collections import deque
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from models import fast_kernels as kernels
from models.fast_kernels import MARGIN
from models.layers import EPSILON

# Strips of about so many pixels: larger ones are fewer calls, smaller ones less memory.
PIXELS = 72_000
# Where a channel's mean is more than so many deviations, float32 sums and folded weights
# lose digits: its strips are centred first.
FAR = 30


class Map(NamedTuple):
    """A queue of strips, and per channel (float64) what normalises their samples.

    shift is what has been subtracted from the samples that the layer made.
    """

    strips: deque
    mean: np.ndarray
    scale: np.ndarray
    shift: np.ndarray | None = None

    def folded(self, kernel, bias):
        """Return (kernel, bias) that do to the samples what the given ones do to normalised ones.

        Args:
            kernel: k×k×C×D.
            bias: D.
        """
        kernel = np.asarray(kernel, np.float64) * self.scale[:, None]
        bias = bias - np.einsum("yxcd,c->d", kernel, self.mean)
        return kernel.astype(np.float32), bias.astype(np.float32)

    def windows(self):
        """Take the strips out one by one: yield (strip above, strip, strip below).

        Beyond the picture there are MARGIN rows of the mean, which is 0 when normalised.
        """
        mean = self.mean.astype(np.float32)
        outside = tf.broadcast_to(mean, (MARGIN, *self.strips[0].shape[1:]))
        above = outside
        while self.strips:
            strip = self.strips.popleft()
            yield above, strip, self.strips[0] if self.strips else outside
            above = strip


def spans(height, width):
    """Return the (first row, row behind the last) of each strip of a picture.

    All but the last are equally high: what one leaves in memory fits the next.
    """
    rows = max(2 * MARGIN, min(round(PIXELS / width), height))
    starts = list(range(0, height, rows))
    if height - starts[-1] < MARGIN and len(starts) > 1:
        starts.pop()
    return list(pairwise([*starts, height]))


def gathered(results):
    """Make a Map of the (strip, sums, squares) that a layer's kernel returns for each strip."""
    strips, mean, variance = _collected(results)
    shift = None
    if (mean**2 > FAR**2 * (variance + EPSILON)).any():
        shift = mean.astype(np.float32)
        old = strips
        centred = (kernels.centred(old.popleft(), shift) for _ in range(len(old)))
        strips, mean, variance = _collected(centred)
    return Map(strips, mean, 1 / np.sqrt(variance + EPSILON), shift)


def _collected(results):
    strips, sums, squares, count = deque(), 0, 0, 0
    for strip, strip_sums, strip_squares in results:
        strips.append(strip)
        sums, squares = sums + strip_sums.numpy(), squares + strip_squares.numpy()
        count += strip.shape[0] * (strip.shape[1] - 2 * MARGIN)
    mean = sums / count
    return strips, mean, np.maximum(squares / count - mean**2, 0)

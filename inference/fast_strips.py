"""Feature maps in strips, for inference on a CPU.

A map of H×W×C samples is a queue of float32 tensors h×(W + 2·MARGIN)×C, from the top
to the bottom. The MARGIN columns on either side hold nothing until a convolution reads
the map. The samples stay as they come out of the leaky ReLU; what the normalization
makes of them is (sample - mean) · scale, and the next convolution has that in its weights.
"""

import contextlib
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from inference import fast_loops
from inference.fast_kernels import MARGIN
from models.layers import CHANNELS, EPSILON

# Strips of about so many pixels, and of so many rows at least: larger ones are fewer steps,
# smaller ones less memory.
PIXELS = 72_000
ROWS = 32
RESERVED = 2.2  # maps, see reserve()
# Where a channel's mean is more than so many deviations, float32 sums and folded weights
# lose digits: its strips are centred first.
FAR = 30
# Where a channel's range in a column of a strip is more than so many deviations of the map,
# 16 bits are too few, and the strip is kept in float32: 1 in 18 of photographs.
WIDE = 24


def split(picture):
    """Yield the strips of an H×W×C array.

    All but the last are equally high: what one leaves in memory fits the next.
    """
    height, width = picture.shape[:2]
    rows = min(max(ROWS, round(PIXELS / width)), height)
    starts = list(range(0, height, rows))
    if height - starts[-1] < MARGIN and len(starts) > 1:
        starts.pop()
    for start, stop in pairwise([*starts, height]):
        yield picture[start:stop]


def reserve(pixels):
    """Let TensorFlow's allocator take a region for some more than two maps of so many pixels.

    It serves a request from the smallest free piece that is large enough. A map and a half are
    held at most; the rest stays the largest piece, so that it is never written to and takes no
    memory, only addresses. In a smaller region it would be used before what earlier maps left.
    """
    with contextlib.suppress(tf.errors.ResourceExhaustedError):
        tf.raw_ops.Empty(shape=(round(RESERVED * pixels), CHANNELS), dtype=tf.float32)


def empty_queue(specs=(fast_loops.STRIP,)):
    """Return a queue for tensors, which are strips if it is not said."""
    return tf.queue.FIFOQueue(-1, [spec.dtype for spec in specs])


class Map(NamedTuple):
    """A queue of strips, and per channel (float64) what normalizes their samples.

    pixels is H·W; shift is what has been subtracted from the samples that the layer made.
    """

    strips: tf.queue.FIFOQueue
    pixels: int
    mean: np.ndarray
    scale: np.ndarray
    shift: np.ndarray | None = None

    @property
    def fill(self):
        """The mean, which is 0 when normalized: what convolutions find beyond the picture."""
        return self.mean.astype(np.float32)

    def coded(self):
        """Return a queue of the same strips in 16 bits, for fast_loops.added."""
        codes = empty_queue(fast_loops.CODED)
        widest = (WIDE / self.scale).astype(np.float32)
        fast_loops.coded(self.strips.queue_ref, codes.queue_ref, widest)
        return codes

    def folded(self, kernel, bias, channels=slice(None)):
        """Return (kernel, bias) that do to the samples what the given ones do to normalized ones.

        Args:
            kernel: k×k×C×D.
            bias: D.
            channels: which of the map's channels the kernel reads.
        """
        kernel = np.asarray(kernel, np.float64) * self.scale[channels, None]
        bias = bias - np.einsum("yxcd,c->d", kernel, self.mean[channels])
        return kernel.astype(np.float32), bias.astype(np.float32)


def normalized(strips, pixels, moments):
    """Return the Map of a queue of strips.

    Args:
        strips: the queue.
        pixels: H·W.
        moments: the sums and sums of squares of its samples per channel.
    """
    mean, variance = _mean_and_variance(moments, pixels)
    shift = None
    if (mean**2 > FAR**2 * (variance + EPSILON)).any():
        shift = mean.astype(np.float32)
        moments = fast_loops.centred(strips.queue_ref, shift)
        mean, variance = _mean_and_variance(moments, pixels)
    return Map(strips, pixels, mean, 1 / np.sqrt(variance + EPSILON), shift)


def _mean_and_variance(moments, pixels):
    mean, square = (np.asarray(moment) / pixels for moment in moments)
    return mean, np.maximum(square - mean**2, 0)

"""The joint network over bands of rows: less memory and time than models.tone_mapper.

models.tone_mapper is the definition. Here a picture goes through each layer band by band, and
only the maps that a layer reads and makes are in memory. A map is a list of bands,
1×h×W×(CHANNELS + 1), as they come out of the leaky ReLU. Its moments are sums over the bands.
Its normalization, (x - mean) · scale, goes into the next convolution's kernel. The last channel
is 1 in the picture and 0 in the zero padding: its part of the kernel takes the mean away, and
nothing where there is padding.

In bfloat16 the maps and the convolutions are bfloat16; moments, the sum of two maps, the
convolution to RGB and the sigmoid are float32.
"""

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf

from models.layers import CHANNELS, EPSILON, NEGATIVE_SLOPE
from models.tone_mapper import TEST_PADDING

PIXELS_PER_BAND = 72_000  # about; more take memory, fewer take time
MIN_ROWS_PER_BAND = 32
HALO = 2  # rows of the neighbors that a 5×5 kernel reads
THIRD = CHANNELS // 3
# Where a channel's mean is more than so many deviations, float32 sums and kernels lose digits:
# the map is centered first.
MAX_MEAN_OVER_STD = 30


class Strips:
    """Inference with the weights that the branches have at the time of a call.

    Args:
        branches: models.tone_mapper.Branches.
        level_num: halvings between the two layers.
        precision: "float32" or "bfloat16".
        no_high_branch, no_ft_branch: ablations, as in models.tone_mapper.
    """

    def __init__(
        self, branches, level_num, precision="float32", no_high_branch=False, no_ft_branch=False
    ):
        self._branches = branches.used(no_high_branch, no_ft_branch)
        self._level_num = level_num
        self._dtype = tf.as_dtype(precision)

    def pictures(self, high, bot, names=("output",)):
        """Run the network on one picture.

        Args:
            high: H×W×3 float32, the detail layer.
            bot: H/2^n×W/2^n×3 float32, the base layer, at least 7 pixels a side.
            names: of the pictures wanted, of models.tone_mapper.PICTURES.

        Returns:
            dict of H×W×3 float32 arrays, see models.tone_mapper.
        """
        padded = np.pad(bot, [(TEST_PADDING,) * 2] * 2 + [(0, 0)], mode="reflect")
        padded += self._sigmoid_of("bot", padded)
        made = {"output_bot": padded[TEST_PADDING:-TEST_PADDING, TEST_PADDING:-TEST_PADDING]}
        made["output_high"] = high
        if "high" in self._branches:
            made["output_high"] = self._sigmoid_of("high", high)
            made["output_high"] += high
        made["new_bot"] = made["output_bot"]
        for _ in range(self._level_num):
            made["new_bot"] = cv2.pyrUp(made["new_bot"])  # equals models.upsample
        made["output"] = made["input_ft"] = made["output_high"] + made["new_bot"]
        made = {name: made[name] for name in {*names, "output"}}  # the others are let go of
        if "ft" in self._branches:
            made["output"] = self._sigmoid_of("ft", made["output"])
        return {name: made[name] for name in names}

    def _sigmoid_of(self, name, picture):
        """Return what a branch's layers make of an H×W×3 array."""
        weighted = [layer for layer in self._branches[name].layers if layer.weights]
        layers = {layer.name: [np.float64(v) for v in layer.get_weights()] for layer in weighted}
        x = _first(picture, self._dtype, layers["conv1"])
        if name == "high":
            first = x.copy()
            for conv in ("conv2", "conv3", "conv4"):
                x = _convolved(x, layers[conv])
            return _output(_sum(first, x), layers["conv5"])
        x = _convolved(x, layers["conv2"])
        for tri in ("tri", "tri1", "tri2"):
            if f"{tri}_merge" in layers:
                source = x.copy()
                x = _grouped(x, [layers[f"{tri}_{size}x{size}"] for size in (1, 3, 5)])
                x = _sum(source, _convolved(x, layers[f"{tri}_merge"]))
        return _output(_convolved(x, layers["conv3"]), layers["conv4"])


class Map(NamedTuple):
    """Bands of a map; (x - mean) · scale, float64 per channel, normalizes it."""

    bands: list
    mean: np.ndarray
    scale: np.ndarray

    def copy(self):
        """Return a Map of the same bands, which is emptied for itself."""
        return self._replace(bands=list(self.bands))

    def folded(self, kernel, bias, dtype, channels=slice(CHANNELS)):
        """Return the (kernel, bias) of normalization and convolution of some channels."""
        kernel = kernel * self.scale[channels, None]
        ones = -np.einsum("yxcd,c->yxd", kernel, self.mean[channels])
        return _cast(np.concatenate([kernel, ones[:, :, None]], 2), bias, dtype)

    def drained(self):
        """Yield the bands and let go of them."""
        while self.bands:
            yield self.bands.pop(0)

    def with_neighbors(self):
        """Yield (rows above, band, band below) and let go of them; beyond the picture zeros."""
        outside = above = tf.zeros_like(self.bands[0][:, :HALO])
        for band in self.drained():
            yield above, band, self.bands[0] if self.bands else outside
            above = band[:, -HALO:]


def _first(picture, dtype, layer):
    """Return the Map of a branch's first layer."""
    height, width = picture.shape[:2]
    weights = _cast(*_with_ones(*layer), dtype)
    padded = np.pad(picture.astype(dtype.as_numpy_dtype), [(1, 1), (0, 0), (0, 0)])[None]
    count = max(1, height // max(MIN_ROWS_PER_BAND, PIXELS_PER_BAND // width))
    edges = pairwise(np.linspace(0, height, count + 1).astype(int))
    return _normalized(_first_band(padded[:, a : b + 2], *weights) for a, b in edges)


def _convolved(source, layer):
    """Return the Map of a 3×3 layer; the source is emptied."""
    weights = source.folded(*_with_ones(*layer), source.bands[0].dtype)
    return _normalized(_convolved_band(*rows, *weights) for rows in source.with_neighbors())


def _grouped(source, layers):
    """Return the Map of a TRI block's convolutions of the thirds; the source is emptied."""
    weights = [
        source.folded(*layer, source.bands[0].dtype, slice(start, start + THIRD))
        for start, layer in zip((0, THIRD, 2 * THIRD), layers, strict=True)
    ]
    return _normalized(_grouped_band(*rows, weights) for rows in source.with_neighbors())


def _sum(a, b):
    """Return the sum of two normalized Maps, in units of the second; both are emptied."""
    factor = a.scale / b.scale
    weights = np.append(factor, 0).astype(np.float32)
    pairs = zip(a.drained(), b.drained(), strict=True)
    return Map([_sum_band(*pair, weights) for pair in pairs], a.mean * factor + b.mean, b.scale)


def _output(source, layer):
    """Return the H×W×3 float32 array of a 1×1 layer and a sigmoid; the source is emptied."""
    weights = source.folded(*layer, tf.float32)
    return np.concatenate([_output_band(band, *weights)[0] for band in source.drained()])


def _normalized(made):
    """Return the Map of bands; sums are float32 along a band's columns, float64 else."""
    bands, pixels, sums = [], 0, 0
    for band in made:
        bands.append(band)
        pixels += band.shape[1] * band.shape[2]
        sums = sums + np.float64(_column_sums(band)) ** ((1,), (2,))
    mean, square = sums.reshape(2, -1, CHANNELS + 1)[..., :CHANNELS].sum(1) / pixels
    variance = np.maximum(square - mean**2, 0)
    found = Map(bands, mean, 1 / np.sqrt(variance + EPSILON))
    if (np.abs(mean) * found.scale > MAX_MEAN_OVER_STD).any():
        shift = np.append(mean, 0).astype(np.float32)
        return _normalized(_centered_band(band, shift) for band in found.drained())
    return found


def _with_ones(kernel, bias):
    """Let a layer make the channel of ones, too."""
    return np.pad(kernel, [(0, 0)] * 3 + [(0, 1)]), np.append(bias, 1)


def _cast(kernel, bias, dtype):
    return kernel.astype(dtype.as_numpy_dtype), bias.astype(dtype.as_numpy_dtype)


def _activated(rows, kernel, bias):
    """Convolution without the rows whose neighbors are not there, bias and leaky ReLU."""
    radius = kernel.shape[0] // 2
    x = tf.nn.conv2d(rows, kernel, 1, [[0, 0], [0, 0], [radius, radius], [0, 0]])
    return tf.nn.leaky_relu(tf.nn.bias_add(x, bias), NEGATIVE_SLOPE)


_first_band = tf.function(_activated, reduce_retracing=True)


@tf.function(reduce_retracing=True)
def _convolved_band(above, band, below, kernel, bias):
    return _activated(tf.concat([above[:, -1:], band, below[:, :1]], 1), kernel, bias)


@tf.function(reduce_retracing=True)
def _grouped_band(above, band, below, weights):
    rows = tf.concat([above, band, below[:, :HALO]], 1)
    *thirds, ones = tf.split(rows, [THIRD] * 3 + [1], -1)
    made = [band[..., CHANNELS:]]
    for radius, third, layer in zip((2, 1, 0), thirds[::-1], weights[::-1], strict=True):
        x = tf.concat([third, ones], -1)[:, HALO - radius : tf.shape(rows)[1] - HALO + radius]
        made.insert(0, _activated(x, *layer))
    return tf.concat(made, -1)


@tf.function(reduce_retracing=True)
def _sum_band(a, b, factor):
    total = _flat(b) + _flat(a) * tf.tile(factor, [tf.shape(a)[2]])
    return tf.reshape(tf.cast(total, a.dtype), tf.shape(a))


@tf.function(reduce_retracing=True)
def _output_band(x, kernel, bias):
    return tf.sigmoid(tf.nn.conv2d(tf.cast(x, tf.float32), kernel, 1, "VALID") + bias)


@tf.function(reduce_retracing=True)
def _centered_band(x, shift):
    return tf.cast(tf.cast(x, tf.float32) - shift, x.dtype)


@tf.function(reduce_retracing=True)
def _column_sums(x):
    """Return sums and roots of sums of squares, 2×(W·C) float32."""
    rows = _flat(x)
    return tf.stack([tf.reduce_sum(rows, 0), tf.math.reduce_euclidean_norm(rows, 0)])


def _flat(x):
    """Return the rows h×(W·C) in float32: TensorFlow takes twice as long for short vectors."""
    return tf.reshape(tf.cast(x, tf.float32), (-1, tf.shape(x)[2] * x.shape[3]))

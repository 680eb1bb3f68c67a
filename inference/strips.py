"""The joint network over bands of rows: less memory and time than models.tone_mapper.

models.tone_mapper is the definition. Here a picture goes through each layer band by band, and
only the maps that a layer reads and makes are in memory. A map is a list of bands,
1×h×W×(CHANNELS + 1), as they come out of the leaky ReLU. Its moments are sums over the bands.
Its normalization, (x - mean) · scale, goes into the next convolution's kernel. The last channel
is 1 in the picture and 0 in the zero padding: its part of the kernel takes the mean away, and
nothing where there is padding.

In bfloat16 the maps and the convolutions are bfloat16; moments, the convolution to RGB and the
sigmoid are float32.
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
        precision: "float32" or "bfloat16", of maps and convolutions.
        no_high_branch, no_ft_branch: ablations, as in models.tone_mapper.
    """

    def __init__(
        self, branches, level_num, precision="float32", no_high_branch=False, no_ft_branch=False
    ):
        self._branches = branches.used(no_high_branch, no_ft_branch)
        self._level_num = level_num
        self._dtype = tf.as_dtype(precision).as_numpy_dtype

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
        padded += self._branch("bot", padded)
        made = {"output_bot": padded[TEST_PADDING:-TEST_PADDING, TEST_PADDING:-TEST_PADDING]}
        made["output_high"] = high
        if "high" in self._branches:
            made["output_high"] = self._branch("high", high)
            made["output_high"] += high
        made["new_bot"] = made["output_bot"]
        for _ in range(self._level_num):
            made["new_bot"] = cv2.pyrUp(made["new_bot"])  # equals models.upsample
        made["output"] = made["input_ft"] = made["output_high"] + made["new_bot"]
        made = {name: made[name] for name in {*names, "input_ft", "output"}}
        if "ft" in self._branches:
            made["output"] = self._branch("ft", made["input_ft"])
        return {name: made[name] for name in names}

    def _branch(self, name, picture):
        """Return the H×W×3 array of a branch's last sigmoid."""
        layers = {
            layer.name: [np.asarray(weight, np.float64) for weight in layer.get_weights()]
            for layer in self._branches[name].layers
            if layer.weights
        }
        x = self._first(picture, *layers["conv1"])
        if name == "high":
            first = x.copy()
            for conv in ("conv2", "conv3", "conv4"):
                x = self._convolved(x, *layers[conv])
            return _output(_sum(first, x), *layers["conv5"])
        x = self._convolved(x, *layers["conv2"])
        for tri in ("tri", "tri1", "tri2"):
            if f"{tri}_merge" in layers:
                source = x.copy()
                x = self._grouped(x, [layers[f"{tri}_{size}x{size}"] for size in (1, 3, 5)])
                x = _sum(source, self._convolved(x, *layers[f"{tri}_merge"]))
        return _output(self._convolved(x, *layers["conv3"]), *layers["conv4"])

    def _first(self, picture, kernel, bias):
        """Return the Map of a branch's first layer."""
        height, width = picture.shape[:2]
        count = max(1, height // max(MIN_ROWS_PER_BAND, PIXELS_PER_BAND // width))
        weights = self._cast(*_with_ones(kernel, bias))
        edges = pairwise(np.linspace(0, height, count + 1).astype(int))
        padded = np.pad(picture.astype(self._dtype), [(1, 1), (0, 0), (0, 0)])
        return _normalized(_first_band(padded[None, a : b + 2], *weights) for a, b in edges)

    def _convolved(self, source, kernel, bias):
        """Return the Map of a 3×3 layer; the source is emptied."""
        weights = self._cast(*source.folded(*_with_ones(kernel, bias)))
        bands = source.with_neighbors()
        return _normalized(_convolved_band(*band, *weights) for band in bands)

    def _grouped(self, source, layers):
        """Return the Map of a TRI block's three convolutions of the thirds of the channels."""
        layers = [*layers[:-1], _with_ones(*layers[-1])]
        weights = [
            self._cast(*source.folded(*layer, slice(THIRD * i, THIRD * (i + 1))))
            for i, layer in enumerate(layers)
        ]
        bands = source.with_neighbors()
        return _normalized(_grouped_band(*band, weights) for band in bands)

    def _cast(self, *weights):
        return [weight.astype(self._dtype) for weight in weights]


class Map(NamedTuple):
    """Bands of a map; (x - mean) · scale, float64 per channel, normalizes it."""

    bands: list
    mean: np.ndarray
    scale: np.ndarray

    def copy(self):
        """Return a Map of the same bands that can be emptied for itself."""
        return self._replace(bands=list(self.bands))

    def folded(self, kernel, bias, channels=slice(CHANNELS)):
        """Return (kernel, bias) that do to x what the given ones do to the normalized map.

        Args:
            kernel: k×k×C×D float64.
            bias: D float64.
            channels: of the map, the C that the kernel reads.
        """
        kernel = kernel * self.scale[channels, None]
        ones = -np.einsum("yxcd,c->yxd", kernel, self.mean[channels])
        return np.concatenate([kernel, ones[:, :, None]], 2), bias

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


def _normalized(made):
    """Return the Map of (band, sums, sums of squares) of each band."""
    bands, pixels, moments = [], 0, 0
    for band, *sums in made:
        bands.append(band)
        pixels += band.shape[1] * band.shape[2]
        moments = moments + np.stack(sums)[:, :CHANNELS]
    mean, square = moments / pixels
    variance = np.maximum(square - mean**2, 0)
    found = Map(bands, mean, 1 / np.sqrt(variance + EPSILON))
    if (np.abs(mean) * found.scale > MAX_MEAN_OVER_STD).any():
        shift = np.append(mean, 0).astype(np.float32)
        return _normalized(_centered_band(band, shift) for band in found.drained())
    return found


def _sum(a, b):
    """Return the sum of two normalized Maps, in units of the second; both are emptied."""
    factor = a.scale / b.scale
    weights = np.append(factor, 0).astype(np.float32)
    pairs = zip(a.drained(), b.drained(), strict=True)
    return Map([_sum_band(*pair, weights) for pair in pairs], a.mean * factor + b.mean, b.scale)


def _output(source, kernel, bias):
    """Return the H×W×3 float32 array of a 1×1 layer and a sigmoid; the source is emptied."""
    weights = [weight.astype(np.float32) for weight in source.folded(kernel, bias)]
    return np.concatenate([_output_band(band, *weights)[0] for band in source.drained()])


def _with_ones(kernel, bias):
    """Let a layer make the channel of ones, too."""
    return np.pad(kernel, [(0, 0)] * 3 + [(0, 1)]), np.append(bias, 1)


@tf.function(reduce_retracing=True)
def _first_band(rows, kernel, bias):
    return _with_moments(_activated(rows, kernel, bias))


@tf.function(reduce_retracing=True)
def _convolved_band(above, band, below, kernel, bias):
    return _with_moments(
        _activated(tf.concat([above[:, -1:], band, below[:, :1]], 1), kernel, bias)
    )


@tf.function(reduce_retracing=True)
def _grouped_band(above, band, below, weights):
    rows = tf.concat([above, band, below[:, :HALO]], 1)
    *thirds, ones = tf.split(rows, [THIRD] * 3 + [1], -1)
    made = []
    for margin, third, layer in zip((2, 1, 0), thirds, weights, strict=True):
        x = tf.concat([third, ones], -1)[:, margin : tf.shape(rows)[1] - margin]
        made.append(_activated(x, *layer))
    return _with_moments(tf.concat(made, -1))


@tf.function(reduce_retracing=True)
def _centered_band(x, shift):
    return _with_moments(tf.cast(tf.cast(x, tf.float32) - shift, x.dtype))


@tf.function(reduce_retracing=True)
def _sum_band(a, b, factor):
    total = _flat(b) + _flat(a) * tf.tile(factor, [tf.shape(a)[2]])
    return tf.reshape(tf.cast(total, a.dtype), tf.shape(a))


@tf.function(reduce_retracing=True)
def _output_band(x, kernel, bias):
    return tf.sigmoid(tf.nn.conv2d(tf.cast(x, tf.float32), kernel, 1, "VALID") + bias)


def _activated(rows, kernel, bias):
    """Convolution without its first and last rows, bias and leaky ReLU."""
    radius = kernel.shape[0] // 2
    x = tf.nn.conv2d(rows, kernel, 1, [[0, 0], [0, 0], [radius, radius], [0, 0]])
    return tf.nn.leaky_relu(tf.nn.bias_add(x, bias), NEGATIVE_SLOPE)


def _with_moments(x):
    """Return x and, per channel, sums and sums of squares; in float32 along columns alone."""
    flat = _flat(x)
    sums = tf.reduce_sum(flat, 0), tf.square(tf.math.reduce_euclidean_norm(flat, 0))
    columns = [tf.reshape(tf.cast(v, tf.float64), (-1, x.shape[-1])) for v in sums]
    return x, *(tf.reduce_sum(column, 0) for column in columns)


def _flat(x):
    """Return the rows h×(W·C) in float32: TensorFlow takes twice as long for short vectors."""
    return tf.reshape(tf.cast(x, tf.float32), (-1, tf.shape(x)[2] * x.shape[3]))

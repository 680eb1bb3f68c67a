"""The joint network over bands of rows: less memory and time than models.tone_mapper.

models.tone_mapper is the definition. Here a picture goes through each layer band by band, and only
the maps that a layer reads and makes are in memory: lists of bands 1×h×W×(CHANNELS + 1), as they
come out of the leaky ReLU. Moments are sums over the bands. The normalization, (x - mean) · scale,
goes into the next convolution's kernel; the last channel, 1 in the picture and 0 in the padding,
takes the mean away in the picture only. In bfloat16 maps and convolutions are, all else is float32.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import tensorflow as tf

from models.layers import CHANNELS, EPSILON, NEGATIVE_SLOPE
from models.tone_mapper import TEST_PADDING, Branches

MIN_PIXELS_PER_BAND = 72_000  # about; more take memory, fewer take time
MAX_BANDS = 16
HALO = 2  # rows of the neighbors that a 5×5 kernel reads
MAX_MEAN_OVER_STD = 30  # beyond it float32 sums and kernels lose digits: centered first

Array: TypeAlias = np.ndarray
Tensor: TypeAlias = tf.Tensor
Weights: TypeAlias = tuple[Array, ...]  # kernel and bias of a layer


class Strips:
    """Inference with the weights that the branches have at the time of a call.

    Args:
        branches: models.tone_mapper.Branches.
        level_num: halvings between the two layers.
        precision: "float32" or "bfloat16".
        ablations: see models.tone_mapper.
    """

    def __init__(self, branches: Branches, level_num: int, precision="float32", **ablations: bool):
        self._branches = branches.used(**ablations)
        self._level_num = level_num
        self._dtype = tf.as_dtype(precision)

    def pictures(self, high: Array, bot: Array, names=("output",)) -> dict[str, Array]:
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
        inside = slice(TEST_PADDING, -TEST_PADDING)
        made = dict.fromkeys(("output_bot", "new_bot"), padded[inside, inside])
        made["output_high"] = high
        if "high" in self._branches:
            made["output_high"] = self._sigmoid_of("high", high) + high
        for _ in range(self._level_num):
            made["new_bot"] = cv2.pyrUp(made["new_bot"])  # equals models.upsample
        made["output"] = made["input_ft"] = made["output_high"] + made["new_bot"]
        made = {name: made[name] for name in {*names, "output"}}  # frees the others
        if "ft" in self._branches:
            made["output"] = self._sigmoid_of("ft", made.pop("output"))
        return {name: made[name] for name in names}

    def _sigmoid_of(self, name: str, picture: Array) -> Array:
        """Return what a branch's layers make of an H×W×3 array."""
        weighted = [layer for layer in self._branches[name].layers if layer.weights]
        layers = {v.name: tuple(map(np.asarray, v.get_weights())) for v in weighted}
        x = _first(picture, self._dtype, layers["conv1"])
        del picture  # its memory, where the caller has let go of it, too
        if name == "high":
            first = x._replace(bands=list(x.bands))
            for conv in ("conv2", "conv3", "conv4"):
                x = _layer(x, layers[conv])
            return _output(_sum(first, x), layers["conv5"])
        x = _layer(x, layers["conv2"])
        for tri in ("tri", "tri1", "tri2"):
            if f"{tri}_merge" in layers:
                source = x._replace(bands=list(x.bands))
                x = _layer(x, *(layers[f"{tri}_{size}x{size}"] for size in (1, 3, 5)))
                x = _sum(source, _layer(x, layers[f"{tri}_merge"]))
        return _output(_layer(x, layers["conv3"]), layers["conv4"])


class Map(NamedTuple):
    """Bands of a map; (x - mean) · scale, float64 per channel, normalizes it."""

    bands: list[Tensor]
    mean: Array
    scale: Array

    def folded(self, kernel: Array, bias: Array, channels=slice(CHANNELS)) -> Weights:
        """Return the (kernel, bias) of normalization and convolution of some channels."""
        kernel = kernel * self.scale[channels, None]
        ones = -np.einsum("yxcd,c->yxd", kernel, self.mean[channels])
        return np.concatenate([kernel, ones[:, :, None]], 2), bias


def _first(picture: Array, dtype: tf.DType, layer: Weights) -> Map:
    """Return the Map of a branch's first layer."""
    height, width = picture.shape[:2]
    count = max(1, min(MAX_BANDS, height * width // MIN_PIXELS_PER_BAND, height // HALO))
    bands = [tf.cast(rows[None], dtype) for rows in np.array_split(picture, count)]
    return _normalized(_convolved(bands, [_with_ones(*layer)]))


def _layer(source: Map, *layers: Weights) -> Map:
    """Return the Map of a 3×3 layer, or of a TRI block's three; the source is emptied."""
    folded, step = [], CHANNELS // len(layers)
    for start, (kernel, bias) in zip(range(0, CHANNELS, step), layers, strict=True):
        # Zeros for the other channels before it: faster than a slice, save for the last.
        first = start if start == 2 * step else 0
        kernel = np.pad(kernel, [(0, 0)] * 2 + [(start - first, CHANNELS - start - step), (0, 0)])
        folded.append(source.folded(kernel, bias, slice(first, CHANNELS)))
    return _normalized(_convolved(source.bands, [*folded[:-1], _with_ones(*folded[-1])]))


def _convolved(bands: list[Tensor], layers: Sequence[Weights]) -> Iterator[Tensor]:
    """Yield the bands of convolutions and let go of those that they read."""
    outside = above = tf.zeros_like(bands[0][:, :HALO])
    layers = [tuple(tf.cast(v, above.dtype) for v in layer) for layer in layers]
    for band in _drained(bands):
        yield _convolved_band(above, band, bands[0] if bands else outside, layers)
        above = band[:, -HALO:]


def _normalized(made: Iterable[Tensor]) -> Map:
    """Return the Map of bands; sums are float32 along a band's columns, float64 else."""
    bands, sums = [], np.zeros(1)
    for band in made:
        bands.append(band)
        columns, root = np.asarray(_column_sums(band), np.float64)
        sums = sums + np.stack([columns, root * root])
    pixels = sum(band.shape[1] * band.shape[2] for band in bands)
    mean, square = sums.reshape(2, -1, CHANNELS + 1)[..., :CHANNELS].sum(1) / pixels
    scale = 1 / np.sqrt(np.maximum(square - mean**2, 0) + EPSILON)
    if (np.abs(mean) * scale > MAX_MEAN_OVER_STD).any():
        shift = np.array([*-mean, 0], np.float32)
        return _normalized(_sum_band(tf.ones_like(x), x, shift) for x in _drained(bands))
    return Map(bands, mean, scale)


def _sum(a: Map, b: Map) -> Map:
    """Return the sum of two normalized Maps, in units of the second; both are emptied."""
    factor = a.scale / b.scale
    weights = np.array([*factor, 0], np.float32)
    bands = [_sum_band(a.bands.pop(0), band, weights) for band in _drained(b.bands)]
    return Map(bands, a.mean * factor + b.mean, b.scale)


def _output(source: Map, layer: Weights) -> Array:
    """Return the H×W×3 float32 array of a 1×1 layer and a sigmoid; the source is emptied."""
    kernel, bias = (weight.astype(np.float32) for weight in source.folded(*layer))
    bands = (tf.cast(band, tf.float32) for band in _drained(source.bands))
    rows = [tf.sigmoid(tf.nn.conv2d(x, kernel, 1, "VALID") + bias)[0] for x in bands]
    return np.concatenate(rows)


def _drained(bands: list[Tensor]) -> Iterator[Tensor]:
    while bands:
        yield bands.pop(0)  # lets go of it


def _with_ones(kernel: Array, bias: Array) -> Weights:  # makes the channel of ones, too
    return np.pad(kernel, [(0, 0)] * 3 + [(0, 1)]), np.append(bias, 1)


@tf.function(reduce_retracing=True)
def _convolved_band(above: Tensor, band: Tensor, below: Tensor, layers: Sequence) -> Tensor:
    """Convolve a third of the channels by each of three layers, or all by one; leaky ReLU."""
    made = []
    for kernel, bias in layers:
        radius = kernel.shape[0] // 2
        rows = tf.concat([above[:, HALO - radius :], band, below[:, :radius]], 1)
        rows = rows[..., tf.shape(rows)[3] - tf.shape(kernel)[2] :]
        x = tf.nn.conv2d(rows, kernel, 1, [[0, 0], [0, 0], [radius, radius], [0, 0]])
        made.append(tf.nn.leaky_relu(tf.nn.bias_add(x, bias), NEGATIVE_SLOPE))
    return tf.concat(made, -1)


@tf.function(reduce_retracing=True)
def _column_sums(x: Tensor) -> Tensor:
    rows = _flat(x)  # sums and roots of sums of squares, 2×(W·C) float32
    return tf.stack([tf.reduce_sum(rows, 0), tf.math.reduce_euclidean_norm(rows, 0)])


@tf.function(reduce_retracing=True)
def _sum_band(a: Tensor, b: Tensor, factor: Array) -> Tensor:
    total = _flat(b) + _flat(a) * tf.tile(factor, [tf.shape(a)[2]])
    return tf.cast(tf.reshape(total, tf.shape(a)), a.dtype)


def _flat(x: Tensor) -> Tensor:  # rows h×(W·C): TensorFlow takes twice as long for short ones
    return tf.reshape(tf.cast(x, tf.float32), (-1, tf.shape(x)[2] * x.shape[3]))

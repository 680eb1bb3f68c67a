"""The joint network over bands of rows: less memory than models.tone_mapper.

models.tone_mapper is the definition. Here a picture goes through each layer band by band, and only
the maps that a layer reads and makes are in memory, as lists of bands 1×h×W×CHANNELS. A layer
normalizes what it reads, as it widens each band by the rows of its neighbors. In bfloat16 maps and
convolutions are; moments, normalization and the output's layer are float32.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import tensorflow as tf

from models.layers import EPSILON, NEGATIVE_SLOPE
from models.tone_mapper import TEST_PADDING, Branches

# Memory does not fall evenly with the number of bands: TensorFlow's allocator splits a free piece
# only where it is twice as large as what is asked for.
MIN_PIXELS_PER_BAND = 400_000  # about; fewer take time
MAX_BANDS = 7  # fewer take memory
GROUPS = 8  # of rows that are added in float32
HALO = 2  # rows of the neighbors that a 5×5 kernel reads

Array: TypeAlias = np.ndarray
Tensor: TypeAlias = tf.Tensor
Weights: TypeAlias = Sequence[Tensor]  # kernel and bias of a layer
Scaling: TypeAlias = tuple[Tensor, Tensor]  # mean and 1/deviation per channel


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

    def pictures(self, high: Array, bot: Array, names=("output",), wrapped=0) -> dict[str, Array]:
        """Run the network on one picture.

        Args:
            high: H×W×3 float32, the detail layer.
            bot: H/2^n×W/2^n×3 float32, the base layer, at least 7 pixels a side.
            names: of the pictures wanted, of models.tone_mapper.PICTURES.
            wrapped: columns on each side of `high`, a multiple of 2^n, that stand for the picture's
                other side; the moments are those of the picture without them.

        Returns:
            dict of H×W×3 float32 arrays, see models.tone_mapper.
        """
        padded = np.pad(bot, [(TEST_PADDING,) * 2] * 2 + [(0, 0)], mode="reflect")
        columns = wrapped and wrapped // 2**self._level_num + TEST_PADDING
        padded += self._sigmoid_of("bot", padded, columns)
        inside = slice(TEST_PADDING, -TEST_PADDING)
        made = dict.fromkeys(("output_bot", "new_bot"), padded[inside, inside])
        made["output_high"] = high
        if "high" in self._branches:
            made["output_high"] = self._sigmoid_of("high", high, wrapped)
            made["output_high"] += high
        for _ in range(self._level_num):
            made["new_bot"] = cv2.pyrUp(made["new_bot"])  # equals models.upsample
        made["output"] = made["input_ft"] = made["output_high"] + made["new_bot"]
        made = {name: made[name] for name in {*names, "output"}}  # frees the others
        if "ft" in self._branches:
            made["output"] = self._sigmoid_of("ft", made.pop("output"), wrapped)
        return {name: made[name] for name in names}

    def _sigmoid_of(self, name: str, picture: Array, columns: int) -> Array:
        """Return what a branch's layers make of an H×W×3 array."""
        weighted = [layer for layer in self._branches[name].layers if layer.weights]
        *hidden, last = [(layer.name, layer.get_weights()) for layer in weighted]
        layers = {n: [tf.cast(weight, self._dtype) for weight in pair] for n, pair in hidden}
        block = partial(_block, columns=columns)
        output = np.empty_like(picture)
        x = _split(picture, self._dtype)
        del picture  # its memory, where the caller has let go of it, too
        if name == "high":
            source = x.copy()
            x = block(x, layers["conv1"])
            first = x.scaling
            x = block(block(x, layers["conv2"]), layers["conv3"])
            x = block(x, layers["conv4"])
            # Making the first layer twice takes less than keeping it.
            again = _convolved_bands(source, layers["conv1"], columns=columns)
            x = _sum(x, first, (made[0] for made in again))
        else:
            x = block(block(x, layers["conv1"]), layers["conv2"])
            for tri in ("tri", "tri1", "tri2"):
                if f"{tri}_merge" in layers:
                    source = x.copy()
                    x = block(x, *(layers[f"{tri}_{size}x{size}"] for size in (1, 3, 5)))
                    x = block(x, layers[f"{tri}_merge"])
                    x = _sum(x, source.scaling, source.emptied())
            x = block(x, layers["conv3"])
        output_layer = [tf.constant(weight) for weight in last[1]]
        top = 0
        for band in x.emptied():
            rows = _output(*output_layer, x.scaling, band)
            output[top : top + len(rows)] = rows
            top += len(rows)
        return output


class _Map(NamedTuple):
    """Bands 1×h×W×C of a layer before its normalization, and their mean and 1/deviation."""

    bands: list[Tensor]
    scaling: Scaling

    def copy(self) -> "_Map":
        return _Map(list(self.bands), self.scaling)

    def emptied(self) -> Iterator[Tensor]:
        """Give the bands one by one; each is freed once it is used."""
        while self.bands:
            yield self.bands.pop(0)


def _whole(bands: list[Tensor]) -> _Map:
    """Return the map of bands that need no normalization."""
    ones = tf.ones(bands[0].shape[-1])
    return _Map(bands, (0 * ones, ones))


def _split(picture: Array, dtype: tf.DType) -> _Map:
    height, width = picture.shape[:2]
    count = max(1, min(MAX_BANDS, height * width // MIN_PIXELS_PER_BAND, height // GROUPS))
    rows = -(-height // count // GROUPS) * GROUPS  # of all bands but the last
    samples = picture[None].astype(dtype.as_numpy_dtype, copy=False)
    bounds = range(rows, height - HALO + 1, rows)  # no band is lower than the neighbors' rows
    return _whole(np.split(samples, bounds, 1))


def _block(x: _Map, *layers: Weights, columns: int) -> _Map:
    """Return a layer's map, or that of a TRI block's three; x is emptied."""
    bands, sums, pixels = [], np.zeros((2, 1)), 0
    for made in _convolved_bands(x, *layers, columns=columns):
        bands.append(made[0])
        count = made[0].shape[1] * (made[0].shape[2] - 2 * columns)
        sums = sums + _sums(count, *made[1:])
        pixels += count
        del made
    mean, squares = sums / pixels
    scale = 1 / np.sqrt(squares - mean**2 + EPSILON)
    return _Map(bands, (tf.constant(mean, tf.float32), tf.constant(scale, tf.float32)))


def _convolved_bands(x: _Map, *layers: Weights, columns: int) -> Iterator[Sequence[Tensor]]:
    """Give what _convolved returns for each band; x is emptied."""
    no, yes = tf.zeros(()), tf.ones(())
    outside = x.bands[0][:, :HALO], no
    below = [*((band[:, :HALO], yes) for band in x.bands[1:]), outside]
    above = outside
    for band in x.emptied():
        made = _convolved(layers, x.scaling, above, band, below.pop(0), columns)
        above = band[:, -HALO:], yes
        del band
        yield made
        del made


def _sums(count: int, center: Tensor, *partial_sums: Tensor) -> Array:
    """Return the sums and sums of squares per channel from those of samples less the center.

    A float32 sum over a whole picture loses digits, so the sums are float64.
    """
    center = np.asarray(center, np.float64)
    rows = (np.asarray(part).reshape(len(part), -1) for part in partial_sums)
    over_rows = [cv2.reduce(row, 0, cv2.REDUCE_SUM, dtype=cv2.CV_64F) for row in rows]
    sums, squares = np.reshape(over_rows, (2, -1, len(center))).sum(1)
    return np.stack([sums + count * center, squares + 2 * center * sums + count * center**2])


def _sum(x: _Map, scaling: Scaling, others: Iterator[Tensor]) -> _Map:
    """Return the sum of two normalized maps; x is emptied."""
    return _whole([_added(x.scaling, band, scaling, next(others)) for band in x.emptied()])


def _normalized(scaling: Scaling, band: Tensor) -> Tensor:
    return (tf.cast(band, tf.float32) - scaling[0]) * scaling[1]


@tf.function(jit_compile=True, reduce_retracing=True)  # in one pass, without temporary maps
def _added(scaling: Scaling, band: Tensor, others_scaling: Scaling, other: Tensor) -> Tensor:
    made = _normalized(scaling, band) + _normalized(others_scaling, other)
    return tf.cast(made, band.dtype)


@tf.function(jit_compile=True, reduce_retracing=True)
def _shares(radii: Sequence[int], scaling: Scaling, *bands: Tensor) -> list[Tensor]:
    """Return equal shares of the normalized channels, each as wide as its kernel needs."""
    x = tf.concat([_normalized(scaling, band) * inside for band, inside in bands], 1)
    shares = tf.split(tf.cast(x, bands[0][0].dtype), len(radii), -1)
    return [
        tf.pad(x[:, HALO - radius : radius - HALO or None], [[0, 0], [0, 0], [radius] * 2, [0, 0]])
        for x, radius in zip(shares, radii, strict=True)
    ]


@tf.function(jit_compile=True, reduce_retracing=True)
def _partial_sums(band: Tensor, center: Tensor, columns: int) -> list[Tensor]:
    """Return sums over groups of rows of the samples less the center, and of their squares."""
    samples = tf.cast(band[0, :, columns : -columns or None], tf.float32) - center
    missing = -tf.shape(samples)[0] % GROUPS
    parts = tf.split(tf.pad(samples, [[0, missing], [0, 0], [0, 0]]), GROUPS)
    return [tf.add_n(parts), tf.add_n([part * part for part in parts])]


@tf.function(reduce_retracing=True)
def _convolved(layers: Sequence[Weights], scaling, above, band, below, columns: int):
    """Convolve each share of the channels by its layer and apply the leaky ReLU.

    Returns:
        The band, a sample of it, and the partial sums with that as the center.
    """
    radii = tuple(kernel.shape[0] // 2 for kernel, _ in layers)
    made = []
    shares = _shares(radii, scaling, above, (band, 1.0), below)
    for x, (kernel, bias) in zip(shares, layers, strict=True):
        x = tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias)
        made.append(tf.nn.leaky_relu(x, NEGATIVE_SLOPE))
    band = tf.concat(made, -1)
    center = tf.cast(band[0, 0, 0], tf.float32)
    return band, center, *_partial_sums(band, center, columns)


@tf.function(reduce_retracing=True)
def _output(kernel: Tensor, bias: Tensor, scaling: Scaling, band: Tensor) -> Tensor:
    """Return the sigmoid of a 1×1 convolution of the normalized band."""
    kernel = kernel * scaling[1][:, None]
    bias = bias - tf.linalg.matvec(kernel[0, 0], scaling[0], transpose_a=True)
    return tf.sigmoid(tf.nn.conv2d(tf.cast(band, tf.float32), kernel, 1, "VALID") + bias)[0]

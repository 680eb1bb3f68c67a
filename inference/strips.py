"""The joint network over bands of rows: less memory than models.tone_mapper.

models.tone_mapper is the definition. Here a picture goes through each layer band by band, and only
the maps that a layer reads and makes are in memory, as lists of bands 1×h×W×CHANNELS. In bfloat16
maps and convolutions are; moments, normalization and the output's layer are float32.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np
import tensorflow as tf

from models.layers import EPSILON, NEGATIVE_SLOPE
from models.tone_mapper import TEST_PADDING, Branches

MIN_PIXELS_PER_BAND = 72_000  # about; fewer take time
MAX_BANDS = 10  # fewer take memory
HALO = 2  # rows of the neighbors that a 5×5 kernel reads

Array: TypeAlias = np.ndarray
Tensor: TypeAlias = tf.Tensor
Weights: TypeAlias = tuple[Tensor, ...]  # kernel and bias of a layer


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
            made["output_high"] = self._sigmoid_of("high", high, wrapped) + high
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
        layers = {n: tuple(tf.cast(weight, self._dtype) for weight in pair) for n, pair in hidden}
        block = partial(_block, columns=columns)
        x = block(_bands(picture, self._dtype), layers["conv1"])
        del picture  # its memory, where the caller has let go of it, too
        if name == "high":
            first = list(x)
            x = block(block(x, layers["conv2"]), layers["conv3"])
            x = block(x, layers["conv4"], skip=first)
        else:
            x = block(x, layers["conv2"])
            for tri in ("tri", "tri1", "tri2"):
                if f"{tri}_merge" in layers:
                    source = list(x)
                    x = block(x, *(layers[f"{tri}_{size}x{size}"] for size in (1, 3, 5)))
                    x = block(x, layers[f"{tri}_merge"], skip=source)
            x = block(x, layers["conv3"])
        return np.concatenate(_each(partial(_output, *last[1]), x))


def _bands(picture: Array, dtype: tf.DType) -> list[Tensor]:
    height, width = picture.shape[:2]
    count = max(1, min(MAX_BANDS, height * width // MIN_PIXELS_PER_BAND, height // HALO))
    return [tf.cast(rows[None], dtype) for rows in np.array_split(picture, count)]


def _block(
    bands: list[Tensor], *layers: Weights, columns: int, skip: list[Tensor] | None = None
) -> list[Tensor]:
    """Return a layer, or a TRI block's three, with normalization, plus skip; empties the lists."""
    outside = tf.zeros_like(bands[0][:, :HALO])
    above = [outside, *(band[:, -HALO:] for band in bands[:-1])]
    below = [*(band[:, :HALO] for band in bands[1:]), outside]
    made = _each(partial(_convolved, layers), above, bands, below)
    mean, scale = _moments(made, columns)
    skip = skip or [tf.zeros((), made[0].dtype)] * len(made)
    return _each(partial(_normalized, mean, scale), made, skip)


def _moments(bands: list[Tensor], columns: int = 0) -> tuple[Array, Array]:
    """Return the mean and 1/deviation per channel, float32, without `columns` on each side.

    A float32 sum over a whole picture loses digits, so the sums are float64.
    """
    sums = []
    for band in bands:
        samples = tf.cast(band, tf.float32).numpy()[0, :, columns : band.shape[2] - columns]
        rows = samples.reshape(len(samples), -1)
        kinds = cv2.REDUCE_SUM, cv2.REDUCE_SUM2
        parts = [cv2.reduce(rows, 0, kind, dtype=cv2.CV_64F) for kind in kinds]
        sums.append(np.reshape(parts, (2, samples.shape[1], -1)).sum(1))
    pixels = sum(band.shape[1] * (band.shape[2] - 2 * columns) for band in bands)
    mean, squares = np.sum(sums, 0) / pixels
    scale = 1 / np.sqrt(squares - mean**2 + EPSILON)
    return mean.astype(np.float32), scale.astype(np.float32)


def _each(function: Callable, *arguments: list) -> list:
    """Return the results for items of lists; the lists are emptied, an item is freed when used."""
    return [function(*(items.pop(0) for items in arguments)) for _ in range(len(arguments[0]))]


@tf.function(reduce_retracing=True)
def _convolved(layers: Sequence[Weights], above: Tensor, band: Tensor, below: Tensor) -> Tensor:
    """Convolve a share of the channels by each layer and apply the leaky ReLU."""
    made = []
    shares = zip(*(tf.split(x, len(layers), -1) for x in (above, band, below)), strict=True)
    for (above, band, below), (kernel, bias) in zip(shares, layers, strict=True):
        radius = kernel.shape[0] // 2
        rows = tf.concat([above[:, HALO - radius :], band, below[:, :radius]], 1)
        x = tf.nn.conv2d(rows, kernel, 1, [[0, 0], [0, 0], [radius, radius], [0, 0]])
        made.append(tf.nn.leaky_relu(tf.nn.bias_add(x, bias), NEGATIVE_SLOPE))
    return tf.concat(made, -1)


@tf.function(jit_compile=True, reduce_retracing=True)  # in one pass, without temporary maps
def _normalized(mean: Array, scale: Array, band: Tensor, skip: Tensor) -> Tensor:
    made = (tf.cast(band, tf.float32) - mean) * scale + tf.cast(skip, tf.float32)
    return tf.cast(made, band.dtype)


@tf.function(reduce_retracing=True)
def _output(kernel: Tensor, bias: Tensor, band: Tensor) -> Tensor:
    return tf.sigmoid(tf.nn.conv2d(tf.cast(band, tf.float32), kernel, 1, "VALID") + bias)[0]

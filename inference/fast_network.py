"""The joint network for one picture on a CPU: less memory and time, the same result.

models.tone_mapper is the definition. Here a picture goes through each layer in
strips of rows; the moments of a layer are gathered on the way, and its normalization
is done by the weights of the next. At the peak one map of 24 channels is held, and one in
16 bits, which a TRI block adds to what it makes: the result differs by some 1e-5 for that.
"""

import cv2
import numpy as np

from inference.fast_layers import (
    also_projected,
    convolved,
    opened,
    projected,
    projected_sum,
    tri_group,
)
from inference.fast_strips import reserve, split
from models.tone_mapper import TEST_PADDING


class FastNetwork:
    """Inference with the weights that `branches` have at the time of a call.

    Args:
        branches: models.tone_mapper.Branches.
        level_num: halvings between the two layers.
        no_high_branch, no_ft_branch: as in models.tone_mapper.
    """

    def __init__(self, branches, level_num, no_high_branch=False, no_ft_branch=False):
        self._branches = branches
        self._level_num = level_num
        self._used = branches.used(no_high_branch, no_ft_branch)

    def pictures(self, high, bot, names=("output",)):
        """Run the network on one picture.

        Args:
            high: H×W×3 float32, the detail layer.
            bot: H/2^n×W/2^n×3 float32, the base layer, at least 7 pixels a side.
            names: of the pictures wanted; fewer take less memory.

        Returns:
            dict of H×W×3 float32 arrays, see models.tone_mapper; they may be read-only.
        """
        reserve(high.shape[0] * high.shape[1])
        made = {"output_bot": self._bot(bot)}
        if "new_bot" in names:
            made["new_bot"] = _enlarged(made["output_bot"], self._level_num)
        details = self._high(high)
        if "output_high" in names:
            details = list(details)
            made["output_high"] = np.concatenate(details)
        inputs = self._summed(details, made["output_bot"])
        if "ft" not in self._used:
            made["output"] = made["input_ft"] = np.concatenate(list(inputs))
            return {name: made[name] for name in names}
        if "input_ft" in names:
            inputs = list(inputs)
            made["input_ft"] = np.concatenate(inputs)
        made["output"] = _merged(inputs, _weights(self._branches.ft))
        return {name: made[name] for name in names}

    def _bot(self, bot):
        border = [(TEST_PADDING, TEST_PADDING)] * 2 + [(0, 0)]
        padded = np.pad(bot, border, mode="reflect")
        found = _merged(split(padded), _weights(self._branches.bot))
        return (found + padded)[TEST_PADDING:-TEST_PADDING, TEST_PADDING:-TEST_PADDING]

    def _high(self, picture):
        """Return an iterator over the strips of the detail branch's picture."""
        if "high" not in self._used:
            return split(picture)
        layers = _weights(self._branches.high)
        x = opened(split(picture), *layers["conv1"])
        # The last layer reads the first one's map, too.
        kernel, bias = layers["conv5"]
        projections, bias = also_projected(x, kernel, bias)
        for name in ("conv2", "conv3", "conv4"):
            x = convolved(x, *layers[name])
        shown = projected_sum(projections, x, kernel, bias)
        return (a + b for a, b in zip(shown, split(picture), strict=True))

    def _summed(self, details, output_bot):
        """Yield the strips of details with the enlarged base added."""
        half = _enlarged(output_bot, self._level_num - 1)
        start = 0
        for detail in details:
            stop = start + detail.shape[0]
            yield detail + _enlarged_rows(half, start, stop)
            start = stop


def _merged(strips, layers):
    """Return what the layers of the bot or the merging branch make of a picture.

    Args:
        strips: iterator over the picture's strips h×W×3.
        layers: (kernel, bias) by name.
    """
    x = convolved(opened(strips, *layers["conv1"]), *layers["conv2"])
    for name in ("tri", "tri1", "tri2"):
        if f"{name}_merge" in layers:
            groups = [layers[f"{name}_{size}x{size}"] for size in (1, 3, 5)]
            x = tri_group(x, groups, layers[f"{name}_merge"])
    return projected(convolved(x, *layers["conv3"]), *layers["conv4"])


def _enlarged(layer, times):
    """Return what models.upsample.BinomialUpsample makes of H×W×3, by OpenCV."""
    for _ in range(times):
        layer = cv2.pyrUp(layer)
    return layer


def _enlarged_rows(layer, start, stop):
    """Return rows start to stop of the layer enlarged once."""
    first = max(start // 2 - 1, 0)  # a row depends on three of the layer's
    rows = cv2.pyrUp(layer[first : stop // 2 + 2])
    return rows[start - 2 * first : stop - 2 * first]


def _weights(branch):
    """Return a branch's (kernel, bias) by the layer's name."""
    layers = (layer for layer in branch.layers if layer.weights)
    return {layer.name: [np.asarray(weight) for weight in layer.weights] for layer in layers}

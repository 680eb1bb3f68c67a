"""The joint network for one picture on a CPU: less memory and time, the same result.

models.tone_mapper is the definition. Here a picture goes through each layer in
strips of rows; the moments of a layer are gathered on the way, and its normalisation
is done by the weights of the next. At the peak two maps of 24 channels are held.
"""

import cv2
import numpy as np
import tensorflow as tf

from models import fast_kernels as kernels
from models.fast_layers import convolved, opened, opened_strips, tri_group
from models.fast_strips import spans
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
            dict of H×W×3 float32 arrays, see models.tone_mapper; "output" is read-only.
        """
        made = {"output_bot": self._bot(bot)}
        made["new_bot"] = _enlarged(made["output_bot"], self._level_num)
        made["output_high"] = self._high(high) if "high" in self._used else high
        if "new_bot" in names:
            made["input_ft"] = made["output_high"] + made["new_bot"]
        else:
            made["input_ft"] = made.pop("new_bot")
            made["input_ft"] += made["output_high"]
        if "output_high" not in names:
            del made["output_high"]
        if "ft" in self._used:
            layers = _weights(self._branches.ft)
            first = opened(made["input_ft"], *layers["conv1"])
            if "input_ft" not in names:
                del made["input_ft"]
            made["output"] = _merged(first, layers, high.shape)
        else:
            made["output"] = made["input_ft"]
        return {name: made[name] for name in names}

    def _bot(self, bot):
        border = [(TEST_PADDING, TEST_PADDING)] * 2 + [(0, 0)]
        padded = np.pad(bot, border, mode="reflect")
        inside = slice(TEST_PADDING, -TEST_PADDING)
        # Called eagerly: predict would trace a graph for every new size.
        return np.asarray(self._branches.bot(padded[None]))[0, inside, inside]

    def _high(self, picture):
        layers = _weights(self._branches.high)
        first = x = opened(picture, *layers["conv1"])
        for name in ("conv2", "conv3", "conv4"):
            x = convolved(x, *layers[name])
        kernel, bias = layers["conv5"]
        kernel_x, bias = x.folded(kernel, bias)
        kernel_first, bias = first.folded(kernel, bias)
        result = np.empty_like(picture)
        # The first layer's map has gone, to save memory; making it again costs little.
        again = opened_strips(picture, *layers["conv1"])
        for (start, stop), (strip, _, _) in zip(spans(*picture.shape[:2]), again, strict=True):
            if first.shift is not None:
                strip, _, _ = kernels.centred(strip, first.shift)
            light = kernels.projected(strip, kernel_first[0, 0])
            light += kernels.projected(x.strips.popleft(), kernel_x[0, 0])
            np.add(tf.sigmoid(light + bias), picture[start:stop], out=result[start:stop])
        return result


def _merged(x, layers, shape):
    """Return the merging branch's picture from the Map of its first layer."""
    x = convolved(x, *layers["conv2"])
    for name in ("tri1", "tri2"):
        groups = [layers[f"{name}_{size}x{size}"] for size in (1, 3, 5)]
        x = tri_group(x, groups, layers[f"{name}_merge"])
    x = convolved(x, *layers["conv3"])
    kernel, bias = x.folded(*layers["conv4"])
    strips = []
    while x.strips:
        strips.append(tf.sigmoid(kernels.projected(x.strips.popleft(), kernel[0, 0]) + bias))
    # A view of TensorFlow's memory, which keeps what the maps took; a copy would come on top.
    return np.frombuffer(tf.concat(strips, 0), np.float32).reshape(shape)


def _enlarged(layer, times):
    """Return what models.upsample.BinomialUpsample makes of H×W×3, by OpenCV."""
    for _ in range(times):
        layer = cv2.pyrUp(layer)
    return layer


def _weights(branch):
    """Return a branch's (kernel, bias) by the layer's name."""
    layers = (layer for layer in branch.layers if layer.weights)
    return {layer.name: [np.asarray(weight) for weight in layer.weights] for layer in layers}

"""models.display in Keras operations, so that losses can see the picture as it is displayed.

Only the display "clip", "source"; differentiable in the network's output.
"""

import numpy as np
from keras import ops

from data.preparation.normalize import GAMMA, SDR_GAMMA
from models.display import DARKEST, GUIDE_EDGE, LUMINANCE

TINY = 1e-9


class TrainingDisplay:
    """Show batches of pictures.

    Args:
        domain: "gamma" or "linear": how output, source and ground truth encode light.
        display: models.display.Display of range "clip" and colour "source".
    """

    def __init__(self, domain, display):
        self.linear = domain == "linear"
        self.display = display

    def __call__(self, output, source):
        """Return the shown pictures, N×H×W×3, encoded as the ground truth is.

        Args:
            output: N×H×W×3, the network's.
            source: N×H×W×3 in [0, 1], the normalized HDR pictures.
        """
        codes = ops.clip(output, 0.0, 1.0)
        if self.linear:
            codes = ops.maximum(codes, TINY) ** GAMMA
        light = source if self.linear else source ** (1 / GAMMA)
        luminance = _luminance(light)
        target = _luminance(_decode(codes))
        if self.display.guided:
            guide = ops.log2(ops.maximum(luminance, DARKEST))
            followed = _guided(guide, _encode(target), self.display.guided)
            target = _decode(ops.clip(followed, 0.0, 1.0))
        shown = _encode(_recoloured(target, light, luminance, self.display.saturation))
        return shown**SDR_GAMMA if self.linear else shown


def _luminance(light):
    weights = ops.convert_to_tensor(np.array(LUMINANCE, np.float32))
    return ops.sum(light * weights, axis=-1, keepdims=True)


def _recoloured(target, light, luminance, saturation):
    """See models.display: (C / L)^s · Y, moved towards grey where it leaves the gamut."""
    ratios = (light / ops.maximum(luminance, TINY)) ** saturation
    ratios = ratios / ops.maximum(_luminance(ratios), TINY)
    black = ops.max(light, axis=-1, keepdims=True) <= 0
    colour = ops.where(black, 1.0, ratios) * target
    excess = ops.max(colour, axis=-1, keepdims=True) - target
    room = 1 - target
    keep = ops.where(excess > room, room / ops.maximum(excess, TINY), 1.0)
    return target + keep * (colour - target)


def _guided(guide, picture, radius):
    """See models.guided; N×H×W×1 each."""
    mean_guide, mean = _box(guide, radius), _box(picture, radius)
    variance = ops.maximum(_box(guide * guide, radius) - mean_guide**2, 0.0)
    slope = (_box(guide * picture, radius) - mean_guide * mean) / (variance + GUIDE_EDGE)
    return _box(slope, radius) * guide + _box(mean - slope * mean_guide, radius)


def _box(x, radius):
    side = 2 * radius + 1
    x = ops.pad(x, [[0, 0], [radius, radius], [radius, radius], [0, 0]], mode="symmetric")
    x = ops.average_pool(x, (side, 1), strides=1, padding="valid")
    return ops.average_pool(x, (1, side), strides=1, padding="valid")


def _decode(code):
    """IEC 61966-2-1, with a finite gradient everywhere in [0, 1]."""
    return ops.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def _encode(light):
    light = ops.clip(light, 0.0, 1.0)
    bright = light > 0.0031308
    power = 1.055 * ops.where(bright, light, 1.0) ** (1 / 2.4) - 0.055
    return ops.where(bright, power, 12.92 * light)

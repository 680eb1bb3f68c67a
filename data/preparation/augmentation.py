"""Variations of a training picture, such as people's files have: noise, light, range, borders.

Exposure by itself is none: the normalization takes it away. What an exposure loses is.
"""

from typing import NamedTuple

import cv2
import numpy as np

from standards.srgb import luminance

GAIN_DECADES = (-3.5, -1.3)  # log10 of the noise's strength: ISO 100 to 25,600, about
POISSON_SHARE = 0.3  # of the variance at the log-average luminance that is shot noise
CAST_STOPS = 0.7  # most that red gains and blue loses, or the other way
SATURATION = (1.2, 2.0)  # exponents of the color ratios
RANGE = (0.35, 1.5)  # exponents of the luminance: 2 to 5 stops are left of 14, or 21 made of them
CLIPPED_PERCENT = (0.5, 8.0)  # of the samples that an over-exposure cuts off
BORDER = (0.02, 0.12)  # of the sides, black on two opposite ones
LEAST = 1e-9  # of the greatest luminance, taken for 0


class Augmentation(NamedTuple):
    """Shares, 0 to 1, of the pictures that get each variation.

    noise: of a sensor in linear light, Poisson's and Gauss'.
    cast: warm or cold light.
    saturation: colors near the gamut's edge.
    range: fewer stops, or more.
    clipping: highlights cut off by an over-exposure.
    border: black bars.
    """

    noise: float = 0.0
    cast: float = 0.0
    saturation: float = 0.0
    range: float = 0.0
    clipping: float = 0.0
    border: float = 0.0


def view(rgb, size, ratio, flip, generator):
    """Return a part of a picture at another size; an upright picture is laid on its side.

    Args:
        rgb: H×W×3 float32, linear.
        size: (height, width) to return.
        ratio: (least, largest) share of the sides that is cut out.
        flip: mirror half of them left to right.
        generator: numpy.random.Generator.
    """
    if (rgb.shape[0] > rgb.shape[1]) != (size[0] > size[1]):
        rgb = rgb.transpose(1, 0, 2)
    height, width = rgb.shape[:2]
    # The largest part of the shape that is wanted.
    scale = min(height / size[0], width / size[1]) * generator.uniform(*ratio)
    sides = [max(1, round(side * scale)) for side in size]
    top, left = (
        int(generator.integers(have - need + 1))
        for have, need in zip((height, width), sides, strict=True)
    )
    part = rgb[top : top + sides[0], left : left + sides[1]]
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    part = np.maximum(cv2.resize(part, size[::-1], interpolation=method), 0)
    return np.ascontiguousarray(part[:, ::-1] if flip and generator.random() < 0.5 else part)


def augment(rgb, augmentation, generator):
    """Return a picture with the variations that chance gives it.

    Args:
        rgb: H×W×3 float32, linear, not negative.
        augmentation: an Augmentation.
        generator: numpy.random.Generator.
    """
    for name, vary in VARIATIONS.items():
        # Drawn in any case, so that one share does not change what another one does.
        chosen, seed = generator.random(), generator.integers(2**31)
        if chosen < getattr(augmentation, name) and rgb.any():
            rgb = vary(rgb, np.random.default_rng(seed)).astype(np.float32)
    return rgb


def _noise(rgb, generator):
    gain = 10 ** generator.uniform(*GAIN_DECADES)
    level = np.exp(np.log(np.maximum(luminance(rgb), LEAST * rgb.max())).mean())
    deviation = np.sqrt(POISSON_SHARE * gain * level * rgb + (gain * level) ** 2)
    return np.maximum(rgb + generator.normal(size=rgb.shape) * deviation, 0)


def _cast(rgb, generator):
    stops = generator.uniform(-CAST_STOPS, CAST_STOPS)
    return rgb * 2.0 ** (stops * np.array([1, 0, -1]))


def _saturation(rgb, generator):
    light = np.maximum(luminance(rgb), LEAST * rgb.max())
    return light * (rgb / light) ** generator.uniform(*SATURATION)


def _range(rgb, generator):
    light = np.maximum(luminance(rgb) / rgb.max(), LEAST)
    return rgb * light ** (generator.uniform(*RANGE) - 1)


def _clipping(rgb, generator):
    return np.minimum(rgb, np.percentile(rgb, 100 - generator.uniform(*CLIPPED_PERCENT)))


def _border(rgb, generator):
    axis = generator.integers(2)
    width = max(1, round(rgb.shape[axis] * generator.uniform(*BORDER)))
    rgb = np.moveaxis(rgb.copy(), axis, 0)
    rgb[:width], rgb[-width:] = 0, 0
    return np.moveaxis(rgb, 0, axis)


# Light before the sensor, which adds noise and cuts off, before the frame.
VARIATIONS = {
    **{"range": _range, "saturation": _saturation, "cast": _cast},
    **{"noise": _noise, "clipping": _clipping, "border": _border},
}

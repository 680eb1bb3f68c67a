"""The parametric family of operators that labels are chosen from.

One curve for all pixels, after the detail of the luminance is raised. With a gain
of 1 it is a global operator. The scene's color ratios are kept, so that only the
luminance is up for choice.
"""

from typing import NamedTuple

import numpy as np

from metrics.operators.common import log_average, photographic_curve, scaled, without_zeros
from standards.guided import guided_filter
from standards.srgb import MAX_CODE, recolor, srgb_encode

# Radius of the guided filter as a share of the longer side; smaller ones raise noise alone.
FILTER_RADIUS = 1 / 12
# Variance in stops² above which the guided filter takes a step for an edge and keeps it:
# texture has less, a skyline more, which would get a halo.
EDGE_VARIANCE = 0.5


class Setting(NamedTuple):
    """One operator of the family.

    key: display luminance of the scene's log-average before the curve, above 0.
    white: exposed luminance that becomes pure white, above 0.
    contrast: exponent of the scene's luminance, above 0; 1 leaves it.
    detail: gain of the detail layer, 1 leaves it.
    """

    key: float
    white: float
    contrast: float
    detail: float


class Prepared(NamedTuple):
    """What all settings share for one picture.

    rgb: H×W×3 linear, the color ratios of the label.
    log: H×W log2 luminance, its mean over the pixels that are not black at 0.
    detail: H×W, `log` less its base.
    black: H×W bool, pixels without light.
    """

    rgb: np.ndarray
    log: np.ndarray
    detail: np.ndarray
    black: np.ndarray


def prepare(hdr, saturation=1.0):
    """Split a picture once for all settings.

    Args:
        hdr: H×W×3 linear RGB, any unit.
        saturation: exponent of the color ratios (C / L)^s (C. Schlick, "Quantization
            Techniques for Visualization of High Dynamic Range Pictures", 1994); 1 keeps
            the scene's.

    Raises:
        InputError: wrong shape, non-finite samples or a black picture.
    """
    rgb, light = scaled(hdr)
    log = np.log2(without_zeros(light) / log_average(light))
    radius = max(1, round(FILTER_RADIUS * max(log.shape)))
    base = guided_filter(log[..., None], log[..., None], radius, EDGE_VARIANCE)[..., 0]
    return Prepared(rgb**saturation, log, log - base, light <= 0)


def render(source, setting):
    """Tone-map a Prepared picture with a Setting; H×W×3 uint8, sRGB-encoded."""
    log = setting.contrast * source.log + (setting.detail - 1) * source.detail
    curve = photographic_curve(setting.key * np.exp2(log), setting.white)
    target = np.where(source.black, 0, curve)
    codes = srgb_encode(recolor(source.rgb, target[..., None]))
    return np.rint(MAX_CODE * codes).astype(np.uint8)

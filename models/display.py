"""How the network's output becomes a displayed picture."""

from typing import NamedTuple

import numpy as np

from data.preparation.normalize import GAMMA, SDR_GAMMA, minmax
from standards.guided import guided_filter
from standards.srgb import (
    luminance,
    namespace,
    recolor,
    srgb_decode,
    srgb_encode,
    srgb_steepness,
)

MIN_LUMINANCE = 1e-6  # told from black by the guided filter, as a share of the brightest
GUIDE_EDGE = 1e-5  # stops²: windows of less contrast in the HDR picture are smoothed
MIN_LIGHT = 1e-9  # taken for 0, where the gradient of a power below 1 is infinite
BAND_PIXELS = 2**19  # displayed at once, which bounds the memory for what lies between


class Display(NamedTuple):
    """How the output becomes a picture; the defaults are the paper's.

    range: "minmax" stretches the picture's least and largest sample to 0 and 1,
        "clip" cuts off what lies outside.
    colour: "network" takes the network's RGB; "source" takes its luminance
        only and the HDR picture's chromaticity.
    saturation: exponent of the HDR's color ratios where colour is "source".
    guided: where colour is "source", radius in pixels of the guided filter that makes the
        picture's luminance follow the HDR's logarithm in every small window: what the
        network added in the finest detail goes, edges and contrast stay. 0 leaves it out.
    detail: where guided is not 0, how steep the finest detail, and noise with it, may become:
        at most so many times the HDR picture's contrast in stops. 0 sets no limit.
    shadow_gain: where colour is "source", the picture's luminance is at most so many times the
        HDR picture's, both in units of white: what is dark by far, noise mostly, stays dark.
        0 sets no limit.
    gamut: where colour is "source", what becomes of colors that the display cannot show,
        "desaturate", "clip" or "darken", see standards.srgb.recolor.
    """

    range: str = "minmax"
    colour: str = "network"
    saturation: float = 1.0
    guided: int = 0
    detail: float = 0.0
    shadow_gain: float = 0.0
    gamut: str = "desaturate"

    def overridden(self, settings):
        """Return this with each display_<field> of a dict that is there and not None."""
        given = {field: settings.get(f"display_{field}") for field in self._fields}
        return self._replace(**{field: v for field, v in given.items() if v is not None})


def to_display(output, source, domain, display, black_offset=0.0, limits=None):
    """Return the displayed picture; differentiable in the output.

    Args:
        output: the network's, H×W×3 NumPy array or N×H×W×3 Keras tensor of floats.
        source: the same in [0, 1], the normalized HDR picture.
        domain: "gamma" or "linear": how both encode light.
        display: a Display.
        black_offset: of the source, see data.preparation.prepare.Layers.
        limits: least and largest sample of the whole picture where this is a part of it.

    Returns:
        The same, display-encoded RGB in [0, 1].
    """
    xp = namespace(output, source)
    codes = _ranged(xp, output, display.range, limits)
    if domain == "linear":
        codes = xp.maximum(codes, MIN_LIGHT) ** GAMMA
    if display.colour == "network":
        return codes
    light = (source ** (1 / GAMMA) if domain == "gamma" else source) + black_offset
    target = luminance(srgb_decode(codes))
    if display.guided:
        guide = xp.log2(xp.maximum(luminance(light), MIN_LUMINANCE))
        steepest = (lambda code: display.detail * srgb_steepness(code)) if display.detail else None
        filtered = guided_filter(guide, srgb_encode(target), display.guided, GUIDE_EDGE, steepest)
        target = srgb_decode(xp.clip(filtered, 0.0, 1.0))
    if display.shadow_gain:
        target = xp.minimum(target, display.shadow_gain * luminance(light))
    return srgb_encode(recolor(light, target, display.saturation, display.gamut))


def _ranged(xp, output, kind, limits):
    """Bring the output to [0, 1]; a constant one becomes 0 where it would be stretched."""
    if kind == "clip":
        return xp.clip(output, 0.0, 1.0)
    low, high = limits or (
        reduce(output, axis=(-3, -2, -1), keepdims=True) for reduce in (xp.min, xp.max)
    )
    return (output - low) / xp.where(high > low, high - low, 1.0)


def to_ground_truth(output, source, domain, display, black_offset=0.0):
    """Return the displayed pictures encoded as the ground truth of training is, for losses."""
    codes = to_display(output, source, domain, display, black_offset)
    return codes**SDR_GAMMA if domain == "linear" else codes


def displayed(output, normalized, domain, display, black_offset=0.0, dtype=np.uint8):
    """Return the picture to write, made in bands of rows to save memory.

    Args:
        output: H×W×3 float32, the network's.
        normalized: H×W×3 float32 in [0, 1], the network's source picture.
        domain, display, black_offset: see to_display.
        dtype: of the codes, np.uint8 or np.uint16.

    Returns:
        H×W×3 of that type, display-encoded RGB.
    """
    limits = output.min(), output.max()
    height, width = output.shape[:2]
    # Rows that the two windows of the filter reach, and bands that are higher than that.
    reach = 2 * display.guided if display.colour == "source" else 0
    step = max(1, BAND_PIXELS // width, 4 * reach)
    picture = np.empty(output.shape, dtype)
    for start in range(0, height, step):
        stop = min(start + step, height)
        top = max(0, start - reach)
        rows = slice(top, stop + reach)
        band = to_display(output[rows], normalized[rows], domain, display, black_offset, limits)
        picture[start:stop] = _codes(band[start - top : stop - top], dtype)
    return picture


def stretched(layer, dtype=np.uint8):
    """Return any H×W×3 float layer as codes, its least sample black and its largest white."""
    return _codes(minmax(layer), dtype)


def _codes(picture, dtype):
    return np.rint(picture * np.iinfo(dtype).max).astype(dtype)

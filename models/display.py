"""Turn the network's output into a displayed picture."""

from typing import NamedTuple

import numpy as np

from data.preparation.normalize import GAMMA, minmax, stretch
from models.guided import guided_filter

DARKEST = 1e-6  # luminance told from black, as a share of the brightest
GUIDE_EDGE = 1e-5  # stops²: windows of less contrast in the HDR picture are smoothed
BAND = 2**19  # pixels shown at once, which bounds the memory for what lies between
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


class Display(NamedTuple):
    """How the output is shown; the defaults are the paper's.

    range: "minmax" stretches the picture's least and largest sample to 0 and 1,
        "clip" cuts off what lies outside.
    colour: "network" shows the network's RGB; "source" takes its luminance
        alone and the HDR picture's chromaticity.
    saturation: exponent of the HDR's colour ratios where colour is "source".
    guided: where colour is "source", radius in pixels of the guided filter that makes the
        picture's luminance follow the HDR's logarithm in every small window: what the
        network added in the finest detail goes, edges and contrast stay. 0 leaves it out.
    """

    range: str = "minmax"
    colour: str = "network"
    saturation: float = 1.0
    guided: int = 0

    def overridden(self, settings):
        """Return this with each display_<field> of a dict that is there and not None."""
        given = {field: settings.get(f"display_{field}") for field in self._fields}
        return self._replace(**{field: v for field, v in given.items() if v is not None})


def displayed(output, normalized, domain, display, black_offset=0.0):
    """Return the picture to write.

    Args:
        output: H×W×3 float32, the network's.
        normalized: H×W×3 float32 in [0, 1], the network's source picture.
        domain: "gamma" or "linear": how both encode light.
        display: a Display.
        black_offset: of the source picture, see data.preparation.prepare.Layers.

    Returns:
        H×W×3 uint8, display-encoded RGB.
    """
    low, high = (output.min(), output.max()) if display.range == "minmax" else (None, None)

    def encoded(rows):
        """The network's RGB in [0, 1]."""
        band = output[rows]
        band = np.clip(band, 0, 1) if low is None else stretch(band, low, high)
        return band ** np.float32(GAMMA) if domain == "linear" else band

    def light(rows):
        """The HDR picture's."""
        band = normalized[rows]
        band = band ** np.float32(1 / GAMMA) if domain == "gamma" else band
        return band + np.float32(black_offset)

    shape = output.shape[:2]
    if display.colour == "network":
        return _in_bands(lambda rows: _codes(encoded(rows)), output.shape, np.uint8)

    def target(rows):
        """The displayed luminance, linear."""
        return srgb_decode(encoded(rows)) @ LUMINANCE

    def guide(rows):
        return np.log2(np.maximum(light(rows) @ LUMINANCE, DARKEST))

    if display.guided:
        target = _following(guide, target, shape, display.guided).__getitem__
    return _in_bands(
        lambda rows: _codes(_recoloured(target(rows), light(rows), display.saturation)),
        output.shape,
        np.uint8,
    )


def stretched(layer):
    """Return any H×W×3 float layer as uint8, its least sample black and its largest white."""
    return _codes(minmax(layer))


def _in_bands(made, shape, kind=np.float32):
    """Return the array of this shape of which made(slice of rows) gives the rows."""
    whole = np.empty(shape, kind)
    step = max(1, BAND // shape[1])
    for start in range(0, shape[0], step):
        rows = slice(start, start + step)
        whole[rows] = made(rows)
    return whole


def _codes(picture):
    return np.rint(picture * 255).astype(np.uint8)


def _following(guide, target, shape, radius):
    """Filter the displayed luminance, guided by the HDR's logarithm.

    Args:
        guide, target: functions of a slice of rows, so that neither lies in memory whole.
        shape: (H, W).
        radius: of the filter.

    Returns:
        H×W float32, linear.
    """

    def followed(rows):
        # With the rows that the two windows of the filter reach. In double precision: the
        # guide's variance may be 1e-7 of its square.
        top, below = max(0, rows.start - 2 * radius), min(shape[0], rows.stop + 2 * radius)
        own, shown = (made(slice(top, below)).astype(np.float64) for made in (guide, target))
        filtered = guided_filter(own, srgb_encode(shown), radius, GUIDE_EDGE)
        inside = slice(rows.start - top, min(rows.stop, shape[0]) - top)
        return srgb_decode(np.clip(filtered[inside], 0, 1))

    return _in_bands(followed, shape)


def _recoloured(target, light, saturation):
    """Give the HDR's chromaticity to the displayed luminance: (C / L)^s · Y.

    The ratio formula of classical operators (C. Schlick, 1994). What leaves
    the gamut moves towards the grey of the same luminance.
    """
    luminance = np.maximum(light @ LUMINANCE, 1e-9)[..., None]
    colour = (light / luminance) ** np.float32(saturation)
    # An exponent other than 1 changes the luminance of the ratios themselves.
    colour /= np.maximum(colour @ LUMINANCE, 1e-9)[..., None]
    black = light.max(axis=-1, keepdims=True) <= 0
    colour = np.where(black, np.float32(1), colour) * target[..., None]
    excess = colour.max(axis=-1, keepdims=True) - target[..., None]
    room = 1 - target[..., None]
    keep = np.where(excess > room, room / np.maximum(excess, 1e-9), np.float32(1))
    return srgb_encode(target[..., None] + keep * (colour - target[..., None]))


def srgb_decode(code):
    """Return the linear light of sRGB codes in [0, 1] (IEC 61966-2-1)."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def srgb_encode(light):
    """Return the sRGB codes of linear light; what lies outside [0, 1] is cut off."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)

"""Turn the network's output into a displayed picture."""

from typing import NamedTuple

import numpy as np

from data.normalize import GAMMA, minmax
from models.guided import guided_filter

DARKEST = 1e-6  # luminance told from black, as a share of the brightest
GUIDE_EDGE = 1e-5  # stops²: windows of less contrast in the HDR picture are smoothed
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


def displayed(output, normalised, domain, display, floor=0.0):
    """Return the picture to write.

    Args:
        output: H×W×3 float32, the network's.
        normalised: H×W×3 float32 in [0, 1], the network's source picture.
        domain: "gamma" or "linear": how both encode light.
        display: a Display.
        floor: of the source picture, see data.prepare.Layers.

    Returns:
        H×W×3 uint8, display-encoded RGB.
    """
    picture = minmax(output) if display.range == "minmax" else np.clip(output, 0, 1)
    if domain == "linear":
        picture = picture ** np.float32(GAMMA)
    if display.colour == "source":
        light = normalised ** np.float32(1 / GAMMA) if domain == "gamma" else normalised
        target = srgb_decode(picture) @ LUMINANCE
        light = light + np.float32(floor)
        if display.guided:
            target = _following(light, target, display.guided)
        picture = _recoloured(target, light, display.saturation)
    return _codes(picture)


def stretched(layer):
    """Return any H×W×3 float layer as uint8, its least sample black and its largest white."""
    return _codes(minmax(layer))


def _codes(picture):
    return np.rint(picture * 255).astype(np.uint8)


def _following(light, target, radius):
    """Filter the displayed luminance, H×W linear, guided by the HDR's logarithm."""
    # In double precision: the guide's variance may be 1e-7 of its square.
    guide = np.log2(np.maximum(light @ LUMINANCE, DARKEST).astype(np.float64))
    codes = guided_filter(guide, srgb_encode(target).astype(np.float64), radius, GUIDE_EDGE)
    return srgb_decode(np.clip(codes, 0, 1))


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

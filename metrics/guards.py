"""What TMQI does not see in a tone-mapped picture: values with limits.

They hold for any operator, being computed from the scene and the picture alone.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from metrics.color import color_fidelity
from metrics.operators.common import without_zeros
from metrics.pair import luminance
from standards.srgb import srgb_decode_8bit

CURVE_STEPS = 64  # of the curve that stands for a picture's global part
HALO_REACH = 1 / 50  # how far from an edge a halo is looked for, as a share of the longer side
STRONG_EDGE_STOPS = 2.5  # within that reach
DARKEST_SHARE, FLATTEST_SHARE = 0.5, 0.25  # parts of the picture where noise is looked for
MIN_VARIANCE = 1e-9  # stops²; rounding alone has less


class GuardValues(NamedTuple):
    """One picture's values.

    blown, crushed: shares of the pixels whose channels are all 255, or all 0 though the
        scene has light there.
    correlation, chroma_ratio, cast: see metrics.color.ColorFidelity; the first two NaN where
        the scene has no color.
    span: codes between the 1 % darkest and the 1 % brightest of the smoothed picture.
    halo: mean overshoot beside strong edges against the picture's own global curve, codes.
    noise: contrast of the finest detail in dark flat regions over the scene's.
    """

    blown: float
    crushed: float
    correlation: float
    chroma_ratio: float
    cast: float
    span: float
    halo: float
    noise: float


LIMITS = {  # least and greatest value allowed
    "blown": (-math.inf, 0.02),
    "crushed": (-math.inf, 0.02),
    "correlation": (0.95, math.inf),
    "chroma_ratio": (0.85, 1.15),
    "cast": (-math.inf, 1.5),
    "span": (120, math.inf),
    "halo": (-math.inf, 5),
    "noise": (-math.inf, 1.8),
}


def guard_values(hdr, sdr):
    """Return the GuardValues of a picture.

    Args:
        hdr: H×W×3 linear RGB, any unit, not black.
        sdr: H×W×3 uint8, sRGB-encoded.

    Raises:
        InputError: as metrics.color.color_fidelity.
    """
    tint = color_fidelity(hdr, sdr)
    light = luminance(np.maximum(hdr, 0))
    log, codes = np.log2(without_zeros(light)), luminance(sdr)
    lost = (sdr == 0).all(axis=2) & (light > 0)
    return GuardValues(
        blown=float((sdr == 255).all(axis=2).mean()),
        crushed=float(lost.mean()),
        correlation=tint.correlation,
        chroma_ratio=tint.chroma_ratio,
        cast=tint.cast,
        span=span(codes),
        halo=halo(log, codes),
        noise=noise_gain(log, sdr),
    )


def violations(values):
    """Return dict from each limit that GuardValues exceed to how far, 1 being the limit again."""
    excess = {}
    for name, (least, most) in LIMITS.items():
        value = getattr(values, name)
        if value < least:
            excess[name] = (least - value) / abs(least)
        elif value > most:
            excess[name] = (value - most) / abs(most)
    return excess


def span(codes):
    """Return the range of H×W luminance codes without texture: little of it is a grey picture."""
    low, high = np.percentile(_smooth(codes), (1, 99))
    return float(high - low)


def halo(log, codes):
    """Return how far a picture overshoots beside strong edges, in codes.

    The mean code of each luminance is the global curve that the picture follows most
    nearly. A halo is brighter than it on an edge's bright side and darker on the other.

    Args:
        log: H×W log2 luminance of the scene.
        codes: H×W luminance of the picture, 0..255.

    Returns:
        Mean over the pixels near strong edges; 0 without any, negative where edges are
        softer than the curve would have them.
    """
    smooth = _smooth(log)
    radius = max(2, round(HALO_REACH * max(log.shape)))
    window = np.ones((2 * radius + 1,) * 2, np.uint8)
    high, low = cv2.dilate(smooth, window), cv2.erode(smooth, window)
    near = high - low > STRONG_EDGE_STOPS
    if not near.any():
        return 0.0
    side = np.sign(smooth - (high + low) / 2)
    return float(((codes - _global_part(log, codes)) * side)[near].mean())


def _global_part(log, codes):
    """Return the mean code of the pixels of about the same luminance, H×W."""
    edges = np.quantile(log, np.linspace(0, 1, CURVE_STEPS + 1))
    bin_of = np.clip(np.searchsorted(edges, log.ravel(), "right") - 1, 0, CURVE_STEPS - 1)
    count = np.bincount(bin_of, minlength=CURVE_STEPS)
    used = count > 0
    count = count[used]
    position = np.bincount(bin_of, log.ravel(), CURVE_STEPS)[used] / count
    level = np.bincount(bin_of, codes.ravel(), CURVE_STEPS)[used] / count
    return np.interp(log, position, level)


def noise_gain(log, sdr):
    """Return by how much the finest detail of dark flat regions is steeper than in the scene.

    It is the slope of the picture's detail over the scene's, both in stops, which the
    rounding to 8 bits does not change. A display that shows the scene as it is has 1.

    Args:
        log: H×W log2 luminance of the scene.
        sdr: H×W×3 uint8, sRGB-encoded.
    """
    fine = log - _smooth(log)
    display = np.log2(np.maximum(luminance(srgb_decode_8bit(sdr)), 1 / (12.92 * 255)))
    activity = cv2.GaussianBlur(np.abs(fine), (0, 0), 3)
    dark = log <= np.quantile(log, DARKEST_SHARE)
    flat = dark & (activity <= np.quantile(activity[dark], FLATTEST_SHARE))
    scene_part, display_part = fine[flat], (display - _smooth(display))[flat]
    variance = (scene_part**2).mean()
    return float((scene_part * display_part).mean() / variance) if variance > MIN_VARIANCE else 0.0


def _smooth(picture):
    return cv2.GaussianBlur(picture, (0, 0), 1.5)

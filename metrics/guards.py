"""What TMQI does not see in a tone-mapped picture: values with limits.

They hold for any operator, being computed from the scene and the picture alone.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from metrics.color import color_fidelity
from metrics.operators.common import without_zeros
from metrics.pair import check_pair, luminance
from standards.srgb import srgb_decode_8bit

CURVE_STEPS = 64  # of the curve that stands for a picture's global part
HALO_REACH = 1 / 50  # how far from an edge a halo is looked for, as a share of the longer side
GLOW_REACH = 1 / 8  # and a wide one, which is seen as a glow around things or a shaded sky
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


class SeenValues(NamedTuple):
    """Two more values of one picture, of faults that GuardValues weighs too much or misses.

    noise_codes: rms of the finest detail in the dark flat regions, codes.
    glow: mean overshoot within GLOW_REACH of strong edges, codes; see halo.
    """

    noise_codes: float
    glow: float


# A display shows no smaller step than one code; rounding alone has an rms of 0.3. Detail below
# that is not seen as noise, however much steeper than the scene's it is.
VISIBLE_NOISE_CODES = 1.0
LIMITS = {  # least and greatest value allowed
    "blown": (-math.inf, 0.02),
    "crushed": (-math.inf, 0.02),
    "correlation": (0.95, math.inf),
    "chroma_ratio": (0.85, 1.15),
    "cast": (-math.inf, 1.5),
    "span": (120, math.inf),
    "halo": (-math.inf, 5),
    "noise": (-math.inf, 1.8),
    # Twice the most that Reinhard's two operators and Drago's have on 18 photographs. A mean over
    # most of a picture: beside the edges it is several times as much. Unsharp masking by 20 %
    # with a standard deviation of 1/16 of the longer side, in halo 0.5 to 3.7, exceeds it in 11.
    "glow": (-math.inf, 1.3),
}


def guard_values(hdr, sdr, tint=None):
    """Return the GuardValues of a picture.

    Args:
        hdr: H×W×3 linear RGB, any unit, not black.
        sdr: H×W×3 uint8, sRGB-encoded.
        tint: their metrics.color.ColorFidelity where it is known, which saves its time.

    Raises:
        InputError: as metrics.color.color_fidelity.
    """
    tint = tint or color_fidelity(hdr, sdr)
    light = luminance(np.maximum(hdr, 0))
    log, codes = _log(light), luminance(sdr)
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


def seen_values(hdr, sdr):
    """Return the SeenValues of a picture; hdr and sdr as for guard_values.

    Raises:
        InputError: as metrics.pair.check_pair.
    """
    hdr, sdr = check_pair(hdr, sdr, side=1)
    log, codes = _log(luminance(np.maximum(hdr, 0))), luminance(sdr)
    fine = (codes - _smooth(codes))[_dark_and_flat(log)]
    return SeenValues(float(np.sqrt((fine**2).mean())), glow(log, codes))


def violations(values, seen=None):
    """Return dict from each limit that is exceeded to how far, 1 being the limit again.

    Args:
        values: GuardValues.
        seen: the SeenValues of the same picture: the limit of glow holds too, and that of noise
            only where the noise is visible. None for the limits of GuardValues alone.
    """
    excess = {}
    numbers = values._asdict() | (seen._asdict() if seen else {})
    for name, (least, most) in LIMITS.items():
        value = numbers.get(name, math.nan)
        if name == "noise" and seen and seen.noise_codes <= VISIBLE_NOISE_CODES:
            continue
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
    high, low = _extremes(smooth)
    near = high - low > STRONG_EDGE_STOPS
    if not near.any():
        return 0.0
    side = np.sign(smooth - (high + low) / 2)
    return float(((codes - _global_part(log, codes)) * side)[near].mean())


def glow(log, codes):
    """Return how far a picture overshoots within GLOW_REACH of the edges that halo finds, in codes.

    The sides are those brighter and darker than the mean of the surroundings within that reach,
    so that large areas are compared. Arguments and value as for halo.
    """
    smooth = _smooth(log)
    high, low = _extremes(smooth)
    edges = (high - low > STRONG_EDGE_STOPS).astype(np.uint8)
    if not edges.any():
        return 0.0
    window = (2 * _radius(log, GLOW_REACH) + 1,) * 2
    near = cv2.boxFilter(edges, cv2.CV_32S, window, normalize=False) > 0
    side = np.sign(smooth - cv2.blur(smooth, window))
    return float(((codes - _global_part(log, codes)) * side)[near].mean())


def _extremes(picture):
    """Return the greatest and the least value within HALO_REACH of each pixel."""
    window = np.ones((2 * _radius(picture, HALO_REACH) + 1,) * 2, np.uint8)
    return cv2.dilate(picture, window), cv2.erode(picture, window)


def _radius(picture, reach):
    return max(2, round(reach * max(picture.shape)))


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
    flat = _dark_and_flat(log)
    scene_part, display_part = fine[flat], (display - _smooth(display))[flat]
    variance = (scene_part**2).mean()
    return float((scene_part * display_part).mean() / variance) if variance > MIN_VARIANCE else 0.0


def _dark_and_flat(log):
    """Return where noise is looked for, H×W bools."""
    activity = cv2.GaussianBlur(np.abs(log - _smooth(log)), (0, 0), 3)
    dark = log <= np.quantile(log, DARKEST_SHARE)
    return dark & (activity <= np.quantile(activity[dark], FLATTEST_SHARE))


def _log(light):
    """Return the log2 of H×W luminance, black as dark as the darkest that is not."""
    return np.log2(without_zeros(light))


def _smooth(picture):
    return cv2.GaussianBlur(picture, (0, 0), 1.5)

"""What every tone-mapping operator starts and ends with."""

import numpy as np

from metrics.pair import check_hdr, luminance
from system.errors import InputError

# Display exponent of the operators' papers and of OpenCV. An sRGB display decodes it nearly: dark
# colours come out a little paler (chroma 0.97 instead of 1.02 for the photographic operator).
GAMMA = 2.2
DEPTH = 1e-8  # darkest luminance told from black, as a share of the brightest


def scene(hdr):
    """Return (RGB, luminance) as float64, brightest sample 1, negative samples set to 0.

    Args:
        hdr: H×W×3 linear RGB, any unit.

    Raises:
        InputError: wrong shape, non-finite samples, or no sample above 0.
    """
    rgb = np.maximum(check_hdr(hdr), 0)
    if not rgb.any():
        raise InputError("The HDR picture is black: no sample is above 0.")
    rgb /= rgb.max()
    return rgb, luminance(rgb)


def floored(scene_luminance):
    """Lift the luminance to something with a logarithm: H×W, all above 0."""
    positive = scene_luminance[scene_luminance > 0]
    return np.maximum(scene_luminance, max(positive.min(), DEPTH * positive.max()))


def log_average(scene_luminance):
    """Geometric mean of the luminance; black pixels are left out."""
    return np.exp(np.log(scene_luminance[scene_luminance > 0]).mean())


def encode(linear):
    """Turn linear light into uint8 codes: clipped to 0..1, power 1/2.2, rounded."""
    return np.rint(np.clip(linear, 0, 1) ** (1 / GAMMA) * 255).astype(np.uint8)


def relight(rgb, old, new):
    """Encode RGB with its luminance replaced, the ratios of R, G and B kept.

    Args:
        rgb: H×W×3 linear, not negative.
        old: H×W luminance of `rgb`.
        new: H×W luminance wanted, display range 0..1; channels beyond 1 are clipped.

    Returns:
        H×W×3 uint8.
    """
    gain = np.divide(new, old, out=np.zeros_like(old), where=old > 0)
    return encode(rgb * gain[..., None])

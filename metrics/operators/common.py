"""What every tone-mapping operator starts and ends with."""

import cv2
import numpy as np

from metrics.pair import check_hdr, luminance
from system.errors import InputError

# Display exponent of the operators' papers and of OpenCV. An sRGB display decodes it nearly: dark
# colors come out a little paler (chroma 0.97 instead of 1.02 for the photographic operator).
GAMMA = 2.2
DEPTH = 1e-8  # darkest luminance told from black, as a share of the brightest


def scaled(hdr):
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


def without_zeros(scene_luminance):
    """Lift H×W luminance to the least that is above 0 (or DEPTH), to have a logarithm."""
    positive = scene_luminance[scene_luminance > 0]
    return np.maximum(scene_luminance, max(positive.min(), DEPTH * positive.max()))


def log_average(scene_luminance):
    """Geometric mean of the luminance; black pixels are left out."""
    return np.exp(np.log(scene_luminance[scene_luminance > 0]).mean())


def encode(linear, dtype=np.uint8):
    """Turn linear light into whole codes: clipped to 0..1, power 1/2.2, rounded."""
    return np.rint(np.clip(linear, 0, 1) ** (1 / GAMMA) * np.iinfo(dtype).max).astype(dtype)


def photographic_curve(exposed, white):
    """Return x (1 + x / white²) / (1 + x), at most 1, for exposed luminance of 0 and above.

    E. Reinhard, M. Stark, P. Shirley and J. Ferwerda, "Photographic Tone Reproduction for
    Digital Images", ACM Trans. Graphics 21(3), 2002, equation 4; `white` becomes 1.
    """
    return np.minimum(exposed * (1 + exposed / white**2) / (1 + exposed), 1)


def relight(rgb, old, new, dtype=np.uint8):
    """Encode RGB with its luminance replaced, the ratios of R, G and B kept.

    Args:
        rgb: H×W×3 linear, not negative.
        old: H×W luminance of `rgb`.
        new: H×W luminance wanted, display range 0..1; channels beyond 1 are clipped.
        dtype: of the codes.

    Returns:
        H×W×3 of that type.
    """
    gain = np.divide(new, old, out=np.zeros_like(old), where=old > 0)
    return encode(rgb * gain[..., None], dtype)


def run_opencv(operator, hdr):
    """Return H×W×3 uint8 of an operator of OpenCV's photo module for H×W×3 linear RGB.

    OpenCV scales a picture to 0..1 first and takes what is below 1e-4 of the range for 1e-4.

    Raises:
        InputError: as scaled.
    """
    rgb, _ = scaled(hdr)
    # A warning about OpenCV's own code, which its operators set off.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    # RGB as it is: these operators, unlike most of OpenCV, take the first channel for red.
    encoded = operator.process(rgb.astype(np.float32))
    # A flat picture can come back as NaN, from 0 / 0.
    return np.rint(np.clip(np.nan_to_num(encoded), 0, 1) * 255).astype(np.uint8)

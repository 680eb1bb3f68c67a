"""What the metrics accept, an HDR picture and its tone-mapped version, and bringing them there."""

import cv2
import numpy as np

from standards import srgb
from system.errors import InputError


def luminance(rgb):
    """Weighted sum of R, G and B with the BT.709 weights: H×W×3 to H×W float64."""
    return srgb.luminance(rgb.astype(np.float64, copy=False))[..., 0]


def check_hdr(hdr):
    """Return `hdr` as float64 after checking it.

    Args:
        hdr: H×W×3, linear RGB in any unit, all samples finite.

    Raises:
        InputError: another shape, or a NaN or infinite sample.
    """
    hdr = np.asarray(hdr)
    if hdr.ndim != 3 or hdr.shape[2] != 3 or hdr.size == 0:
        raise InputError(f"The HDR picture has shape {hdr.shape}; height x width x 3 is needed.")
    hdr = hdr.astype(np.float64, copy=False)
    if not np.isfinite(hdr).all():
        raise InputError(
            "The HDR picture holds NaN or infinite samples; replace them with finite ones."
        )
    return hdr


def check_pair(hdr, sdr, side):
    """Return (hdr as float64, sdr as uint8) after checking them.

    Args:
        hdr: H×W×3, linear RGB in any unit, all samples finite.
        sdr: H×W×3 uint8, display-encoded RGB (0..255).
        side: the least height and width allowed, in pixels.

    Raises:
        InputError: wrong shape or type, different sizes, a side too short, or a
            NaN or infinite HDR sample.
    """
    hdr, sdr = check_hdr(hdr), np.asarray(sdr)
    # Codes in 0..1 would be scored without complaint and wrongly: the formulas hold for 0..255.
    if sdr.dtype != np.uint8:
        raise InputError(f"The SDR picture is {sdr.dtype}; 8-bit codes (uint8, 0 to 255) needed.")
    if sdr.shape != hdr.shape:
        raise InputError(
            f"The SDR picture has shape {sdr.shape} and the HDR picture {hdr.shape}; "
            "they must be the same."
        )
    if min(hdr.shape[:2]) < side:
        raise InputError(
            f"The pictures are {hdr.shape[1]} x {hdr.shape[0]} pixels; "
            f"each side must have at least {side}."
        )
    return hdr, sdr


def eight_bits(picture):
    """Return a uint8 or uint16 picture as uint8, rounded."""
    if picture.dtype == np.uint8:
        return picture
    return np.rint(picture / 257).astype(np.uint8)


def reduced(picture, side):
    """Shrink an H×W×3 picture of any type by averaging so that no side is above `side` pixels."""
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return picture
    size = [max(1, round(length * factor)) for length in (width, height)]
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))

"""ICC profiles of float pictures: curves and a matrix. Format: ICC.1:2022, sections 8.3 and 10.

LittleCMS, in Pillow, reads the profile; its own transforms would cut off what is over 1.
"""

import io
import struct
from collections.abc import Callable

import cv2
import numpy as np
from PIL import ImageCms

from data.pictures.sanitize import Remark
from standards.primaries import D50, xyz_to_bt709
from standards.srgb import srgb_decode

_MAX_TAGS = 200
_MATRIX_TOLERANCE = 2e-3  # profiles round the colorants of BT.709 each in its own way
_SRGB_TOLERANCE = 2e-3  # between a table and the curve: 8-bit numbers in an old one

Curve = Callable[[np.ndarray], np.ndarray]


def to_linear_bt709(image: np.ndarray, profile: bytes, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 as linear BT.709 by an ICC profile.

    Curves go on beyond 1 and, mirrored, below 0. White stays white.

    Args:
        image: float32, in the profile's colors.
        profile: bytes of the file.
        remark: hears of a profile that is not linear, or cannot be applied: then the picture is
            returned as it is.
    """
    name = "without a name"
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        name = repr((parsed.profile_description or "").strip()[:60])
        colorants = parsed.red_colorant, parsed.green_colorant, parsed.blue_colorant
        tags = _tags(profile)
        is_gray = parsed.xcolor_space.strip() == "GRAY"
        curves = [_curve(tags[key]) for key in ([b"kTRC"] * 3 if is_gray else _CURVES)]
        matrix = np.eye(3) if is_gray else _matrix(colorants)
    except Exception:  # LittleCMS, and whatever a damaged profile leads to
        remark(
            f"has the ICC profile {name}, which is not one of curves and a matrix; it was "
            "taken to be linear BT.709"
        )
        return image
    if any(curve is not None for curve in curves):
        remark(f"was made linear by its ICC profile {name}")
        planes = [
            plane if curve is None else _mirrored(curve, plane)
            for plane, curve in zip(cv2.split(image), curves, strict=True)
        ]
        image = cv2.merge(planes)
    return _by_matrix(image, matrix)


def colors_to_bt709(image: np.ndarray, profile: bytes, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 that is linear already as BT.709, by the matrix of an ICC profile."""
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile if profile else None
        colorants = parsed and (parsed.red_colorant, parsed.green_colorant, parsed.blue_colorant)
        matrix = _matrix(colorants) if colorants else np.eye(3)
    except Exception:
        remark("has an ICC profile without a matrix; its colors were taken to be BT.709")
        return image
    return _by_matrix(image, matrix)


_CURVES = (b"rTRC", b"gTRC", b"bTRC")


def _by_matrix(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    if np.allclose(matrix, np.eye(3), atol=_MATRIX_TOLERANCE):
        return image
    return cv2.transform(image, matrix)


def _matrix(colorants) -> np.ndarray:
    """Return the matrix to linear BT.709 from the colorants, each (XYZ under D50, xyY)."""
    return xyz_to_bt709(D50) @ np.transpose([xyz for xyz, _ in colorants])


def _mirrored(curve: Curve, plane: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):  # what is not finite is mended with the others
        return np.copysign(curve(np.abs(plane)), plane).astype(np.float32)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * min(count, _MAX_TAGS)])
    return {key: profile[at : at + size] for key, at, size in entries if key.endswith(b"TRC")}


def _curve(tag: bytes) -> Curve | None:
    """Return a TRC as a function of numbers not under 0; None where it is linear."""
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        numbers = [n / 65536 for n in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
        return _parametric(kind, *numbers)
    if tag[:4] != b"curv":
        raise ValueError(tag[:4])
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return None
    values = np.frombuffer(tag, ">u2", count, 12)
    if count == 1:
        return _parametric(0, values[0] / 256)
    return _table(values / 65535)


def _parametric(kind, g, a=1.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0) -> Curve | None:
    """Return parametricCurveType `kind`, section 10.18, table 68."""
    if kind in (1, 2):  # y = (ax + b)^g + c from x = -b / a, else c
        d, e, f, c = -b / a, c, c, 0.0
    if (g, a, b, e) == (1, 1, 0, 0) and (d <= 0 or (c, f) == (1, 0)):
        return None
    return lambda x: np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)


def _table(values: np.ndarray) -> Curve | None:
    places = np.linspace(0, 1, len(values))
    if np.abs(values - places).max() < 1 / 65535:
        return None
    if np.abs(values - srgb_decode(places)).max() < _SRGB_TOLERANCE:
        return srgb_decode
    # Beyond 1 it goes on as the power that its last tenth is.
    slope = np.log(values[-1] / np.interp(0.9, places, values)) / -np.log(0.9)
    return lambda x: np.where(x <= 1, np.interp(x, places, values), values[-1] * x**slope)

"""JPEG with a gain map (Ultra HDR): libultrahdr, in the imagecodecs package.

Formats: ISO 21496-1, and its forerunner in XMP, https://developer.android.com/media/platform/hdr-image-format
"""

import io
import os

import imagecodecs
import numpy as np
from PIL import Image

from data.pictures.icc import colors_to_bt709
from data.pictures.orientation import orientation_of, upright
from data.pictures.sanitize import Remark, check_claim, check_size
from system.errors import InputError

GAIN_MAP_SUFFIXES = (".jpg", ".jpeg")
_MARKS = (b"urn:iso:std:iso:ts:21496:-1", b"http://ns.adobe.com/hdr-gain-map/1.0/")
_HEADER = 2**18  # bytes that hold the marks: after the Exif thumbnail and a profile
_RATIO = 10_000  # pixels a byte, of a blank JPEG


def has_gain_map(start: bytes) -> bool:
    """Say whether the first bytes of a file are those of a JPEG that has a gain map."""
    return start.startswith(b"\xff\xd8\xff") and any(mark in start[:_HEADER] for mark in _MARKS)


def is_gain_map_file(path: str | os.PathLike[str]) -> bool:
    """Say whether a file is a JPEG that has a gain map; False where it cannot be read."""
    try:
        if not os.path.isfile(path):  # opening a pipe would wait for its writer
            return False
        with open(path, "rb") as file:
            return has_gain_map(file.read(_HEADER))
    except OSError:
        return False


def decode_gain_map(data: bytes, name: str, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32, linear BT.709, of a JPEG with a gain map applied in full.

    1 is the white of the SDR picture. The Exif orientation is applied, and the primaries of
    the ICC profile become BT.709's.

    Raises:
        InputError: the file is damaged or cut short.
    """
    try:
        base = Image.open(io.BytesIO(data), formats=("JPEG", "MPO"))
        check_size(name, base.height, base.width)
        check_claim(name, base.height * base.width, len(data), _RATIO)
        image = imagecodecs.ultrahdr_decode(data)
    except InputError:
        raise
    except Exception as error:  # Pillow and imagecodecs raise many kinds
        raise InputError(
            f"{name}: the JPEG or its gain map is damaged or cut short; get it again."
        ) from error
    image = upright(image[:, :, :3].astype(np.float32), orientation_of(base))
    return colors_to_bt709(image, _profile(base, data), remark)


def _profile(base: Image.Image, data: bytes) -> bytes:
    """Return the ICC profile whose colors libultrahdr gives: the gain map's, else the picture's."""
    try:
        last = Image.open(io.BytesIO(data[data.rfind(b"\xff\xd8\xff") :]), formats=("JPEG", "MPO"))
        profile = last.info.get("icc_profile")
    except Exception:  # Pillow raises many kinds
        profile = None
    return profile or base.info.get("icc_profile") or b""

"""8- and 16-bit display-encoded pictures: Pillow reads 8 bits, OpenCV 16 bits and TIFF.

OpenCV fills the missing part of a file that is cut short with grey or black and says nothing,
so Pillow, or data.pictures.tiff, reads or checks every file first.
"""

import io
import struct

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from data.pictures.sanitize import as_rgb, check_claim, check_size
from data.pictures.tiff import decode_by_opencv, read_tags
from system.errors import InputError

# Pixels a byte: a blank 1-bit PNG reaches 8256. A blank WebP of any size takes a few
# bytes, but of those a picture needs more.
_RATIO = 10_000
_WEBP_RATIO = 1_000_000
Image.MAX_IMAGE_PIXELS = None  # check_size limits them instead, before anything is allocated


def decode_sdr(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 RGB, uint8 or uint16, from the bytes of a JPEG, PNG, TIFF, BMP or WebP.

    Pixels come in stored order: an EXIF orientation is not applied, because the HDR
    picture that belongs to a file has none. (OpenCV does apply that of a TIFF.)

    Raises:
        InputError: another format, another sample type, damaged or cut short.
    """
    if data[:4] in (b"II*\0", b"MM\0*"):
        read_tags(data, name)
        return _by_opencv(data, name)
    try:
        if data[:4] == b"RIFF":
            # Pillow allocates a WebP's canvas when it opens the file.
            _check(name, *_webp_size(data), len(data), _WEBP_RATIO)
        picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "BMP", "WEBP"))
        if picture.format != "WEBP":
            _check(name, picture.height, picture.width, len(data), _RATIO)
        picture.load()
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"{name}: is not a JPEG, PNG, TIFF, BMP or WebP, or its header is damaged; save it as "
            "one."
        ) from error
    except Exception as error:  # Pillow raises many kinds
        raise InputError(f"{name}: the picture is damaged or cut short; get it again.") from error
    if picture.format == "PNG" and data[24] == 16:  # Pillow would cut RGB down to 8 bits
        return _by_opencv(data, name)
    return np.array(picture.convert("RGB"))


def _by_opencv(data: bytes, name: str) -> np.ndarray:
    image = decode_by_opencv(data)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{name}: cannot be decoded to 8 or 16 bits; save it again as PNG.")
    return as_rgb(name, image)


def _check(name: str, height: int, width: int, held: int, ratio: int) -> None:
    check_size(name, height, width)
    check_claim(name, height * width, held, ratio)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return height and width (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return height, width


def encode_sdr(image: np.ndarray, suffix: str, quality: int) -> bytes:
    """Return JPEG (4:4:4, quality 0 to 100) or PNG bytes of H×W×3 RGB uint8."""
    settings = []
    if suffix != ".png":
        # Full-size chroma: halving it shifts saturated edges, which metrics then see.
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(suffix, image[:, :, ::-1], settings)[1].tobytes()

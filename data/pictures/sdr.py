"""8- and 16-bit display-encoded pictures: Pillow reads 8 bits, OpenCV 16 bits and TIFF.

OpenCV fills the missing part of a file that is cut short with grey or black and says nothing,
so Pillow, or data.pictures.tiff_tags, reads or checks every file first.
"""

import functools
import io
import os
import struct

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import Base

from data.pictures.orientation import orientation_of, upright
from data.pictures.sanitize import as_rgb, check_claim, check_size
from data.pictures.tiff import decode_by_opencv
from data.pictures.tiff_tags import STARTS, read_directory
from system.errors import InputError

# Pixels a byte: a blank 1-bit PNG reaches 8256. A blank WebP of any size takes a few
# bytes, but of those a picture needs more.
_RATIO = 10_000
_WEBP_RATIO = 1_000_000
SOFTWARE = "IQATM for TensorFlow 2"  # tag of what is written here, and of nothing else
Image.MAX_IMAGE_PIXELS = None  # check_size limits them instead, before anything is allocated


def decode_sdr(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 RGB, uint8 or uint16, from the bytes of a JPEG, PNG, TIFF, BMP or WebP.

    The Orientation of Exif and TIFF is applied.

    Raises:
        InputError: another format, another sample type, damaged or cut short.
    """
    if data[:4] in STARTS:
        read_directory(data, name)
        return _by_opencv(data, name)  # which applies the Orientation
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
        _check_png(data, name)
        image = _by_opencv(data, name)
    else:
        image = np.array(picture.convert("RGB"))
    return upright(image, orientation_of(picture))


def _check_png(data: bytes, name: str) -> None:
    """Raise InputError unless all chunks are there: OpenCV allocates what a length claims."""
    at = 8
    while data[at + 4 : at + 8] != b"IEND":
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if at >= len(data):
            raise InputError(f"{name}: the picture is damaged or cut short; get it again.")


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
    """Return a file's bytes, tagged as sRGB and with SOFTWARE and nothing else.

    Args:
        image: H×W×3 RGB, uint8; for PNG and TIFF uint16, too.
        suffix: ".png", ".tif", ".tiff" or, for a JPEG (4:4:4), another.
        quality: of a JPEG, 0 to 100.
    """
    if suffix in (".tif", ".tiff"):
        file = io.BytesIO()
        with tifffile.TiffWriter(file) as tiff:
            tiff.write(
                image,
                photometric="rgb",
                compression="zlib",
                software=SOFTWARE,
                iccprofile=srgb_profile(),
                metadata=None,
            )
        return file.getvalue()
    settings = []
    if suffix != ".png":
        # Full-size chroma: halving it shifts saturated edges, which metrics then see.
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    kinds = [cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_ICCP]
    tags = [np.frombuffer(tag, np.uint8) for tag in (exif()[6:], srgb_profile())]
    return cv2.imencodeWithMetadata(suffix, image[:, :, ::-1], kinds, tags, settings)[1].tobytes()


def made_here(path: str | os.PathLike[str]) -> bool:
    """Say whether a file that encode_sdr made is there."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return SOFTWARE.encode() in file.read()


def exif() -> bytes:
    """Return an EXIF block with SOFTWARE."""
    tags = Image.Exif()
    tags[Base.Software] = SOFTWARE
    return tags.tobytes()


@functools.cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, the same bytes at all times."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The time it was made at (ICC.1:2022, 7.2.10) is that of IEC 61966-2-1.
    profile[24:36] = struct.pack(">6H", 1999, 10, 18, 0, 0, 0)
    return bytes(profile)

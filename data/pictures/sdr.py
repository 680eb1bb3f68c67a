"""8- and 16-bit display-encoded pictures through OpenCV.

OpenCV fills the missing part of a file that is cut short with grey or black and says
nothing, and it allocates what the header claims; so each format is looked through first.
Formats: ITU-T T.81 (JPEG), the W3C PNG specification, RFC 9649 (WebP), BITMAPINFOHEADER.
"""

import struct

import cv2
import numpy as np

from data.pictures.sanitize import as_rgb, check_claim, check_size
from data.pictures.tiff import read_tags
from system.errors import InputError

# Pixels a byte: a blank 1-bit PNG reaches 8256. A blank WebP of any size takes a few
# bytes, but of those a picture needs more.
_RATIO = 10_000
_WEBP_RATIO = 1_000_000


def decode_sdr(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 RGB, uint8 or uint16, from the bytes of a JPEG, PNG, TIFF, BMP or WebP.

    Pixels come in stored order: an EXIF orientation is not applied, because the HDR
    picture that belongs to a file has none. (OpenCV does apply that of a TIFF.)

    Raises:
        InputError: another format, another sample type, damaged or cut short.
    """
    try:
        height, width = _size(data, name)
    except (struct.error, IndexError) as error:
        raise InputError(f"{name}: the picture is damaged or cut short; get it again.") from error
    check_size(name, height, width)
    ratio = _WEBP_RATIO if data[:4] == b"RIFF" else _RATIO
    check_claim(name, height * width, len(data), ratio)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{name}: cannot be decoded to 8 or 16 bits; save it again as PNG.")
    return as_rgb(name, image if image.ndim == 2 else image[:, :, [2, 1, 0, 3][: image.shape[2]]])


def _size(data: bytes, name: str) -> tuple[int, int]:
    """Return height and width by the header; struct.error or IndexError if cut short."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        position, kind = 8, b""
        while kind != b"IEND":
            length, kind = struct.unpack_from(">I4s", data, position)
            position += length + 12
        if position > len(data):
            raise IndexError
        width, height = struct.unpack_from(">II", data, 16)
    elif data[:3] == b"\xff\xd8\xff":
        height, width = _jpeg_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
            raise IndexError
        width, height = _webp_size(data)
    elif data[:2] == b"BM":
        wide = struct.unpack_from("<I", data, 14)[0] > 12
        width, height, _, bits = struct.unpack_from("<iiHH" if wide else "<HHHH", data, 18)
        height = abs(height)  # negative means top row first
        packed = wide and struct.unpack_from("<I", data, 30)[0] in (1, 2)
        (start,) = struct.unpack_from("<I", data, 10)
        if not packed and start + (width * bits + 31) // 32 * 4 * height > len(data):
            raise IndexError
    elif data[:4] in (b"II*\0", b"MM\0*"):
        tags = read_tags(data, name)
        height, width = tags[257][0], tags[256][0]
    else:
        raise InputError(f"{name}: is not a JPEG, PNG, TIFF, BMP or WebP; save it as one.")
    return height, width


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the scan, which must be followed by an end marker."""
    position, size = 2, None
    while True:
        while data[position] == 0xFF and data[position + 1] == 0xFF:  # fill bytes
            position += 1
        marker, length = struct.unpack_from(">HH", data, position)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            size = struct.unpack_from(">HH", data, position + 5)
        if marker < 0xFFC0 or length < 2:
            raise IndexError
        position += length + 2
        if marker == 0xFFDA:
            break
    # Within a scan a byte 255 is followed by 0, so this can only be the end marker.
    if size is None or data.find(b"\xff\xd9", position) < 0:
        raise IndexError
    return size


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return width, height


def encode_sdr(image: np.ndarray, suffix: str, quality: int) -> bytes:
    """Return JPEG (4:4:4, quality 0 to 100) or PNG bytes of H×W×3 RGB uint8."""
    settings = []
    if suffix != ".png":
        # Full-size chroma: halving it shifts saturated edges, which metrics then see.
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(suffix, image[:, :, ::-1], settings)[1].tobytes()

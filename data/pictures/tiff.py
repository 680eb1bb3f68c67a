"""TIFF: the header that tells what is in a file, and float pictures through OpenCV.

Format: "TIFF Revision 6.0", Adobe 1992; SampleFormat is in its section 19.
"""

import struct
from collections.abc import Iterator

import cv2
import numpy as np

from data.pictures.sanitize import as_rgb, check_claim, check_size
from system.errors import InputError

_WIDTH, _HEIGHT, _BITS, _CHANNELS, _PLANAR, _FORMAT = 256, 257, 258, 277, 284, 339
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_DATA = ((273, 279), (324, 325))  # offsets and byte counts of strips, of tiles
_WANTED = {_WIDTH, _HEIGHT, _BITS, _CHANNELS, _PLANAR, _FORMAT, _TILE_WIDTH, _TILE_HEIGHT}
_WANTED |= {tag for pair in _DATA for tag in pair}
_FORMATS = {1: "B", 3: "H", 4: "I"}  # BYTE, SHORT, LONG
# Where deflate and LZW end on a blank picture.
_RATIO = 2_000


def read_tags(data: bytes, name: str) -> dict[int, tuple[int, ...]]:
    """Return the layout tags of the first picture in a TIFF, once its data are all there.

    The size and the places of the data are checked, so that a decoder may allocate.

    Raises:
        InputError: no (classic) TIFF, damaged or cut short.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        raise InputError(f"{name}: is not a classic TIFF; save it as one.")
    tags = {}
    try:
        for tag, layout, place in _entries(data, order):
            # Only these, and once: overlapping entries could unpack the file thousands of times.
            if tag in _WANTED and tag not in tags:
                tags[tag] = struct.unpack_from(layout, data, place)
        height, width = tags[_HEIGHT][0], tags[_WIDTH][0]
        places = [
            place
            for offsets, counts in _DATA
            for place in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=True)
        ]
        if not places or any(offset + count > len(data) for offset, count in places):
            raise struct.error
    except (struct.error, KeyError, ValueError) as error:
        raise InputError(f"{name}: the TIFF is damaged or cut short; get it again.") from error
    check_size(name, height, width)
    pixels = max(height * width, tags.get(_TILE_WIDTH, (1,))[0] * tags.get(_TILE_HEIGHT, (1,))[0])
    bits = pixels * tags.get(_CHANNELS, (1,))[0] * max(tags.get(_BITS, (1,)))
    check_claim(name, bits // 8, len(data), _RATIO)
    return tags


def decode_tiff(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 float32 from the bytes of a float16, float32 or float64 TIFF.

    The first picture of the file is read; OpenCV applies its Orientation tag.

    Raises:
        InputError: integer samples, planar layout, damaged or cut short.
    """
    tags = read_tags(data, name)
    bits = max(tags.get(_BITS, (1,)))
    if set(tags.get(_FORMAT, (1,))) != {3} or bits not in (16, 32, 64):
        raise InputError(
            f"{name}: {bits}-bit integer or unknown samples are not scene-linear HDR; "
            "save it as a 32-bit float TIFF."
        )
    if tags.get(_PLANAR, (1,))[0] != 1:
        raise InputError(f"{name}: the channels are stored apart; save it with them interleaved.")
    if bits == 16:
        # OpenCV refuses half floats, but hands them through if they are called integers.
        data = _as_integers(data)
    image = decode_by_opencv(data)
    sides = (tags[_HEIGHT][0], tags[_WIDTH][0])
    if image is None or sorted(image.shape[:2]) != sorted(sides) or image.itemsize * 8 != bits:
        raise InputError(f"{name}: OpenCV cannot read this TIFF; save it as a 32-bit float TIFF.")
    image = image.view(np.float16) if bits == 16 else image
    with np.errstate(over="ignore"):  # a float64 over the float32 range is an Inf to mend
        image = image.astype(np.float32)
    return as_rgb(name, image)


def decode_by_opencv(data: bytes) -> np.ndarray | None:
    """Return H×W or H×W×C, RGB or RGBA, in the file's own type; None where OpenCV cannot."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if image is None or image.ndim == 2:
        return image
    return image[:, :, [2, 1, 0, 3][: image.shape[2]]]


def _entries(data: bytes, order: str) -> Iterator[tuple[int, str, int]]:
    """Yield tag, struct layout and place of each integer entry; struct.error if cut short."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, start)
    for entry in range(start + 2, start + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
        if kind in _FORMATS and count:
            size = count * struct.calcsize(_FORMATS[kind])
            place = entry + 8
            if size > 4:
                (place,) = struct.unpack_from(order + "I", data, place)
            if place + size > len(data):
                raise struct.error
            yield tag, f"{order}{count}{_FORMATS[kind]}", place


def _as_integers(data: bytes) -> bytes:
    """Return the file with its SampleFormat set to unsigned integer."""
    patched = bytearray(data)
    for tag, layout, place in _entries(data, "<" if data[:2] == b"II" else ">"):
        if tag == _FORMAT:
            values = struct.unpack_from(layout, data, place)
            struct.pack_into(layout, patched, place, *[1] * len(values))
    return bytes(patched)

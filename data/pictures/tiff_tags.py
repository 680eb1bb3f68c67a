"""The first directory of a TIFF, read so that a decoder may trust it.

Formats: "TIFF Revision 6.0", Adobe 1992, section 2; BigTIFF,
https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

import struct
from typing import NamedTuple

from data.pictures.sanitize import check_claim, check_size
from system.errors import InputError

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
ORIENTATION, CHANNELS, PLANAR, PREDICTOR, FORMAT = 274, 277, 284, 317, 339
ICC_PROFILE = 34675
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_DATA = ((273, 279), (324, 325))  # offsets and byte counts of strips, of tiles
_FILL_ORDER, _ROWS_PER_STRIP, _EXTRA_SAMPLES = 266, 278, 338
_WANTED = {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, CHANNELS, PLANAR}
_WANTED |= {PREDICTOR, FORMAT, ICC_PROFILE, _TILE_WIDTH, _TILE_HEIGHT}
_WANTED |= {_FILL_ORDER, _ROWS_PER_STRIP, _EXTRA_SAMPLES, *_DATA[0], *_DATA[1]}
_TYPES = {1: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}  # BYTE, SHORT, LONG, UNDEFINED, LONG8
# Where deflate and LZW end on a blank picture.
_RATIO = 2_000


class _Layout(NamedTuple):
    """How a kind of TIFF writes its numbers."""

    order: str
    first: int  # where the place of the first directory stands
    number: str  # of a directory's entries
    entry: str  # tag, type and number of values, and the place of these or themselves
    place: str


_LAYOUTS = {
    b"II*\0": _Layout("<", 4, "H", "HHI4s", "I"),
    b"MM\0*": _Layout(">", 4, "H", "HHI4s", "I"),
    b"II+\0": _Layout("<", 8, "Q", "HHQ8s", "Q"),
    b"MM\0+": _Layout(">", 8, "Q", "HHQ8s", "Q"),
}
STARTS = tuple(_LAYOUTS)


class Directory(NamedTuple):
    """The tags of the first picture that say how it is stored."""

    tags: dict[int, tuple[int, ...]]
    entries: tuple[bytes, ...]  # the same as they stand in the file
    is_last: bool

    def value(self, tag: int, default: int = 1) -> int:
        """Return the first number of a tag, or `default` where there is none."""
        return self.tags.get(tag, (default,))[0]

    def alone(self, data: bytes) -> bytes:
        """Return the file with these tags for its only directory."""
        order, first, number, _, place = _LAYOUTS[data[:4]]
        directory = struct.pack(order + number, len(self.entries)) + b"".join(self.entries)
        start = struct.pack(order + place, len(data))
        after = bytes(len(start))  # no directory follows
        return data[:first] + start + data[first + len(start) :] + directory + after


def read_directory(data: bytes, name: str) -> Directory:
    """Return the first directory of a TIFF, once the data of its picture are all there.

    Raises:
        InputError: no TIFF, damaged or cut short, or it claims a size that it cannot hold.
    """
    layout = _LAYOUTS.get(data[:4])
    if layout is None:
        raise InputError(f"{name}: is not a TIFF; save it as one.")
    try:
        directory = _parsed(data, layout)
        tags = directory.tags
        height, width = tags[HEIGHT][0], tags[WIDTH][0]
        places = [
            place
            for offsets, counts in _DATA
            for place in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=True)
        ]
        if not places or any(not count or at + count > len(data) for at, count in places):
            raise struct.error
    except (struct.error, KeyError, ValueError, OverflowError) as error:
        raise InputError(f"{name}: the TIFF is damaged or cut short; get it again.") from error
    check_size(name, height, width)
    tile = directory.value(_TILE_WIDTH) * directory.value(_TILE_HEIGHT)
    bits = max(height * width, tile) * directory.value(CHANNELS) * max(tags.get(BITS, (1,)))
    check_claim(name, bits // 8, len(data), _RATIO)
    return directory


def _parsed(data: bytes, layout: _Layout) -> Directory:
    """Return the wanted tags; struct.error where the file ends."""
    order = layout.order
    (start,) = struct.unpack_from(order + layout.place, data, layout.first)
    (count,) = struct.unpack_from(order + layout.number, data, start)
    start += struct.calcsize(order + layout.number)
    step = struct.calcsize(order + layout.entry)
    (following,) = struct.unpack_from(order + layout.place, data, start + step * count)
    tags, entries = {}, []
    for at in range(start, start + step * count, step):
        tag, kind, number, value = struct.unpack_from(order + layout.entry, data, at)
        # Only these, and once: overlapping entries could unpack the file thousands of times.
        if tag not in _WANTED or tag in tags or kind not in _TYPES or not number:
            continue
        size = number * struct.calcsize(_TYPES[kind])
        place = at + step - len(value)
        if size > len(value):
            (place,) = struct.unpack(order + layout.place, value)
        if place + size > len(data):
            raise struct.error
        tags[tag] = struct.unpack_from(f"{order}{number}{_TYPES[kind]}", data, place)
        entries.append(data[at : at + step])
    return Directory(tags, tuple(entries), following == 0)

"""The header of an OpenEXR file, as far as a picture needs it.

Format: "OpenEXR File Layout", https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

import io
import re
from typing import NamedTuple

import OpenEXR

from data.pictures.sanitize import check_claim, check_size
from system.errors import InputError

# How far a blank picture shrinks. The transform codecs are nearly free on one, and a
# display window costs nothing.
_LOSSLESS_RATIO = 2_000
_TRANSFORM_RATIO = 100_000
_WINDOW_RATIO = 1_000_000
_LOSSLESS = ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A")
_DEEP, _MULTIPART = 0x08, 0x10  # in the second byte of the version

Window = tuple[int, int, int, int]  # x and y of the first pixel, and of the first behind the last


class Header(NamedTuple):
    """What is needed of the header of a part, in plain types."""

    name: str
    data_window: Window
    display_window: Window
    pixel_aspect: float
    chromaticities: tuple[float, ...] | None
    neutral: tuple[float, ...] | None
    lossless: bool
    least_bytes: int
    sampling: dict[str, tuple[int, int]]  # of each channel, in x and y

    @classmethod
    def of(cls, header: dict) -> "Header":
        """Return that of a header of the bindings, whatever they raise for a damaged one."""
        data, display = _window(header["dataWindow"]), _window(header["displayWindow"])
        tile = header.get("tiles")
        sampling = {c.name: (c.xSampling, c.ySampling) for c in header["channels"]}
        pixels = sum(
            (data[2] - data[0]) * (data[3] - data[1]) // (x * y) for x, y in sampling.values()
        )
        if tile:
            pixels = max(pixels, tile.xSize * tile.ySize * len(sampling))
        chromaticities, neutral = header.get("chromaticities"), header.get("adoptedNeutral")
        return cls(
            header.get("name", ""),
            data,
            display,
            float(header.get("pixelAspectRatio", 1)),
            None if chromaticities is None else tuple(map(float, chromaticities)),
            None if neutral is None else tuple(map(float, neutral)),
            header["compression"].name.removesuffix("_COMPRESSION") in _LOSSLESS,
            2 * pixels,  # a half each: the header-only view does not tell types
            sampling,
        )


def read_headers(data: bytes, name: str) -> tuple[bytes, list[Header]]:
    """Return the file, its text mended where it must be, and the header of each part.

    Sizes are checked, so that the library may allocate.

    Raises:
        InputError: damaged, cut short or deep.
    """
    try:
        try:
            headers = _headers(data)
        except UnicodeDecodeError:  # which the format allows, and the bindings do not
            data = _with_ascii(data)
            headers = _headers(data)
    except Exception as error:  # the bindings pass on many kinds
        if data.startswith(b"v/1\x01\x02") and data[5:6] and data[5] & _DEEP:
            raise _deep(name) from error
        raise InputError(
            f"{name}: the EXR header is damaged or cut short; get it again."
        ) from error
    if data[5] & _DEEP:
        raise _deep(name)
    # The library reads every channel of every part, so all of them are checked first.
    for header in headers:
        for left, top, right, bottom in (header.data_window, header.display_window):
            check_size(name, bottom - top, right - left)
    claimed = sum(header.least_bytes for header in headers)
    lossless = all(header.lossless for header in headers)
    check_claim(name, claimed, len(data), _LOSSLESS_RATIO if lossless else _TRANSFORM_RATIO)
    for header in headers:
        left, top, right, bottom = header.display_window
        check_claim(name, 12 * (right - left) * (bottom - top), len(data), _WINDOW_RATIO)
    return data, headers


def _deep(name: str) -> InputError:
    return InputError(f"{name}: holds deep data; flatten it and save it as a plain EXR.")


def _headers(data: bytes) -> list[Header]:
    parts = OpenEXR.File(io.BytesIO(data), header_only=True).parts
    return [Header.of(part.header) for part in parts]


def _window(corners: tuple) -> Window:
    low, high = (corner.tolist() for corner in corners)
    return low[0], low[1], high[0] + 1, high[1] + 1


def _with_ascii(data: bytes) -> bytes:
    """Return the file with "?" for the bytes over 127 of names and texts in its headers.

    Raises:
        ValueError: the headers are cut short.
    """
    out = bytearray(data)

    def text(start: int, end: int) -> None:
        out[start:end] = re.sub(rb"[\x80-\xff]", b"?", out[start:end])

    def number(at: int) -> int:
        return int.from_bytes(data[at : at + 4], "little")

    at = 8
    while True:
        end = data.index(b"\0", at)  # of the attribute's name; an empty one ends a header
        if end == at:
            at += 1
            if not data[5] & _MULTIPART or data[at : at + 1] in (b"\0", b""):
                return bytes(out)
            continue
        start = data.index(b"\0", end + 1) + 5
        kind, after = data[end + 1 : start - 5], start + number(start - 4)
        text(at, end)
        if kind == b"string":
            text(start, after)
        while kind == b"stringvector" and start < after:
            text(start + 4, start + 4 + number(start))
            start += 4 + number(start)
        while kind == b"chlist" and start < after - 1:
            end = data.index(b"\0", start)
            text(start, end)
            start = end + 17  # the name, its end, and 16 bytes
        at = after

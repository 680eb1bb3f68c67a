"""Radiance pictures (.hdr, .pic), 32-bit_rle_rgbe and 32-bit_rle_xyze.

Format: Greg Ward, "Radiance File Formats" (filefmts.pdf, radiance-online.org),
section "Picture File Format". Units of XYZE: the manual page ra_xyze(1), section
NOTES: RGBE holds watts/sr/m², XYZE lumens/sr/m², and the luminous efficacy 179 lm/W
(WHTEFFICACY in Radiance's color.h) leads from one to the other.
"""

import math
import re
from typing import NamedTuple

import cv2
import numpy as np

from data.pictures.color import as_bt709, is_close
from data.pictures.radiance_scanlines import read_scanlines
from data.pictures.sanitize import Remark, check_claim, check_size
from standards.primaries import BT709, RADIANCE, rgb_to_xyz
from system.errors import InputError

_MARK = re.compile(rb"^(#\?|FORMAT=)", re.MULTILINE)
_LONGEST_HEADER = 2**16  # bytes
_COUNTS = {b"EXPOSURE": 1, b"COLORCORR": 3, b"PRIMARIES": 8}  # numbers in the value
_RESOLUTION = re.compile(rb"([-+])([XY]) +(\d{1,9}) +([-+])([XY]) +(\d{1,9}) *\r?")
_LUMENS_PER_WATT = 179.0
# XYZE is balanced to the equal-energy white, and Radiance's RGB stands for BT.709.
_XYZ_TO_RGB = np.linalg.inv(rgb_to_xyz(RADIANCE))


class _Header(NamedTuple):
    """What the lines before the resolution say, and where that one starts."""

    is_xyz: bool
    divisors: np.ndarray  # of the three stored channels
    primaries: tuple[float, ...]
    end: int


def is_radiance(data: bytes) -> bool:
    """Say whether the first bytes are those of a Radiance picture, with a magic line or without.

    Radiance's own checkheader looks for FORMAT= alone.
    """
    return data.startswith(b"#?") or bool(_MARK.search(data[:_LONGEST_HEADER].split(b"\n\n")[0]))


def decode_radiance(data: bytes, name: str, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 RGB from the bytes of a Radiance picture.

    Samples are divided by the EXPOSURE and COLORCORR values of the header, which gives back
    the radiance that was rendered or captured; a value that is no positive finite number counts
    as absent. PRIMARIES and XYZE are converted to BT.709 primaries; colours outside them
    come out negative and are left so for `data.pictures.sanitize.clean`. Radiance's own
    primaries, which RGBE has without a word, and eight zeros count as BT.709. A missing
    FORMAT line is taken to mean RGBE.

    Raises:
        InputError: no Radiance picture, damaged or cut short (naming the scanline).
    """
    header = _read_header(data, name, remark)
    # 64 bytes hold any resolution line; a limit keeps a binary file from being searched.
    end = data.find(b"\n", header.end, header.end + 64)
    match = _RESOLUTION.fullmatch(data, header.end, end) if end >= 0 else None
    if not match or match[2] == match[5]:
        raise InputError(f"{name}: the resolution line is missing or damaged; get the file again.")
    lines, length = int(match[3]), int(match[6])
    check_size(name, lines, length)
    # What old run-length encoding needs at least: a pixel and, for a long line, two runs.
    shortest = min(4 * length, 8 if length <= 256 else 12)
    check_claim(name, lines * shortest, len(data) - end - 1)

    image = read_scanlines(data, end + 1, lines, length, name)
    image = _calibrated(image, header, remark)
    if match[2] == b"X":  # the scanlines are columns
        image = image.transpose(1, 0, 2)
    sign = {match[2]: match[1], match[5]: match[4]}
    if sign[b"Y"] == b"+":  # upwards
        image = image[::-1]
    if sign[b"X"] == b"-":  # leftwards
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _read_header(data: bytes, name: str, remark: Remark) -> _Header:
    is_xyz, divisors = False, np.ones(3)
    primaries: tuple[float, ...] = BT709
    position = 0
    is_marked = is_radiance(data)
    while True:
        end = data.find(b"\n", position, _LONGEST_HEADER)
        if end < 0 and not is_marked:
            raise InputError(f"{name}: is not a Radiance picture (no '#?' line); give one.")
        if end < 0:
            raise InputError(f"{name}: the file ends inside the header; get it again.")
        line = data[position:end].rstrip(b"\r")
        position = end + 1
        if not line:
            break
        key, _, value = line.partition(b"=")
        shown = ascii(line[:40].decode("latin-1"))
        if key == b"FORMAT":
            if value.strip() not in (b"32-bit_rle_rgbe", b"32-bit_rle_xyze"):
                raise InputError(f"{name}: has {shown}, not supported; save it as RGBE.")
            is_xyz = value.strip().endswith(b"xyze")
        elif key in _COUNTS:
            numbers = _numbers(value, _COUNTS[key])
            if key == b"PRIMARIES" and numbers:
                primaries = numbers
            elif numbers and min(numbers) > 0:
                with np.errstate(over="ignore", under="ignore"):  # looked at below
                    divisors = divisors * numbers  # both may occur several times
            else:
                remark(f"the header line {shown} is ignored: its value makes no sense")
    if not is_marked:
        remark("has neither a '#?' line nor FORMAT and is taken for Radiance's RGBE")
    if not (np.isfinite(divisors) & (divisors > 0)).all():
        remark("EXPOSURE and COLORCORR are ignored: their product makes no sense")
        divisors = np.ones(3)
    return _Header(is_xyz, divisors, primaries, position)


def _numbers(value: bytes, count: int) -> tuple[float, ...]:
    """Return that many finite numbers, or none where the value holds something else."""
    try:
        numbers = tuple(float(word) for word in value.split())
    except ValueError:
        return ()
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else ()


def _calibrated(image: np.ndarray, header: _Header, remark: Remark) -> np.ndarray:
    """Return linear BT.709 from H×W×3 stored samples, which are overwritten."""
    if (header.divisors != 1).any():
        with np.errstate(over="ignore"):  # an Inf is mended with the others
            for row in image:  # before the matrix: the divisors belong to the stored channels
                row[:] = row / header.divisors
    if header.is_xyz:
        return cv2.transform(image, _XYZ_TO_RGB / _LUMENS_PER_WATT)
    if not any(header.primaries) or is_close(header.primaries, RADIANCE):
        return image
    # White is 1, 1, 1 for Radiance, whose own is the equal-energy one.
    neutral = RADIANCE[6:] if is_close(header.primaries[6:], RADIANCE[6:]) else None
    return as_bt709(image, header.primaries, neutral, remark)

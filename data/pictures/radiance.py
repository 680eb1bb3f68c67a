"""Radiance pictures (.hdr, .pic), 32-bit_rle_rgbe and 32-bit_rle_xyze.

Format: Greg Ward, "Radiance File Formats" (filefmts.pdf, radiance-online.org),
section "Picture File Format". Units of XYZE: the manual page ra_xyze(1), section
NOTES: RGBE holds watts/sr/m², XYZE lumens/sr/m², and the luminous efficacy 179 lm/W
(WHTEFFICACY in Radiance's color.h) leads from one to the other.
"""

import math
import re

import numpy as np

from data.pictures.sanitize import check_claim, check_size
from system.errors import InputError

_RESOLUTION = re.compile(rb"([-+])([XY]) +(\d{1,9}) +([-+])([XY]) +(\d{1,9}) *\r?")
_LUMENS_PER_WATT = 179.0
# CIE XYZ (D65 white) to linear BT.709 RGB, IEC 61966-2-1.
_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)


class _BadScanline(Exception):
    """Says what is wrong with one scanline."""


def decode_radiance(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 float32 RGB from the bytes of a Radiance picture.

    A sample is mantissa · 2^(exponent − 136), as OpenCV decodes it. It is divided by
    the EXPOSURE and COLORCORR values of the header, which gives back the radiance
    that was rendered or captured. XYZE is converted to BT.709 primaries; colours
    outside them come out negative and are left so for `data.pictures.sanitize.clean`.
    PRIMARIES are ignored. A missing FORMAT line is taken to mean RGBE.

    Memory follows the scanlines as they are decoded, not the size in the header.

    Raises:
        InputError: no Radiance picture, damaged or cut short (naming the scanline).
    """
    is_xyz, divisors, start = _read_header(data, name)
    # 64 bytes hold any resolution line; a limit keeps a binary file from being searched.
    end = data.find(b"\n", start, start + 64)
    match = _RESOLUTION.fullmatch(data, start, end) if end >= 0 else None
    if not match or match[2] == match[5]:
        raise InputError(f"{name}: the resolution line is missing or damaged; get the file again.")
    lines, length = int(match[3]), int(match[6])
    check_size(name, lines, length)
    # What old run-length encoding needs at least: a pixel and, for a long line, two runs.
    shortest = min(4 * length, 8 if length <= 256 else 12)
    check_claim(name, lines * shortest, len(data) - end - 1)

    rows = []
    position = end + 1
    for line in range(lines):
        try:
            row, position = _read_scanline(data, position, length)
        except _BadScanline as error:
            raise InputError(
                f"{name}: {error} in scanline {line + 1} of {lines}; get the file again."
            ) from None
        rows.append(row)
    image = _to_float(rows, is_xyz, divisors)
    if match[2] == b"X":  # the scanlines are columns
        image = image.transpose(1, 0, 2)
    sign = {match[2]: match[1], match[5]: match[4]}
    if sign[b"Y"] == b"+":  # upwards
        image = image[::-1]
    if sign[b"X"] == b"-":  # leftwards
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _read_header(data: bytes, name: str) -> tuple[bool, np.ndarray, int]:
    """Return whether samples are XYZ, the three divisors and where the resolution line is."""
    if not data.startswith(b"#?"):
        raise InputError(f"{name}: is not a Radiance picture (no '#?' line); give one.")
    is_xyz, divisors = False, np.ones(3)
    position = 0
    while True:
        end = data.find(b"\n", position)
        if end < 0:
            raise InputError(f"{name}: the file ends inside the header; get it again.")
        line = data[position:end].rstrip(b"\r")
        position = end + 1
        if not line:
            return is_xyz, divisors, position
        key, _, value = line.partition(b"=")
        if key == b"FORMAT":
            value = value.strip()
            if value not in (b"32-bit_rle_rgbe", b"32-bit_rle_xyze"):
                shown = ascii(value[:40].decode("latin-1"))
                raise InputError(f"{name}: the FORMAT {shown} is not supported; save it as RGBE.")
            is_xyz = value.endswith(b"xyze")
        elif key in (b"EXPOSURE", b"COLORCORR"):
            count = 1 if key == b"EXPOSURE" else 3
            try:
                numbers = [float(word) for word in value.split()]
            except ValueError:
                numbers = []
            # Both may occur several times, and count together.
            if len(numbers) == count and all(1e-30 < number < 1e30 for number in numbers):
                divisors = divisors * numbers
            else:
                divisors = np.zeros(3)
            if not ((divisors > 1e-30) & (divisors < 1e30)).all():
                shown = ascii(line[:40].decode("latin-1"))
                raise InputError(f"{name}: the header line {shown} is damaged; correct it.")


def _read_scanline(data: bytes, start: int, length: int) -> tuple[np.ndarray, int]:
    """Return `length`×4 uint8 and where the next scanline starts."""
    if 8 <= length <= 32767 and data[start : start + 2] == b"\2\2" and len(data) > start + 3:
        claimed = data[start + 2] << 8 | data[start + 3]
        if claimed < 32768:  # else a pixel that happens to start with 2, 2
            if claimed != length:
                raise _BadScanline(f"the length {claimed} disagrees with the header's {length}")
            return _read_channel_runs(data, start + 4, length)
    return _read_pixel_runs(data, start, length)


def _read_channel_runs(data: bytes, position: int, length: int) -> tuple[np.ndarray, int]:
    """Decode a new-style scanline: each channel on its own, in runs and literals."""
    out = bytearray()
    try:
        for end in range(length, 4 * length + 1, length):
            while len(out) < end:
                count = data[position]
                if count > 128:
                    out += data[position + 1 : position + 2] * (count - 128)
                    position += 2
                elif count:
                    out += data[position + 1 : position + 1 + count]
                    position += count + 1
                else:
                    raise _BadScanline("a run of no samples")
            if len(out) > end:
                raise _BadScanline("a run over the end of the line")
    except IndexError:
        raise _BadScanline("the file ends") from None
    # A last run that was cut short leaves `out` short, and the loop then meets the end.
    return np.frombuffer(out, np.uint8).reshape(4, length).T, position


def _read_pixel_runs(data: bytes, start: int, length: int) -> tuple[np.ndarray, int]:
    """Decode a flat or old-style scanline: pixels, where (1, 1, 1, n) repeats the last one.

    Markers in a row give the digits of a count to base 256, lowest first.
    """
    held = min(length, (len(data) - start) // 4)
    window = np.frombuffer(data, np.uint8, 4 * held, start).reshape(held, 4)
    markers = np.flatnonzero((window[:, :3] == 1).all(axis=1))
    row = np.empty((length, 4), np.uint8)
    filled = used = shift = 0  # pixels written, pixels read, bits of the next digit
    for marker in [*markers.tolist(), held]:
        take = min(marker - used, length - filled)
        row[filled : filled + take] = window[used : used + take]
        filled, used = filled + take, used + take
        if filled == length:
            return row, start + 4 * used
        if marker == held:
            break
        if take:
            shift = 0
        count = int(window[marker, 3]) << shift
        if not filled or count > length - filled:
            raise _BadScanline("a run over the end of the line" if filled else "a run of no pixel")
        row[filled : filled + count] = row[filled - 1]
        filled, used, shift = filled + count, marker + 1, shift + 8
    raise _BadScanline("the file ends" if held < length else "a run of no pixel")


def _to_float(rows: list[np.ndarray], is_xyz: bool, divisors: np.ndarray) -> np.ndarray:
    scales = np.array([0.0] + [math.ldexp(1.0, e - 136) for e in range(1, 256)], np.float32)
    matrix = _XYZ_TO_RGB.T / _LUMENS_PER_WATT
    image = np.empty((len(rows), len(rows[0]), 3), np.float32)
    for target, row in zip(image, rows, strict=True):
        np.multiply(row[:, :3], scales[row[:, 3], None], out=target)
        with np.errstate(over="ignore"):  # an Inf is mended with the others
            # The divisors belong to the stored channels, so they come before the matrix.
            if (divisors != 1).any():
                target[:] = target / divisors
            if is_xyz:
                target[:] = target @ matrix
    return image

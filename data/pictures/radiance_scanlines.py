"""Scanlines of Radiance pictures: run-length encoding of two kinds, and none.

Format: Greg Ward, "Radiance File Formats" (filefmts.pdf, radiance-online.org),
section "Picture File Format".
"""

import math

import cv2
import numpy as np

from system.errors import InputError


class _BadScanline(Exception):
    """Says what is wrong with one scanline."""


def read_scanlines(data: bytes, start: int, lines: int, length: int, name: str) -> np.ndarray:
    """Return lines×length×3 float32: mantissa · 2^(exponent − 136), as OpenCV decodes it.

    Memory follows the scanlines as they are decoded, not their number.

    Args:
        data, name: of the file.
        start: where the first scanline begins.
        lines, length: of the header.

    Raises:
        InputError: damaged or cut short (naming the scanline).
    """
    image = _by_opencv(data, start, lines, length)
    return _by_scanlines(data, start, lines, length, name) if image is None else image


def _by_opencv(data: bytes, start: int, lines: int, length: int) -> np.ndarray | None:
    """Return the H×W×3 samples of a body in which every scanline is new-style and sound.

    It is three times as fast as `_by_scanlines`, but says nothing of a damaged body and takes
    old runs for pixels: then None is returned.
    """
    if not 8 <= length <= 32767:
        return None
    mark = bytes([2, 2, length >> 8, length & 255])  # of each scanline
    if data[start : start + 4] != mark or data.count(mark, start) < lines:
        return None
    header = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (lines, length)
    try:
        picture = np.frombuffer(b"".join((header, memoryview(data)[start:])), np.uint8)
        return cv2.imdecode(picture, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None


def _by_scanlines(data: bytes, position: int, lines: int, length: int, name: str) -> np.ndarray:
    """Return the H×W×3 samples of any body, or name the scanline that is damaged."""
    rows = []
    for line in range(lines):
        try:
            row, position = _read_scanline(data, position, length)
        except _BadScanline as error:
            raise InputError(
                f"{name}: {error} in scanline {line + 1} of {lines}; get the file again."
            ) from None
        rows.append(row)
    scales = np.array([0.0] + [math.ldexp(1.0, e - 136) for e in range(1, 256)], np.float32)
    image = np.empty((lines, length, 3), np.float32)
    for target, row in zip(image, rows, strict=True):
        scale = scales[row[:, 3]]
        for channel in range(3):  # which new-style scanlines hold one after the other
            np.multiply(row[:, channel], scale, out=target[:, channel])
    return image


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
    pieces, filled = [], 0
    try:
        for end in range(length, 4 * length + 1, length):
            while filled < end:
                count = data[position]
                if count > 128:
                    count -= 128
                    pieces.append(data[position + 1 : position + 2] * count)
                    position += 2
                elif count:
                    pieces.append(data[position + 1 : position + 1 + count])
                    position += count + 1
                else:
                    raise _BadScanline("a run of no samples")
                filled += count
            if filled > end:
                raise _BadScanline("a run over the end of the line")
    except IndexError:
        raise _BadScanline("the file ends") from None
    out = b"".join(pieces)
    if len(out) < filled:  # the last run was cut short
        raise _BadScanline("the file ends")
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

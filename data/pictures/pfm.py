"""Portable float maps: "PF" (colour) and "Pf" (grey).

Format: Paul Debevec, "PFM Portable FloatMap Image Format",
https://www.pauldebevec.com/Research/HDR/PFM/
"""

import math
import re

import numpy as np

from data.pictures.sanitize import as_rgb, check_claim, check_size
from system.errors import InputError

_HEADER = re.compile(rb"(P[Ff])(\r\n|\s)\s*(\d{1,9})\s+(\d{1,9})\s+(\S{1,40})\s")


def decode_pfm(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 float32 from the bytes of a PFM file, top row first.

    The sign of the scale gives the byte order; its size, a unit that writers
    disagree about, is ignored.

    Raises:
        InputError: no PFM, or cut short.
    """
    header = _HEADER.match(data)
    try:
        scale = float(header[5]) if header else 0.0
    except ValueError:
        scale = 0.0
    if not header or scale == 0 or not math.isfinite(scale):
        raise InputError(f"{name}: the PFM header is damaged; write the file again.")
    width, height = int(header[3]), int(header[4])
    check_size(name, height, width)
    channels = 3 if header[1] == b"PF" else 1
    start = header.end()
    # The header ends with one white space; in a file with DOS line ends, with two.
    if header[2] == b"\r\n" and data[start - 1 : start + 1] == b"\r\n":
        start += 1
    count = height * width * channels
    check_claim(name, 4 * count, len(data) - start)
    samples = np.frombuffer(data, "<f4" if scale < 0 else ">f4", count, start)
    image = samples.reshape(height, width, channels)[::-1]
    return as_rgb(name, image.astype(np.float32))

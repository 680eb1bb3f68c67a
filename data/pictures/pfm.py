"""Portable float maps: "PF" (colour), "Pf" (grey) and "PF4" (colour and alpha).

Format: Paul Debevec, "PFM Portable FloatMap Image Format",
https://www.pauldebevec.com/Research/HDR/PFM/; PF4 is GIMP's and ImageMagick's.
"""

import math
import re

import numpy as np

from data.pictures.sanitize import Remark, as_rgb, check_claim, check_size
from system.errors import InputError

_GAP = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(
    rb"(PF4|PF|Pf)" + _GAP + rb"(\d{1,9})(\s+)(\d{1,9})" + _GAP + rb"([-+.\w]{1,40})\s"
)
_CHANNELS = {b"PF": 3, b"Pf": 1, b"PF4": 4}
_LONGEST_HEADER = 4096  # bytes, comments included


def decode_pfm(data: bytes, name: str, remark: Remark) -> np.ndarray:
    """Return H×W×3 float32 from the bytes of a PFM file, top row first.

    The sign of the scale gives the byte order; its size, a unit that writers
    disagree about, is ignored. The raster ends with the file. Photoshop writes width and
    height on lines of their own and the top row first, all others the bottom row.

    Raises:
        InputError: no PFM, or cut short.
    """
    header = _HEADER.match(data[:_LONGEST_HEADER])
    try:
        scale = float(header[5]) if header else 0.0
    except ValueError:
        scale = 0.0
    if not header or scale == 0 or not math.isfinite(scale):
        raise InputError(f"{name}: the PFM header is damaged; write the file again.")
    width, height = int(header[2]), int(header[4])
    check_size(name, height, width)
    channels = _CHANNELS[header[1]]
    count = height * width * channels
    check_claim(name, 4 * count, len(data) - header.end())
    start = len(data) - 4 * count
    between = data[header.end() : start].lstrip()
    if between and not between.startswith(b"#"):
        remark(f"holds {start - header.end()} bytes more than its raster, which are left out")
        start = header.end()
    samples = np.frombuffer(data, "<f4" if scale < 0 else ">f4", count, start)
    image = samples.reshape(height, width, channels)
    if b"\n" in header[3]:
        remark("has the header of Photoshop; the top row is taken to come first")
    else:
        image = image[::-1]
    return as_rgb(name, image.astype(np.float32))

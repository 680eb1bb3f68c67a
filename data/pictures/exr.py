"""OpenEXR pictures through the OpenEXR package.

Format: "OpenEXR File Layout", https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

import contextlib
import io
from typing import NamedTuple

import numpy as np
import OpenEXR

from data.pictures.sanitize import as_rgb, check_claim, check_size
from system.errors import InputError

# How far a blank picture shrinks. The transform codecs are nearly free on one.
_LOSSLESS_RATIO = 2_000
_TRANSFORM_RATIO = 100_000
_LOSSLESS = ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A")


def decode_exr(data: bytes, name: str) -> np.ndarray:
    """Return H×W×3 float32 of the data window from the bytes of an EXR file.

    Taken are R, G, B (or grey Y) of the default layer, else of the only other layer,
    in the first part that has them; the rest is ignored. Primaries are taken to be
    BT.709 and the chromaticities attribute is not read.

    Raises:
        InputError: damaged, cut short, deep, subsampled, luminance/chroma, integer,
            or without R, G, B or Y.
    """
    try:
        parts = OpenEXR.File(io.BytesIO(data), header_only=True).parts
        headers = [_Header.of(part.header) for part in parts]
    except Exception as error:  # the bindings pass on many kinds
        raise InputError(
            f"{name}: the EXR header is damaged or cut short; get it again."
        ) from error
    # The library reads every channel of every part, so all of them are checked first.
    for header in headers:
        check_size(name, header.height, header.width)
        if header.deep:
            raise InputError(f"{name}: holds deep data; flatten it and save it as a plain EXR.")
    claimed = sum(header.least_bytes for header in headers)
    lossless = all(header.lossless for header in headers)
    check_claim(name, claimed, len(data), _LOSSLESS_RATIO if lossless else _TRANSFORM_RATIO)
    index, wanted = _choose(headers, name)

    try:
        # A part that cannot be decoded is left out with a line on standard output;
        # the line is kept off the caller's, and the absence is seen below.
        with contextlib.redirect_stdout(io.StringIO()):
            parts = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts
        part = next(part for part in parts if part.part_index == index)
        planes = [part.channels[channel].pixels for channel in wanted]
    except Exception as error:
        raise InputError(f"{name}: the pixels are damaged or cut short; get it again.") from error
    if any(plane.dtype.kind != "f" for plane in planes):
        raise InputError(f"{name}: holds integer (UINT) channels; save half or float ones.")
    if any(plane.shape != planes[0].shape for plane in planes):
        raise InputError(f"{name}: the channels differ in size; save them all in full size.")
    return as_rgb(name, np.stack(planes, axis=2, dtype=np.float32))


class _Header(NamedTuple):
    """What is needed of the header of a part, in plain types."""

    height: int
    width: int
    deep: bool
    lossless: bool
    least_bytes: int
    sampling: dict[str, tuple[int, int]]  # of each channel, in x and y

    @classmethod
    def of(cls, header: dict) -> "_Header":
        low, high = (corner.tolist() for corner in header["dataWindow"])
        width, height = high[0] - low[0] + 1, high[1] - low[1] + 1
        tile = header.get("tiles")
        pixels = max(width * height, tile.xSize * tile.ySize if tile else 0)
        sampling = {c.name: (c.xSampling, c.ySampling) for c in header["channels"]}
        return cls(
            height,
            width,
            header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile),
            header["compression"].name.removesuffix("_COMPRESSION") in _LOSSLESS,
            2 * pixels * len(sampling),  # a half each: the header-only view does not tell types
            sampling,
        )


def _choose(headers: list[_Header], name: str) -> tuple[int, list[str]]:
    """Return the index of the part and the names of its R, G, B or Y channels."""
    for index, header in enumerate(headers):
        layers: dict[str, set[str]] = {}
        for channel in header.sampling:
            layer, dot, last = channel.rpartition(".")
            layers.setdefault(layer + dot, set()).add(last)
        pictures = [layer for layer, lasts in layers.items() if "Y" in lasts or {*"RGB"} <= lasts]
        if not pictures:
            continue
        if "" not in pictures and len(pictures) > 1:
            shown = ", ".join(layer[:-1] for layer in sorted(pictures))
            raise InputError(f"{name}: has the layers {shown} and no default; save one of them.")
        layer = "" if "" in pictures else pictures[0]
        lasts = layers[layer]
        if not {*"RGB"} <= lasts and lasts & {"RY", "BY"}:
            raise InputError(f"{name}: holds luminance and chroma (Y, RY, BY); save it as RGB.")
        wanted = [layer + last for last in ("RGB" if {*"RGB"} <= lasts else "Y")]
        if any(header.sampling[channel] != (1, 1) for channel in wanted):
            raise InputError(f"{name}: has subsampled channels; save them all in full size.")
        return index, wanted
    raise InputError(f"{name}: has neither R, G, B nor Y channels; save it as RGB.")

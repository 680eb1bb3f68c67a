"""Picture files: HDR in, SDR in and out."""

import functools
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from data.pictures.exr import decode_exr
from data.pictures.gain_map import (
    GAIN_MAP_SUFFIXES,
    decode_gain_map,
    has_gain_map,
    is_gain_map_file,
)
from data.pictures.npy import decode_npy
from data.pictures.other import read_other
from data.pictures.pfm import decode_pfm
from data.pictures.radiance import decode_radiance, is_radiance
from data.pictures.raw import RAW_SUFFIXES, decode_raw
from data.pictures.sanitize import Remark, clean, remark_on
from data.pictures.sdr import decode_sdr, encode_sdr
from data.pictures.tiff import decode_tiff
from data.pictures.tiff_tags import STARTS
from data.preparation.normalize import halve
from system.atomic import replacing
from system.errors import InputError, printable
from system.files import find_pictures, list_pictures, read_bytes, suffix_of
from system.quiet import quiet_libraries

SDR_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")

_Decoder = Callable[[bytes, str, Remark], np.ndarray]
_DECODERS: dict[str, _Decoder] = {
    ".hdr": decode_radiance,
    ".pic": decode_radiance,
    ".exr": decode_exr,
    ".pfm": decode_pfm,
    ".tif": decode_tiff,
    ".tiff": decode_tiff,
    ".npy": decode_npy,
    **dict.fromkeys(RAW_SUFFIXES, decode_raw),
}
HDR_SUFFIXES = tuple(_DECODERS)  # what folders are searched for, beside JPEG with a gain map
# A wrong suffix is the commonest mistake, and the first bytes tell.
_HDR_STARTS = {
    b"#?": (".hdr", ".pic"),
    b"v/1\x01": (".exr",),
    b"PF": (".pfm",),
    b"Pf": (".pfm",),
    **dict.fromkeys(STARTS, (".tif", ".tiff", *RAW_SUFFIXES)),
    b"\x93NUMPY": (".npy",),
}
_SDR_STARTS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"BM": "BMP", b"RIFF": "WebP"}
logger = logging.getLogger(__name__)


def read_hdr_with_remarks(
    path: str | os.PathLike[str], layer: str | None = None, to_half: bool = False
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what `read_hdr` does, and the remarks in place of logging them.

    Args:
        path, to_half: as for `read_hdr`.
        layer: name of the layer or the part of an EXR that is wanted, or None.

    Raises:
        InputError: as `read_hdr`, or there is no such layer.
    """
    name = os.fspath(path)
    suffix = suffix_of(name)
    if layer is not None and suffix != ".exr":
        raise InputError(f"{name}: has no layers, for it is no EXR; leave the layer out.")
    data = read_bytes(path)
    _check_kind(data, name, suffix)
    remarks: list[str] = []
    with quiet_libraries():
        if suffix == ".exr":
            image = decode_exr(data, name, remarks.append, layer)
        elif suffix in RAW_SUFFIXES:
            image = decode_raw(data, name, remarks.append, to_half)
        elif suffix in _DECODERS:
            image = _DECODERS[suffix](data, name, remarks.append)
        elif suffix in GAIN_MAP_SUFFIXES and has_gain_map(data):
            image = decode_gain_map(data, name, remarks.append)
        else:
            image = read_other(name, len(data), ", ".join(HDR_SUFFIXES), remarks.append)
    image, counts = clean(image, name)
    remark_on(image, counts, remarks.append)
    if to_half and suffix not in RAW_SUFFIXES:
        image = halve(image)
    return image, tuple(map(printable, remarks))


def read_hdr(path: str | os.PathLike[str], to_half: bool = False) -> np.ndarray:
    """Return an HDR picture as H×W×3 float32, scene-linear RGB of BT.709, C-contiguous.

    The suffix tells the format: .hdr and .pic (Radiance), .exr, .pfm, .tif and .tiff
    (float samples), .npy (float array), camera raw (`RAW_SUFFIXES`), .jpg with a gain map, and
    what imageio reads as floats. Grey is repeated and alpha dropped. The unit is the file's own
    (watts/sr/m² for calibrated Radiance pictures) and highlights are not cut. Samples are finite
    and not negative: see `data.pictures.sanitize.clean`. What had to be guessed, mended or left
    out is logged, once for a file.

    Args:
        path: of the file.
        to_half: return it at half of each side; of camera raw files before the interpolation.

    Raises:
        InputError: the file is missing, unreadable, of another format, damaged, cut
            short, has no pixels, or claims a size it cannot hold (at most 2^28 pixels).
    """
    image, remarks = read_hdr_with_remarks(path, to_half=to_half)
    for remark in remarks:
        _warn_once(f"{os.fspath(path)}: {remark}")
    return image


def list_hdr(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the HDR pictures among `paths`: see system.files.list_pictures.

    In a folder a JPEG counts where it has a gain map: the others are partners and results.
    """
    return list_pictures(paths, HDR_SUFFIXES, is_gain_map_file)


def find_hdr(given: Iterable[str | os.PathLike[str]]) -> list[Path | InputError]:
    """Return what `list_hdr` finds under each path: see system.files.find_pictures."""
    return find_pictures(given, HDR_SUFFIXES, is_gain_map_file)


@functools.cache
def _warn_once(text: str) -> None:
    """Log it: trainers read their pictures again and again."""
    logger.warning(text)


def _check_kind(data: bytes, name: str, suffix: str) -> None:
    """Raise InputError where the first bytes are those of another format than the suffix."""
    if suffix in (".hdr", ".pic") and is_radiance(data):
        return  # lines of any text may come first
    for start, kind in _SDR_STARTS.items():
        if data.startswith(start) and suffix in _DECODERS:
            raise InputError(
                f"{name}: is an 8-bit picture ({kind}) named {suffix}; give a scene-linear one."
            )
    for start, right in _HDR_STARTS.items():
        if data.startswith(start) and suffix in _DECODERS and suffix not in right:
            raise InputError(f"{name}: holds another format; rename it to end in {right[0]}.")


def read_sdr(path: str | os.PathLike[str]) -> np.ndarray:
    """Return a display-encoded picture as H×W×3 RGB, uint8 or uint16, upright.

    The Orientation of Exif and TIFF is applied. Grey is repeated and alpha dropped.

    Raises:
        InputError: as `read_hdr`, for JPEG, PNG, TIFF, BMP and WebP.
    """
    name = os.fspath(path)
    if suffix_of(name) not in SDR_SUFFIXES:
        wanted = ", ".join(SDR_SUFFIXES)
        raise InputError(f"{name}: '{suffix_of(name)}' is no SDR suffix; give one of {wanted}.")
    with quiet_libraries():
        return decode_sdr(read_bytes(path), name)


def write_sdr(path: str | os.PathLike[str], image: np.ndarray, quality: int = 95) -> None:
    """Write H×W×3 RGB as an sRGB picture, atomically.

    Args:
        path: ends in .jpg, .jpeg (4:4:4), .png, .tif or .tiff.
        image: uint8; for PNG and TIFF uint16, too.
        quality: of a JPEG, 0 to 100.

    Raises:
        InputError: another suffix, or the file cannot be written.
        ValueError: `image` is something else.
    """
    suffix = suffix_of(path)
    if suffix not in (".jpg", ".jpeg", ".png", ".tif", ".tiff"):
        raise InputError(f"{path}: '{suffix}' cannot be written; use .jpg, .png or .tif.")
    kinds = (np.uint8,) if suffix.startswith(".jp") else (np.uint8, np.uint16)
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0 or image.dtype not in kinds:
        raise ValueError(f"{image.shape} {image.dtype}, not H×W×3 of {suffix}'s codes")
    with replacing(path) as file:
        file.write(encode_sdr(image, suffix, quality))

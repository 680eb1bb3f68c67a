"""Picture files: HDR in, SDR in and out."""

import os

import numpy as np

from data.pictures.exr import decode_exr
from data.pictures.npy import decode_npy
from data.pictures.pfm import decode_pfm
from data.pictures.radiance import decode_radiance
from data.pictures.sanitize import SampleCounts, clean
from data.pictures.sdr import decode_sdr, encode_sdr
from data.pictures.tiff import decode_tiff
from system.atomic import replacing
from system.errors import InputError
from system.files import read_bytes, suffix_of

SDR_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")

_DECODERS = {
    ".hdr": decode_radiance,
    ".pic": decode_radiance,
    ".exr": decode_exr,
    ".pfm": decode_pfm,
    ".tif": decode_tiff,
    ".tiff": decode_tiff,
    ".npy": decode_npy,
}
HDR_SUFFIXES = tuple(_DECODERS)
# A wrong suffix is the commonest mistake, and the first bytes tell.
_HDR_STARTS = {
    b"#?": (".hdr", ".pic"),
    b"v/1\x01": (".exr",),
    b"PF": (".pfm",),
    b"Pf": (".pfm",),
    b"II*\0": (".tif", ".tiff"),
    b"MM\0*": (".tif", ".tiff"),
    b"\x93NUMPY": (".npy",),
}
_SDR_STARTS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"BM": "BMP", b"RIFF": "WebP"}


def read_hdr_counted(path: str | os.PathLike[str]) -> tuple[np.ndarray, SampleCounts]:
    """Return what `read_hdr` does and how many samples were mended.

    Raises:
        InputError: as `read_hdr`.
    """
    name = os.fspath(path)
    suffix = suffix_of(name)
    if suffix not in HDR_SUFFIXES:
        wanted = ", ".join(HDR_SUFFIXES)
        raise InputError(f"{name}: '{suffix}' is no HDR suffix; give one of {wanted}.")
    data = read_bytes(path)
    for start, kind in _SDR_STARTS.items():
        if data.startswith(start):
            raise InputError(
                f"{name}: is an 8-bit picture ({kind}) named {suffix}; give a scene-linear one."
            )
    for start, right in _HDR_STARTS.items():
        if data.startswith(start) and suffix not in right:
            raise InputError(f"{name}: holds another format; rename it to end in {right[0]}.")
    return clean(_DECODERS[suffix](data, name), name)


def read_hdr(path: str | os.PathLike[str]) -> np.ndarray:
    """Return an HDR picture as H×W×3 float32, scene-linear RGB, C-contiguous.

    The suffix tells the format: .hdr and .pic (Radiance), .exr, .pfm, .tif and .tiff
    (float samples), .npy (float array). Grey is repeated and alpha dropped. The unit
    is the file's own (watts/sr/m² for calibrated Radiance pictures), highlights are
    not cut, and primaries are taken to be BT.709. Samples are finite and not
    negative: see `data.pictures.sanitize.clean`.

    Raises:
        InputError: the file is missing, unreadable, of another format, damaged, cut
            short, has no pixels, or claims a size it cannot hold (at most 2^28 pixels).
    """
    return read_hdr_counted(path)[0]


def read_sdr(path: str | os.PathLike[str]) -> np.ndarray:
    """Return a display-encoded picture as H×W×3 RGB, uint8 or uint16, in stored order.

    An EXIF orientation is not applied. Grey is repeated and alpha dropped.

    Raises:
        InputError: as `read_hdr`, for JPEG, PNG, TIFF, BMP and WebP.
    """
    name = os.fspath(path)
    if suffix_of(name) not in SDR_SUFFIXES:
        wanted = ", ".join(SDR_SUFFIXES)
        raise InputError(f"{name}: '{suffix_of(name)}' is no SDR suffix; give one of {wanted}.")
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

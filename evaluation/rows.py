"""What the processes of evaluate.py do: look at an HDR picture, score one result of it.

Imports no TensorFlow, so that each process starts at once.
"""

import hashlib
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from data.pictures import read_hdr, read_hdr_counted, read_sdr
from data.pictures.sanitize import remarks_on
from data.preparation.normalize import halve
from evaluation.report_pictures import exposures, write_small
from evaluation.score_file import KEY_LENGTH, rounded
from metrics.operators import OPERATORS
from metrics.scores import scores
from metrics.tmqi import MIN_SIDE
from system.errors import InputError
from system.files import make_folder, read_bytes

SOURCE = "source"  # folder of the exposures, beside one for each method


class Source(NamedTuple):
    """A readable HDR picture: as it is scored in size, its content, remarks on it."""

    path: str
    stem: str
    height: int
    width: int
    digest: str
    remarks: tuple


class Made(NamedTuple):
    """A picture tone-mapped elsewhere: H×W×3 uint8, and the seconds it took."""

    picture: np.ndarray
    seconds: float


def quiet():
    """Keep OpenCV to one thread, the processes being the parallelism, and to its errors."""
    cv2.setNumThreads(1)
    quiet_opencv()


def quiet_opencv():
    """Silence a warning about OpenCV's own code that its operators set off."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)


def digest(*parts):
    """Return a text of KEY_LENGTH characters that differs where any part does.

    Args:
        parts: bytes, or anything whose repr tells all of it.
    """
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogateescape")
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:KEY_LENGTH]


def inspect_source(path, stem, to_half, folder):
    """Return the Source of an HDR file and write its exposures for the report.

    Args:
        path: the file.
        stem: its name in tables.
        to_half: evaluate at half of each side.
        folder: of the report's pictures.

    Raises:
        InputError: it cannot be read, is black, or too small for TMQI.
    """
    content = digest(read_bytes(path))
    hdr, mended = read_hdr_counted(path)
    remarks = remarks_on(hdr, mended)
    hdr = halve(hdr) if to_half else hdr
    height, width = hdr.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(f"{width}x{height} pixels are too few; TMQI needs {MIN_SIDE} on each side")
    for ev, picture in exposures(hdr).items():
        write_small(exposure_path(folder, stem, ev), picture)
    return Source(path, stem, height, width, content, remarks)


def score_row(source, method, made, key, to_half, step, folder):
    """Tone-map if need be, score, and write the report's picture.

    Args:
        source: a Source.
        method: name of the row; of an operator if `made` is None.
        made: None, a Made, the path of a picture file, or an InputError to raise.
        key: goes into the row.
        to_half: evaluate at half of each side.
        step: a picture smaller than its source by less than this on each side is
            scored against the top left part, where the network's input is cut.
        folder: of the report's pictures.

    Returns:
        dict with evaluation.score_file.FIELDS.

    Raises:
        InputError: the picture cannot be read or scored.
    """
    if isinstance(made, InputError):
        raise made
    hdr = read_hdr(source.path)
    hdr = halve(hdr) if to_half else hdr
    if made is None:
        start = time.perf_counter()
        sdr = OPERATORS[method](hdr)
        seconds = rounded(time.perf_counter() - start)
    elif isinstance(made, Made):
        sdr, seconds = made.picture, rounded(made.seconds)
    else:
        sdr, seconds = eight_bits(read_sdr(made)), None
    excess = [have - need for have, need in zip(hdr.shape[:2], sdr.shape[:2], strict=True)]
    if all(0 <= pixels < step for pixels in excess):
        hdr = hdr[: sdr.shape[0], : sdr.shape[1]]
    row = {name: rounded(value) for name, value in scores(hdr, sdr).items()}
    write_small(picture_path(folder, method, source.stem), sdr)
    megapixels = rounded(sdr.shape[0] * sdr.shape[1] / 1e6)
    place = {"picture": source.stem, "method": method, "key": key}
    return {**place, **row, "seconds": seconds, "megapixels": megapixels}


def eight_bits(picture):
    """Return a uint8 or uint16 picture as uint8, rounded."""
    if picture.dtype == np.uint8:
        return picture
    return ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)


def picture_path(folder, method, stem):
    """Return where the report's copy of a result lies; its folder is made."""
    return make_folder(Path(folder) / method) / f"{stem}.jpg"


def exposure_path(folder, stem, ev):
    """Return where one exposure of a source lies; its folder is made."""
    return make_folder(Path(folder) / SOURCE) / f"{stem}_{ev:+d}.jpg"

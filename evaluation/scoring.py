"""What the processes of evaluate.py do: look at an HDR picture, score one result of it.

Imports no TensorFlow, so that each process starts at once.
"""

import time
from pathlib import Path
from typing import NamedTuple

from data.pictures import read_hdr_with_remarks, read_sdr, write_sdr
from metrics.operators import OPERATORS
from metrics.operators.common import encode, log_average, scaled
from metrics.pair import eight_bits, reduced
from metrics.scores import SCORES, scores
from metrics.tmqi import check_size
from system.csv_file import Fields, content_key, key, optional_number, rounded
from system.errors import InputError, naming
from system.files import make_folder, read_bytes

FIELDS: Fields = {  # of scores.csv; numbers may be NaN, and seconds None: unknown
    **{"picture": str, "method": str},
    **dict.fromkeys(SCORES, float),
    **{"seconds": optional_number, "megapixels": float, "key": key},
}
SOURCE = "source"  # folder of the exposures, beside one for each method
RESULT_SIDE, EXPOSURE_SIDE = 1024, 640  # pixels, the longest sides in the report
JPEG_QUALITY = 88  # of the report's pictures, which are 4:4:4
MIDDLE_GRAY = 0.18  # what the log-average is exposed to at 0 EV
EXPOSURES_EV = (-4, 0, 4)


class Source(NamedTuple):
    """A readable HDR picture: its size as it is scored, its content, remarks on it."""

    path: str
    stem: str
    height: int
    width: int
    content: str
    remarks: tuple


class ToneMapped(NamedTuple):
    """A picture that another process tone-mapped: H×W×3 uint8, and the seconds it took."""

    picture: object
    seconds: float


def inspect_source(path, stem, to_half, folder):
    """Return the Source of an HDR file and write its exposures for the report.

    Args:
        path: the file.
        stem: its name in tables.
        to_half: evaluate at half of each side.
        folder: of the report's pictures.

    Raises:
        InputError: it cannot be read, is black, too small for TMQI or too large for the memory.
    """
    with naming(path):
        content = content_key(read_bytes(path))
        hdr, remarks = read_hdr_with_remarks(path, to_half=to_half)
        height, width = hdr.shape[:2]
        check_size(height, width)
        for ev, picture in exposures(hdr).items():
            _write_small(exposure_path(folder, stem, ev), picture)
        return Source(path, stem, height, width, content, remarks)


def exposures(hdr):
    """Return a scene as a camera would take it: its lights, its middle and its shadows.

    Args:
        hdr: H×W×3 float32, linear RGB in any unit.

    Returns:
        dict from EV, relative to the log-average luminance, to H×W×3 uint8 whose
        longer side is at most EXPOSURE_SIDE.

    Raises:
        InputError: as metrics.operators.common.scaled.
    """
    rgb, luminance = scaled(reduced(hdr, EXPOSURE_SIDE))
    exposed = rgb * (MIDDLE_GRAY / log_average(luminance))
    return {ev: encode(exposed * 2.0**ev) for ev in EXPOSURES_EV}


def score_row(source, method, result, row_key, to_half, step, folder):
    """Tone-map if need be, score, and write the report's picture.

    Args:
        source: a Source.
        method: name of the row; of an operator if `result` is None.
        result: None, a ToneMapped, the path of a picture file, or an InputError to raise.
        row_key: goes into the row.
        to_half: evaluate at half of each side.
        step: a picture smaller than its source by less than this on each side is
            scored against the top left part, where the network's input is cut.
        folder: of the report's pictures.

    Returns:
        dict with FIELDS.

    Raises:
        InputError: the picture cannot be read or scored, or does not fit into the memory.
    """
    with naming(f"{source.stem}, {method}"):
        if isinstance(result, InputError):
            raise result
        hdr, _ = read_hdr_with_remarks(source.path, to_half=to_half)  # the Source has remarks
        if result is None:
            start = time.perf_counter()
            sdr = OPERATORS[method](hdr)
            seconds = time.perf_counter() - start
        elif isinstance(result, ToneMapped):
            sdr, seconds = result
        else:
            sdr, seconds = eight_bits(read_sdr(result)), None
        excess = [have - need for have, need in zip(hdr.shape[:2], sdr.shape[:2], strict=True)]
        if all(0 <= pixels < step for pixels in excess):
            hdr = hdr[: sdr.shape[0], : sdr.shape[1]]
        numbers = {"seconds": seconds, "megapixels": sdr.shape[0] * sdr.shape[1] / 1e6}
        numbers = {**scores(hdr, sdr, with_jod=True), **numbers}
        _write_small(picture_path(folder, method, source.stem), sdr)
    numbers = {name: number and rounded(number) for name, number in numbers.items()}
    return {"picture": source.stem, "method": method, **numbers, "key": row_key}


def picture_path(folder, method, stem):
    """Return the path of the report's copy of a result."""
    return Path(folder) / method / f"{stem}.jpg"


def exposure_path(folder, stem, ev):
    """Return the path of one exposure of a source."""
    return Path(folder) / SOURCE / f"{stem}_{ev:+d}.jpg"


def _write_small(path, picture):
    make_folder(path.parent)
    write_sdr(path, reduced(picture, RESULT_SIDE), JPEG_QUALITY)

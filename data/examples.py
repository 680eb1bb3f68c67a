"""The arrays of one record: what generate_tfrec.py's processes compute.

Imports no TensorFlow, so that each process starts at once.
"""

from typing import NamedTuple

import cv2
import numpy as np

from data.image_io import read_hdr, read_hdr_counted, read_sdr
from data.normalize import normalise_hdr, normalise_sdr
from data.patches import training_patches
from data.prepare import prepare_picture, split
from data.samples import remarks_on


class Cutting(NamedTuple):
    """How pairs are cut: kind "dual" or "ft", patch (height, width), the crops, mirroring."""

    kind: str
    size: tuple
    ratio: tuple
    count: int
    seed: int
    flip: bool = False


def one_thread():
    """Keep OpenCV to one thread: the processes are the parallelism."""
    cv2.setNumThreads(1)


def pair_samples(pair, index, cutting, preparation):
    """Return the samples of one pair, each a dict from feature name to float32 array.

    The crops depend on the seed and on `index`, the pair's place in the list,
    and not on which process cuts them.
    """
    hdr = normalise_hdr(read_hdr(pair.hdr), preparation.data_domain)
    sdr = normalise_sdr(read_sdr(pair.sdr), preparation.data_domain)
    generator = np.random.default_rng([cutting.seed, index])
    patches = training_patches(
        hdr, sdr, cutting.size, cutting.ratio, cutting.count, generator, cutting.flip
    )
    return [_sample(cutting.kind, *patch, preparation) for patch in patches]


def picture_sample(path, preparation, to_half):
    """Return the sample of one test picture: normalised picture, high, bot and floor."""
    layers = prepare_picture(read_hdr(path), preparation, to_half)
    floor = np.full((1, 1, 1), layers.floor, np.float32)
    return {"hdr": layers.normalised, "high": layers.high, "bot": layers.bot, "floor": floor}


def inspect_picture(path):
    """Return ((height, width), remarks) of a readable HDR picture."""
    image, counts = read_hdr_counted(path)
    return image.shape[:2], remarks_on(image, counts)


def picture_bytes(shape, level_num, to_half):
    """Return the bytes that the arrays of one test picture take in a record file."""
    pixels = shape[0] * shape[1] / (4 if to_half else 1)
    return int((2 * pixels + pixels / 4**level_num) * 3 * 4)


def pair_bytes(cutting, level_num):
    """Return the bytes that the arrays of one pair take in a record file."""
    pixels = cutting.size[0] * cutting.size[1]
    small = pixels / 4**level_num
    floats = 2 * (pixels + small) if cutting.kind == "dual" else 3 * pixels + small
    return int(cutting.count * floats * 3 * 4)


def _sample(kind, hdr, sdr, preparation):
    hdr_high, hdr_bot = split(hdr, preparation)
    if kind == "ft":
        return {"hdr": hdr, "sdr": sdr, "hdr_high": hdr_high, "hdr_bot": hdr_bot}
    sdr_high, sdr_bot = split(sdr, preparation)
    return {"hdr_high": hdr_high, "hdr_bot": hdr_bot, "sdr_high": sdr_high, "sdr_bot": sdr_bot}

"""The arrays of one record: what generate_tfrec.py's processes compute.

Imports no TensorFlow, so that each process starts at once.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from data.pictures import read_hdr, read_hdr_counted, read_sdr
from data.pictures.sanitize import remarks_on
from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.patches import training_patches
from data.preparation.prepare import prepare_picture, split
from data.records.packed_samples import pack_sample
from data.records.schema import patch_shapes


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
    """Return the samples of one pair, each a dict from array name to packed bytes.

    The crops depend on the seed and on `index`, the pair's place in the list,
    and not on which process cuts them.
    """
    hdr = normalize_hdr(read_hdr(pair.hdr), preparation.data_domain)
    sdr = normalize_sdr(read_sdr(pair.sdr), preparation.data_domain)
    generator = np.random.default_rng([cutting.seed, index])
    patches = training_patches(
        hdr, sdr, cutting.size, cutting.ratio, cutting.count, generator, cutting.flip
    )
    return [
        pack_sample(patch_layers(cutting.kind, *patch, preparation), preparation)
        for patch in patches
    ]


def packed_bytes(pair, index, cutting, preparation):
    """Return the packed bytes of one pair, judged by a crop and by the whole picture."""
    few = cutting._replace(count=min(2, cutting.count))
    crop, *whole = pair_samples(pair, index, few, preparation)
    sizes = [sum(map(len, sample.values())) for sample in (crop, *whole)]
    return (cutting.count - 1) * sizes[0] + sizes[-1]


def picture_sample(path, preparation, to_half):
    """Return the sample of one test picture: normalized picture, high, bot and black_offset."""
    layers = prepare_picture(read_hdr(path), preparation, to_half)
    black_offset = np.full((1, 1, 1), layers.black_offset, np.float32)
    return {
        "hdr": layers.normalized,
        "high": layers.high,
        "bot": layers.bot,
        "black_offset": black_offset,
    }


def inspect_picture(path):
    """Return ((height, width), remarks) of a readable HDR picture."""
    image, counts = read_hdr_counted(path)
    return image.shape[:2], remarks_on(image, counts)


def picture_bytes(shape, level_num, to_half):
    """Return the bytes that the arrays of one test picture take in a record file."""
    pixels = shape[0] * shape[1] / (4 if to_half else 1)
    return int((2 * pixels + pixels / 4**level_num) * 3 * 4)


def pair_bytes(cutting, level_num):
    """Return the bytes that the arrays of one pair take as raw float32."""
    shapes = patch_shapes(cutting.kind, cutting.size, level_num)
    return cutting.count * sum(4 * math.prod(shape) for shape in shapes.values())


def patch_layers(kind, hdr, sdr, preparation):
    """Return the dict from array name to float32 array of one pair of patches."""
    hdr_high, hdr_bot = split(hdr, preparation)
    if kind == "ft":
        return {"hdr": hdr, "sdr": sdr, "hdr_high": hdr_high, "hdr_bot": hdr_bot}
    sdr_high, sdr_bot = split(sdr, preparation)
    return {"hdr_high": hdr_high, "hdr_bot": hdr_bot, "sdr_high": sdr_high, "sdr_bot": sdr_bot}

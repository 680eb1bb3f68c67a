"""The arrays of records: what generate_tfrec.py's processes compute.

Imports no TensorFlow, so that each process starts at once.
"""

from typing import NamedTuple

import cv2
import numpy as np

from data.pictures import read_hdr_with_remarks, read_sdr
from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.prepare import prepare_picture, split
from data.records.packing import LAYER_STEP, PATCH_STEP, pack


class PatchSettings(NamedTuple):
    """How pairs are cut: kind "dual" or "ft", patch (height, width), the crops, mirroring."""

    kind: str
    size: tuple
    ratio: tuple
    count: int  # type: ignore[assignment]
    seed: int
    flip: bool = False


def one_thread():
    """Keep OpenCV to one thread: the processes are the parallelism."""
    cv2.setNumThreads(1)


def pair_samples(pair, index, settings, preparation):
    """Return the samples of one pair, each a dict from array name to packed bytes.

    The crops depend on the settings' seed and on `index`, the position of the data.pairs.Pair in
    the list, and not on which process cuts them.

    Raises:
        InputError: a picture cannot be read.
    """
    picture, _ = read_hdr_with_remarks(pair.hdr)  # inspect_pair has told the remarks
    hdr = normalize_hdr(picture, preparation.data_domain)
    sdr = normalize_sdr(read_sdr(pair.sdr), preparation.data_domain)
    generator = np.random.default_rng([settings.seed, index])
    patches = training_patches(
        hdr, sdr, settings.size, settings.ratio, settings.count, generator, settings.flip
    )
    return [pack_patch(settings.kind, hdr, sdr, preparation) for hdr, sdr in patches]


def pack_patch(kind, hdr, sdr, preparation):
    """Return the dict from array name to packed bytes of one record.

    Args:
        kind: "dual", the high and bot layers of both; "ft", the patches themselves.
        hdr, sdr: normalized H×W×3 float32 patches.
        preparation: Preparation.
    """
    if kind == "ft":
        return {"hdr": pack(hdr, PATCH_STEP), "sdr": pack(sdr, PATCH_STEP)}
    layers = (*split(hdr, preparation), *split(sdr, preparation))
    names = ("hdr_high", "hdr_bot", "sdr_high", "sdr_bot")
    return {name: pack(layer, LAYER_STEP) for name, layer in zip(names, layers, strict=True)}


def training_patches(hdr, sdr, size, ratio, count, generator, flip=False):
    """Cut the same patches from a picture and its partner.

    count - 1 random crops, each side a fraction of the picture's drawn evenly
    from `ratio`, and last the whole picture, all resized bilinearly to `size`.
    A picture smaller than `size` on either side gives copies of the whole.

    Args:
        hdr, sdr: H×W×3 float32, normalized.
        size: (height, width) of a patch.
        ratio: (least, largest) fraction.
        count: patches per picture.
        generator: numpy.random.Generator.
        flip: mirror every second patch, drawn at random, left to right.

    Yields:
        (hdr_patch, sdr_patch), float32.
    """
    height, width = hdr.shape[:2]
    small = height < size[0] or width < size[1]
    for _ in range(count - 1):
        box = (slice(None), slice(None)) if small else _random_box(height, width, ratio, generator)
        yield _patch(hdr[box], sdr[box], size, flip, generator)
    yield _patch(hdr, sdr, size, flip, generator)


def _patch(hdr, sdr, size, flip, generator):
    # Before the pyramid: halving keeps every second sample, so that a mirrored
    # picture's layers are not the mirrored layers.
    across = slice(None, None, -1 if flip and generator.random() < 0.5 else 1)
    return tuple(_resize(picture, size)[:, across].copy() for picture in (hdr, sdr))


def _random_box(height, width, ratio, generator):
    sides = [max(1, int(length * generator.uniform(*ratio))) for length in (height, width)]
    starts = [
        int(generator.random() * (length - side))
        for length, side in zip((height, width), sides, strict=True)
    ]
    return tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))


def _resize(image, size):
    height, width = size  # OpenCV wants (width, height)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def picture_sample(path, preparation, to_half):
    """Return the sample of one test picture: normalized picture, high, bot and black_offset."""
    picture, _ = read_hdr_with_remarks(path, to_half=to_half)  # inspect_picture tells remarks
    layers = prepare_picture(picture, preparation)
    black_offset = np.full((1, 1, 1), layers.black_offset, np.float32)
    return {
        "hdr": layers.normalized,
        "high": layers.high,
        "bot": layers.bot,
        "black_offset": black_offset,
    }


def inspect_picture(path):
    """Return ((height, width), remarks) of a readable HDR picture."""
    image, remarks = read_hdr_with_remarks(path)
    return image.shape[:2], remarks


def picture_bytes(shape, level_num, to_half):
    """Return the bytes that the arrays of one test picture take in a record file."""
    pixels = shape[0] * shape[1] / (4 if to_half else 1)
    return int((2 * pixels + pixels / 4**level_num) * 3 * 4)

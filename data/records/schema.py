"""What the records of each kind hold. Imports no TensorFlow."""

from typing import NamedTuple

from data.preparation.prepare import Preparation

# Of the training records; data.records.packed_samples says what this one's bytes hold.
FORMAT = 2

# The arrays of each kind of record; all are H×W×3 float32, but for black_offset, 1×1×1.
SCHEMA = {
    "dual": ("hdr_high", "hdr_bot", "sdr_high", "sdr_bot"),
    "ft": ("hdr", "sdr", "hdr_high", "hdr_bot"),
    "test": ("hdr", "high", "bot", "black_offset"),
}

# What is put behind the script's name to make them again.
REMEDIES = {
    kind: f"make the records again with generate_tfrec.py{switches}"
    for kind, switches in {
        "dual": " --phase training",
        "ft": " --phase training --ft",
        "test": "",
    }.items()
}


class RecordInfo(NamedTuple):
    """What records hold: kind, number, preparation, records of a picture, shapes, files.

    The shapes of test records are those of the first one; shards are data.records.index.Shard,
    and test records have none.
    """

    kind: str
    count: int
    preparation: Preparation
    patch_per_img: int
    shapes: dict
    shards: tuple = ()


def patch_shapes(kind, size, level_num):
    """Return the dict from array name to shape of a training record.

    Args:
        kind: "dual" or "ft".
        size: (height, width) of a patch, multiples of 2^level_num.
        level_num: halvings of the pyramid.
    """
    small = tuple(side >> level_num for side in size)
    return {name: (*(small if name.endswith("bot") else size), 3) for name in SCHEMA[kind]}

"""Training records: what they hold, and the index file that names a set of shards.

    dual_.json                                   the index: settings, sizes and checksums
    dual_.1f3a9c02/dual_-00000-of-00016.tfrecord the first shard

The index is replaced last. A run that ends before leaves the old index with its
whole set of shards; the half-made folder of the new ones goes at once where an
error can be handled, and when generate_tfrec.py starts again where not.

Record i lies in shard i modulo their number, so that reading one record of each
in turn gives the order in which they were written. Imports no TensorFlow.
"""

import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from data.preparation.prepare import Preparation
from system.errors import InputError

FORMAT = 3
CHUNK_BYTES = 2**20  # read at a time for a checksum

# The arrays that a training record stores, each as data.records.packing's bytes.
STORED = {"dual": ("hdr_high", "hdr_bot", "sdr_high", "sdr_bot"), "ft": ("hdr", "sdr")}

# What the user does to make the records again.
REMEDIES = {
    "dual": "make the records again with generate_tfrec.py --phase training",
    "ft": "make the records again with generate_tfrec.py --phase training --ft",
    "test": "make the records again with generate_tfrec.py",
}


class Shard(NamedTuple):
    """One file of a set: its path, records, bytes and CRC-32."""

    path: Path
    records: int
    bytes: int
    crc32: int


class RecordInfo(NamedTuple):
    """What records hold: kind, number, preparation, records of a picture, shapes, shards.

    The shapes of test records are those of the first one; they have no shards, but sources:
    system.files.file_stamps of the folder they were made from.
    """

    kind: str
    count: int  # type: ignore[assignment]
    preparation: Preparation
    patch_per_img: int
    shapes: dict
    shards: tuple = ()
    sources: dict | None = None


def patch_shapes(kind, size, level_num):
    """Return the dict from array name to shape of what a training record gives.

    Args:
        kind: "dual" or "ft", whose layers are computed while reading.
        size: (height, width) of a patch, multiples of 2^level_num.
        level_num: halvings of the pyramid.
    """
    small = tuple(side >> level_num for side in size)
    names = dict.fromkeys((*STORED[kind], "hdr_high", "hdr_bot"))
    return {name: (*(small if name.endswith("bot") else size), 3) for name in names}


def index_path(prefix):
    """Return the index file of the training records that a prefix of the config stands for."""
    return Path(f"{prefix}.json")


def read_index(path, kind):
    """Return the RecordInfo of a set of shards; only the files' sizes are looked at.

    Raises:
        InputError: missing, damaged, of another kind or version, or a shard is missing or cut
            off.
    """
    remedy = REMEDIES[kind]
    try:
        index = json.loads(path.read_bytes())
        if index.pop("crc32") != settings_crc32(index):
            raise ValueError("checksum")
        version = index.get("format")
        found = index["kind"]
        height, width = map(int, index["patch_size"])
        shards = tuple(
            Shard(path.parent / _inside(s["file"]), *(int(s[f]) for f in Shard._fields[1:]))
            for s in index["shards"]
        )
        preparation = Preparation(**index["preparation"])
        patch_per_img = int(index["patch_per_img"])
        count = sum(shard.records for shard in shards)
        shapes = patch_shapes(found, (height, width), preparation.level_num)
    except FileNotFoundError as error:
        raise InputError(f"there are no records at {path}; {remedy}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged or not an index of records; {remedy}") from error
    if version != FORMAT:
        raise InputError(f"{path} was made by another version of this program; {remedy}")
    if found != kind:
        raise InputError(f"{path} holds other records than those of {kind}; {remedy}")
    if min(count, patch_per_img, *(n for shape in shapes.values() for n in shape)) < 1:
        raise InputError(f"{path} is damaged: it names no records; {remedy}")
    for shard in shards:
        try:
            size = shard.path.stat().st_size
        except OSError as error:
            raise InputError(f"{shard.path} cannot be read ({error.strerror}); {remedy}") from error
        if size != shard.bytes:
            raise InputError(f"{shard.path} has {size} bytes, {path} says {shard.bytes}; {remedy}")
    return RecordInfo(kind, count, preparation, patch_per_img, shapes, shards)


def verify(info):
    """Read every shard on all cores; yield the bytes of each when its checksum is right.

    Raises:
        InputError: a shard is damaged.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for shard, found in zip(
            info.shards, pool.map(file_crc32, [shard.path for shard in info.shards]), strict=True
        ):
            if found != shard.crc32:
                pool.shutdown(cancel_futures=True)
                raise InputError(
                    f"{shard.path} is damaged (its checksum is not the index's); "
                    f"{REMEDIES[info.kind]}"
                )
            yield shard.bytes


def settings_crc32(index):
    """Return the CRC-32 of an index, a JSON-ready dict without its own checksum."""
    return zlib.crc32(json.dumps(index, sort_keys=True).encode())


def file_crc32(path):
    """Return the CRC-32 of a file.

    Raises:
        InputError: it cannot be read.
    """
    checksum = 0
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                checksum = zlib.crc32(chunk, checksum)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    return checksum


def _inside(name):
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name} leaves the index's folder")
    return path

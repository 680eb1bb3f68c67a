"""Small sets of shards for tests."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from data.preparation.prepare import Preparation
from data.records.examples import pack_patch
from data.records.writer import record_writer

ROOT = Path(__file__).parents[2]
PREPARATION = Preparation("linear", "gaussian", True, 3)
SIZE = (16, 24)


def patches(seed):
    """One pair of patches, (hdr, sdr)."""
    generator = np.random.default_rng(seed)
    return tuple(generator.random((*SIZE, 3), "f4") for _ in range(2))


def packed(kind, seed):
    return pack_patch(kind, *patches(seed), PREPARATION)


def write(index, kind="dual", count=5, shards=3, generation=0):
    with record_writer(index, kind, SIZE, PREPARATION, 4, shards) as write_record:
        for number in range(count):
            write_record(f"{generation}-{number}", packed(kind, number))
    return index


def stems(info):
    """The stems of all records in the order in which they were written."""
    shards = [
        [
            tf.train.Example.FromString(r.numpy()).features.feature["stem"].bytes_list.value[0]
            for r in tf.data.TFRecordDataset(str(shard.path))
        ]
        for shard in info.shards
    ]
    turns = range(max(map(len, shards)))
    return [shard[turn].decode() for turn in turns for shard in shards if turn < len(shard)]

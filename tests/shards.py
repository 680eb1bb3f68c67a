"""Small sets of shards for tests."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from data.packing import pack
from data.prepare import Preparation
from data.schema import patch_shapes
from data.shard_writer import ShardWriter

ROOT = Path(__file__).parent.parent
PREPARATION = Preparation("linear", "gaussian", True, 3)
SIZE = (16, 24)


def packed(kind, seed, size=SIZE):
    generator = np.random.default_rng(seed)
    shapes = patch_shapes(kind, size, PREPARATION.level_num)
    return {name: pack(generator.random(shape, "f4")) for name, shape in shapes.items()}


def write(index, kind="dual", count=5, shards=3, generation=0):
    with ShardWriter(index, kind, SIZE, PREPARATION, 4, shards) as writer:
        for number in range(count):
            writer.write(f"{generation}-{number}", packed(kind, number))
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

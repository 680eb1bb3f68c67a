"""The tf.data input of each stage. Batches are (inputs, ground truth), float32.

inputs is a dict: "source", the picture or layer that the unsupervised losses
compare with, N×H×W×3; and in ft also "high" and "bot", the network's layers.
"""

from functools import partial

import numpy as np
import tensorflow as tf

from data.preparation.prepare import Layers, split
from data.records.index import REMEDIES, STORED
from data.records.packing import LAYER_STEP, PATCH_STEP, unpack
from data.records.test_records import decode
from system.errors import InputError

# Records shuffled at a time, as in the original.
SHUFFLE = {"high": 250, "bot": 250, "ft": 500}


# The array of a record that each of a stage's is.
FEATURES = {
    "high": {"source": "hdr_high", "ground_truth": "sdr_high"},
    "bot": {"source": "hdr_bot", "ground_truth": "sdr_bot"},
    "ft": {"source": "hdr", "high": "hdr_high", "bot": "hdr_bot", "ground_truth": "sdr"},
}


def steps_per_epoch(records, batch_size):
    """Return round(records / batch_size), at least 1."""
    return max(1, round(records / batch_size))


def full_batches(info, batch_size, workers):
    """Return how many whole batches an epoch has when each worker reads shards of its own.

    Raises:
        InputError: there are too few shards or patches.
    """
    if len(info.shards) < workers:
        raise InputError(
            f"the records lie in {len(info.shards)} files, which {workers} workers cannot share; "
            f"set data.tfrecord_shards to a multiple of {workers} and {REMEDIES[info.kind]}"
        )
    least = min(sum(s.records for s in info.shards[w::workers]) for w in range(workers))
    if least < batch_size // workers:
        raise InputError(
            f"one of {workers} workers has {least} patches in its files, fewer than its part of a "
            f"batch; take smaller batches or set data.tfrecord_shards to a multiple of {workers} "
            f"and {REMEDIES[info.kind]}"
        )
    return least // (batch_size // workers)


def training_batches(info, stage, batch_size, seed, epoch, skip=0, worker=0, workers=1):
    """Return the batches of one epoch; the order depends on seed, epoch and TensorFlow's seed.

    Args:
        info: the records' RecordInfo, "dual" for high and bot, "ft" for ft.
        stage: "high", "bot" or "ft".
        batch_size: patches per batch; the last batch may be smaller.
        seed, epoch: of the shuffling.
        skip: batches to leave out at the beginning, to go on within an epoch.
        worker, workers: of several workers, give this one's equal part of each batch, from every
            workers-th shard alone.

    Returns:
        tf.data.Dataset of steps_per_epoch(...) - skip batches, of several workers
        full_batches(...) - skip.
    """
    features = FEATURES[stage]
    stored = [name for name in STORED[info.kind] if name in features.values()]

    def select(records):
        spec = {name: tf.io.FixedLenFeature([], tf.string) for name in stored}
        packed = tf.io.parse_example(records, spec)
        batches = tf.numpy_function(
            partial(_batches, info, [*features.values()], stored),
            [packed[name] for name in stored],
            [tf.float32] * len(features),
            stateful=False,
        )
        arrays = {
            name: tf.ensure_shape(batch, (None, *info.shapes[feature]))
            for (name, feature), batch in zip(features.items(), batches, strict=True)
        }
        return arrays, arrays.pop("ground_truth")

    steps = steps_per_epoch(info.count, batch_size)
    if workers > 1:
        steps, batch_size = full_batches(info, batch_size, workers), batch_size // workers
    order_seed = (seed * 100_003 + epoch) % 2**31
    records = _records([str(shard.path) for shard in info.shards[worker::workers]])
    records = records.shuffle(SHUFFLE[stage], seed=order_seed, reshuffle_each_iteration=False)
    return (
        records.take(steps * batch_size)
        .skip(skip * batch_size)
        .batch(batch_size)
        .map(select, num_parallel_calls=tf.data.AUTOTUNE)
        # Keras must know the number of batches: else it asks for one more, and the
        # optimizer counts that as a step.
        .apply(tf.data.experimental.assert_cardinality(steps - skip))
        .prefetch(tf.data.AUTOTUNE)
    )


def _records(paths):
    """Return the serialized records in the order in which they were written."""
    return tf.data.Dataset.from_tensor_slices(paths).interleave(
        tf.data.TFRecordDataset,
        cycle_length=len(paths),
        block_length=1,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _batches(info, names, stored, *packed):
    """Return the batches of the named arrays of records, whose `stored` arrays are packed."""
    step = PATCH_STEP if info.kind == "ft" else LAYER_STEP
    patches = []
    for record in zip(*packed, strict=True):
        patch = {
            name: unpack(data, info.shapes[name], step)
            for name, data in zip(stored, record, strict=True)
        }
        if info.kind == "ft":
            patch["hdr_high"], patch["hdr_bot"] = split(patch["hdr"], info.preparation)
        patches.append(patch)
    return [np.stack([patch[name] for patch in patches]) for name in names]


def stored_layers(path):
    """Yield (stem, Layers) of each test record.

    Raises:
        InputError: a record is damaged.
    """
    records = tf.data.TFRecordDataset(str(path)).map(decode)
    try:
        for arrays in records.prefetch(1).as_numpy_iterator():
            black_offset = float(arrays["black_offset"].item())
            layers = Layers(arrays["hdr"], arrays["high"], arrays["bot"], black_offset)
            yield arrays["stem"].decode(), layers
    # TensorFlow's own message may hold bytes of the damage that are no text.
    except (tf.errors.OpError, ValueError) as error:
        raise InputError(f"{path} is damaged; make it again with generate_tfrec.py") from error

"""The tf.data input of each stage. Batches are (inputs, ground truth), float32.

inputs is a dict: "source", the picture or layer that the unsupervised losses
compare with, N×H×W×3; and in ft also "high" and "bot", the network's layers.
"""

import tensorflow as tf

from data.errors import InputError
from data.prepare import Layers
from data.tfrecord import decode

# Records shuffled at a time, as in the original.
SHUFFLE = {"high": 250, "bot": 250, "ft": 500}


# What each stage takes out of a record.
FEATURES = {
    "high": {"source": "hdr_high", "ground_truth": "sdr_high"},
    "bot": {"source": "hdr_bot", "ground_truth": "sdr_bot"},
    "ft": {"source": "hdr", "high": "hdr_high", "bot": "hdr_bot", "ground_truth": "sdr"},
}


def steps_per_epoch(records, batch_size):
    """Return round(records / batch_size), at least 1."""
    return max(1, round(records / batch_size))


def training_batches(path, stage, batch_size, info, seed, epoch, skip=0):
    """Return the batches of one epoch; the order depends on seed and epoch alone.

    Args:
        path: record file, "dual" for high and bot, "ft" for ft.
        stage: "high", "bot" or "ft".
        batch_size: patches per batch; the last batch may be smaller.
        info: the file's data.tfrecord.RecordInfo.
        seed, epoch: of the shuffling.
        skip: batches to leave out at the beginning, to go on within an epoch.

    Returns:
        tf.data.Dataset of steps_per_epoch(...) - skip batches.
    """
    features = FEATURES[stage]

    def select(record):
        arrays = decode(info.kind, record)
        arrays = {
            name: tf.ensure_shape(arrays[feature], info.shapes[feature])
            for name, feature in features.items()
        }
        return arrays, arrays.pop("ground_truth")

    steps = steps_per_epoch(info.count, batch_size)
    order_seed = (seed * 100_003 + epoch) % 2**31
    return (
        tf.data.TFRecordDataset(str(path))
        .shuffle(SHUFFLE[stage], seed=order_seed, reshuffle_each_iteration=False)
        .take(steps * batch_size)
        .skip(skip * batch_size)
        .map(select, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        # Keras must know the number of batches: else it asks for one more, and the
        # optimizer counts that as a step.
        .apply(tf.data.experimental.assert_cardinality(steps - skip))
        .prefetch(tf.data.AUTOTUNE)
    )


def stored_layers(path):
    """Yield (stem, Layers) of each test record.

    Raises:
        InputError: a record is damaged.
    """
    records = tf.data.TFRecordDataset(str(path)).map(lambda record: decode("test", record))
    try:
        for arrays in records.prefetch(1).as_numpy_iterator():
            floor = float(arrays["floor"].item())
            layers = Layers(arrays["hdr"], arrays["high"], arrays["bot"], floor)
            yield arrays["stem"].decode(), layers
    except tf.errors.OpError as error:
        raise InputError(f"{path} is damaged; make it again with generate_tfrec.py") from error

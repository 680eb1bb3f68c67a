"""The records' part of fuzz_readers.py; imports TensorFlow."""

import json

import tensorflow as tf

from data.datasets import stored_layers, training_batches
from data.errors import InputError
from data.tfrecord import inspect

STAGES = {"dual": "bot", "ft": "ft"}
VALUES = (None, True, -1, 0, 2**70, 1e308, float("nan"), "", "linear", [], {}, [[[]]], "\0")
SIDES = (-(2**63), -1, 0, 1, 2, 3, 6, 20, 30000, 2**31, 2**62)


def check_record(seed, data, folder, generator):
    """Read a file of damaged records; return whether it was read to its end.

    The damage to the bytes of one record is under a valid checksum, else behind it.
    """
    path = folder / "a.tfrecord"
    undamaged = generator is None
    how = 0 if undamaged else generator.integers(3)
    if how == 1:  # the file is damaged, so `data` itself goes unused
        from fuzz_damage import damaged

        _write(path, [seed.data])
        content = path.read_bytes()
        path.write_bytes(damaged(content, content, generator))
    elif how == 2:
        _write(path, [_altered(seed.data, generator)])
    else:
        _write(path, [seed.data, data])
    try:
        info = inspect(path, seed.name)
        if seed.name == "test":
            for _, layers in stored_layers(path):
                assert all(layer.ndim == 3 and layer.dtype == "float32" for layer in layers[:3])
        else:
            # What is wrong behind the first record ends the training; TensorFlow says how.
            try:
                for _ in training_batches(path, STAGES[seed.name], 2, info, 0, 0):
                    pass
            except (tf.errors.OpError, ValueError):
                return False
    except InputError as error:
        text = str(error)
        assert str(path) in text and "\n" not in text, text
        return False
    return True


def _write(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def _altered(data, generator):
    """Return a well-formed record with odd content: a feature is gone, swapped or nonsense."""
    example = tf.train.Example.FromString(data)
    features = example.features.feature
    name = sorted(features)[generator.integers(len(features))]
    kind = generator.integers(4)
    if kind == 0:
        del features[name]
    elif kind == 1:
        features[name].bytes_list.value[:] = [generator.bytes(int(generator.integers(40)))]
    elif kind == 2:
        shapes = [name for name in sorted(features) if name.endswith("/shape")]
        shape = features[shapes[generator.integers(len(shapes))]].int64_list
        sides = [SIDES[i] for i in generator.integers(len(SIDES), size=generator.integers(2, 5))]
        shape.value[:] = sides
    else:
        settings = json.loads(features["settings"].bytes_list.value[0])
        key = [*settings, "odd"][generator.integers(len(settings) + 1)]
        settings[key] = VALUES[generator.integers(len(VALUES))]
        features["settings"].bytes_list.value[:] = [json.dumps(settings).encode()]
    return example.SerializeToString()

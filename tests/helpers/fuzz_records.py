"""The records' part of fuzz_readers.py; imports TensorFlow."""

import json
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from data.datasets import stored_layers, training_batches
from data.preparation.prepare import Preparation
from data.records.examples import pack_patch
from data.records.index import FORMAT, file_crc32, read_index, settings_crc32, verify
from data.records.test_records import bytes_feature, encode, inspect
from helpers.fuzz_seeds import IMAGE, Seed, damaged
from system.errors import InputError

PREPARATION = Preparation("gamma", "bilateral", False, 1)
STAGES = {"dual": "bot", "ft": "ft"}
VALUES = (None, True, -1, 0, 2**70, 1e308, float("nan"), "", "linear", [], {}, [[[]]], "\0")
SIDES = (-(2**63), -1, 0, 1, 2, 3, 6, 20, 30000, 2**31, 2**62)


def record_seeds() -> Iterator[Seed]:
    """Yield one record of each kind."""
    bot, black_offset = IMAGE[:3, :10], np.zeros((1, 1, 1), np.float32)
    arrays = {"hdr": IMAGE, "high": IMAGE, "bot": bot, "black_offset": black_offset}
    yield Seed("record", "test", encode(arrays, "first", PREPARATION))
    for kind in ("dual", "ft"):
        packed = pack_patch(kind, IMAGE / 256, IMAGE / 256, PREPARATION)
        features = {name: bytes_feature(data) for name, data in packed.items()}
        features = tf.train.Features(feature={"stem": bytes_feature(b"first"), **features})
        record = tf.train.Example(features=features).SerializeToString(deterministic=True)
        yield Seed("record", kind, record)


def check_record(seed, data, folder, generator):
    """Read damaged records; return whether they were read to their end.

    The damage to the bytes of one record is under a valid checksum, else after it.
    """
    path = folder / "a.tfrecord"
    how = 0 if generator is None else generator.integers(3)
    if how == 2:
        records = [_altered(seed.data, generator)]
    else:  # where the file is damaged, `data` itself goes unused
        records = [seed.data, seed.data if how == 1 else data]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    read = _read_test if seed.name == "test" else _read_training
    try:
        return read(path, seed.name, len(records), generator if how == 1 else None)
    except InputError as error:
        text = str(error)
        assert str(folder) in text and "\n" not in text, text
        return False


def _read_test(path, kind, count, generator):
    if generator is not None:
        _damage(path, generator)
    inspect(path)
    for _, layers in stored_layers(path):
        pictures = layers.normalized, layers.high, layers.bot
        assert all(layer.ndim == 3 and layer.dtype == "float32" for layer in pictures)
    return True


def _read_training(path, kind, count, generator):
    """Read a set of one shard; the damage comes after the index, or to the index."""
    shard = {"file": path.name, "records": count}
    shard |= {"bytes": path.stat().st_size, "crc32": file_crc32(path)}
    content = {
        "format": FORMAT,
        "kind": kind,
        "preparation": PREPARATION._asdict(),
        "patch_size": list(IMAGE.shape[:2]),
        "patch_per_img": 1,
        "shards": [shard],
    }
    index = path.with_name("a_.json")
    index.write_text(json.dumps({**content, "crc32": settings_crc32(content)}))
    if generator is not None:
        _damage(index if generator.integers(2) else path, generator)
    info = read_index(index, kind)
    list(verify(info))
    # What is wrong in spite of a right checksum ends the training; TensorFlow says how.
    try:
        for _ in training_batches(info, STAGES[kind], 2, 0, 0):
            pass
    except (tf.errors.OpError, ValueError):
        return False
    return True


def _damage(path, generator):
    content = path.read_bytes()
    path.write_bytes(damaged(content, content, generator))


def _altered(data, generator):
    """Return a well-formed record with odd content: a feature is gone, swapped or nonsense."""
    example = tf.train.Example.FromString(data)
    features = example.features.feature
    name = sorted(features)[generator.integers(len(features))]
    kind = generator.integers(4 if "settings" in features else 2)  # packed records have no shapes
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

"""The file of test records: its encoder, decoder and writer.

A record holds float32 arrays as raw bytes with their shapes, the file stem of
the picture it came from, and the settings that it was prepared with. Training
records are another matter: data.records.index.
"""

import contextlib
import json
import os
import struct
from pathlib import Path

import tensorflow as tf

from data.preparation.prepare import Preparation
from data.records.index import REMEDIES, RecordInfo
from system.atomic import replacing
from system.errors import InputError, reason_of

# All are H×W×3, but for black_offset, 1×1×1.
ARRAYS = ("hdr", "high", "bot", "black_offset")


def record_path(prefix):
    """Return the file of test records that a prefix of the config stands for."""
    return Path(f"{prefix}.tfrecord")


def encode(arrays, stem, preparation, sources=None):
    """Return one serialized record.

    Args:
        arrays: dict with exactly the arrays of ARRAYS, H×W×3 float32.
        stem: of the picture's file name.
        preparation: a Preparation.
        sources: system.files.file_stamps of the folder that the records are made from.
    """
    settings = {"kind": "test", "sources": sources or {}, **preparation._asdict()}
    features = {
        "stem": bytes_feature(stem.encode()),
        "settings": bytes_feature(json.dumps(settings).encode()),
    }
    for name in ARRAYS:
        array = arrays[name]
        if array.dtype != "float32":
            raise TypeError(f"{name} is {array.dtype}, not float32")
        features[name] = bytes_feature(array.tobytes())
        features[f"{name}/shape"] = tf.train.Feature(
            int64_list=tf.train.Int64List(value=array.shape)
        )
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def decode(record):
    """Return the dict of a record's arrays, and its stem as "stem"; runs inside tf.data."""
    spec = {"stem": tf.io.FixedLenFeature([], tf.string)}
    for name in ARRAYS:
        spec[name] = tf.io.FixedLenFeature([], tf.string)
        spec[f"{name}/shape"] = tf.io.FixedLenFeature([3], tf.int64)
    parsed = tf.io.parse_single_example(record, spec)
    arrays = {
        name: tf.reshape(tf.io.decode_raw(parsed[name], tf.float32), parsed[f"{name}/shape"])
        for name in ARRAYS
    }
    return {**arrays, "stem": parsed["stem"]}


@contextlib.contextmanager
def record_file_writer(path):
    """Yield a writer of serialized records; the file replaces `path` when the block ends well.

    Raises:
        InputError: it cannot be written; the old file is as it was.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file, tf.io.TFRecordWriter(file.name) as writer:
            yield writer
    except (OSError, tf.errors.OpError) as error:
        raise InputError(
            f"{path} cannot be written ({reason_of(error)}); the old file is as it was"
        ) from error


def inspect(path):
    """Return the RecordInfo of a file; only the lengths and the first record are read.

    Raises:
        InputError: missing, empty, cut off, damaged, or of another kind.
    """
    remedy = REMEDIES["test"]
    try:
        count = _count(path)
    except FileNotFoundError as error:
        raise InputError(f"there are no records at {path}; {remedy}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    if not count:
        raise InputError(f"{path} is empty or cut off; {remedy}")
    try:
        record = next(iter(tf.data.TFRecordDataset(str(path)).take(1)))
        features = tf.train.Example.FromString(record.numpy()).features.feature
        settings = json.loads(features["settings"].bytes_list.value[0])
        if settings["kind"] != "test":
            raise ValueError(settings["kind"])
        preparation = Preparation.from_settings(settings)
        sources = dict(settings.get("sources", {}))  # earlier versions have none
        shapes = {name: tuple(features[f"{name}/shape"].int64_list.value) for name in ARRAYS}
    except Exception as error:  # a damaged protobuf raises whatever its bytes suggest
        raise InputError(f"{path} is damaged or does not hold test records; {remedy}") from error
    return RecordInfo("test", count, preparation, 1, shapes, sources=sources)


def _count(path):
    """Count records by hopping over them; 0 where the last one is cut off."""
    size, position, count = os.path.getsize(path), 0, 0
    with open(path, "rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(12)
            if len(header) < 12:
                return 0
            position += 16 + struct.unpack("<Q", header[:8])[0]
            count += 1
    return count if position == size else 0


def bytes_feature(value):
    """Return a tf.train.Feature of one byte string."""
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

"""The file of test records: its encoder, decoder and writer.

A record holds float32 arrays as raw bytes with their shapes, the file stem of
the picture it came from, and the settings that it was prepared with. Training
records are another matter: data.records.index.
"""

import json
import os
import struct
from pathlib import Path

import tensorflow as tf

from data.preparation.prepare import Preparation
from data.records.schema import REMEDIES, SCHEMA, RecordInfo
from system.errors import InputError


def record_path(prefix):
    """Return the file of test records that a prefix of the config stands for."""
    return Path(f"{prefix}.tfrecord")


def encode(arrays, stem, preparation):
    """Return one serialized record.

    Args:
        arrays: dict with exactly the arrays of SCHEMA["test"], H×W×3 float32.
        stem: of the picture's file name.
        preparation: a Preparation.
    """
    settings = {"kind": "test", **preparation._asdict()}
    features = {
        "stem": bytes_feature(stem.encode()),
        "settings": bytes_feature(json.dumps(settings).encode()),
    }
    for name in SCHEMA["test"]:
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
    for name in SCHEMA["test"]:
        spec[name] = tf.io.FixedLenFeature([], tf.string)
        spec[f"{name}/shape"] = tf.io.FixedLenFeature([3], tf.int64)
    parsed = tf.io.parse_single_example(record, spec)
    arrays = {
        name: tf.reshape(tf.io.decode_raw(parsed[name], tf.float32), parsed[f"{name}/shape"])
        for name in SCHEMA["test"]
    }
    return {**arrays, "stem": parsed["stem"]}


class RecordWriter:
    """Write a record file aside and move it into place when it is whole.

    Use as a context manager; an exception inside leaves the old file as it was.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.part = self.path.with_name(self.path.name + ".part")

    def __enter__(self):
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.path.parent}: cannot make this folder ({error})") from error
        try:
            self._writer = tf.io.TFRecordWriter(str(self.part))
        except tf.errors.OpError as error:
            raise self._failure(error) from error
        return self

    def write(self, record):
        """Append one serialized record."""
        try:
            self._writer.write(record)
        except tf.errors.OpError as error:
            raise self._failure(error) from error

    def __exit__(self, kind, value, traceback):
        try:
            self._writer.close()
            if kind is None:
                with open(self.part, "rb") as part:
                    os.fsync(part.fileno())
                os.replace(self.part, self.path)
        except (OSError, tf.errors.OpError) as error:
            raise self._failure(error) from error
        finally:
            self.part.unlink(missing_ok=True)

    def _failure(self, error):
        reason = getattr(error, "message", None) or error
        return InputError(f"{self.path} cannot be written ({reason}); the old file is as it was")


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
        shapes = {
            name: tuple(features[f"{name}/shape"].int64_list.value) for name in SCHEMA["test"]
        }
    except Exception as error:  # a damaged protobuf raises whatever its bytes suggest
        raise InputError(f"{path} is damaged or does not hold test records; {remedy}") from error
    return RecordInfo("test", count, preparation, 1, shapes)


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

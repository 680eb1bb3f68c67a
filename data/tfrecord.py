"""Record files: the schema, the encoder and the decoder.

A record holds float32 arrays as raw bytes with their shapes, the file stem of
the picture it came from, and the settings that it was prepared with.
"""

import json
import os
import struct
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from data.errors import InputError
from data.prepare import Preparation

# The arrays of each kind of record; all are H×W×3 float32, but for floor, 1×1×1.
SCHEMA = {
    "dual": ("hdr_high", "hdr_bot", "sdr_high", "sdr_bot"),
    "ft": ("hdr", "sdr", "hdr_high", "hdr_bot"),
    "test": ("hdr", "high", "bot", "floor"),
}


class RecordInfo(NamedTuple):
    """What a record file holds: its kind, number of records, preparation and first shapes."""

    kind: str
    count: int
    preparation: Preparation
    patch_per_img: int
    shapes: dict


def record_path(prefix):
    """Return the file that a prefix of the config stands for."""
    return Path(f"{prefix}.tfrecord")


def encode(kind, arrays, stem, preparation, patch_per_img=1):
    """Return one serialized record.

    Args:
        kind: a key of SCHEMA.
        arrays: dict with exactly the arrays of that kind, H×W×3 float32.
        stem: of the picture's file name.
        preparation: a Preparation.
        patch_per_img: records that each picture gave.
    """
    settings = {"kind": kind, "patch_per_img": patch_per_img, **preparation._asdict()}
    features = {"stem": _bytes(stem.encode()), "settings": _bytes(json.dumps(settings).encode())}
    for name in SCHEMA[kind]:
        array = arrays[name]
        if array.dtype != "float32":
            raise TypeError(f"{name} is {array.dtype}, not float32")
        features[name] = _bytes(array.tobytes())
        features[f"{name}/shape"] = tf.train.Feature(
            int64_list=tf.train.Int64List(value=array.shape)
        )
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def decode(kind, record):
    """Return the dict of a record's arrays, and its stem as "stem"; runs inside tf.data."""
    spec = {"stem": tf.io.FixedLenFeature([], tf.string)}
    for name in SCHEMA[kind]:
        spec[name] = tf.io.FixedLenFeature([], tf.string)
        spec[f"{name}/shape"] = tf.io.FixedLenFeature([3], tf.int64)
    parsed = tf.io.parse_single_example(record, spec)
    arrays = {
        name: tf.reshape(tf.io.decode_raw(parsed[name], tf.float32), parsed[f"{name}/shape"])
        for name in SCHEMA[kind]
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


def inspect(path, kind):
    """Return the RecordInfo of a file; only the lengths and the first record are read.

    Raises:
        InputError: missing, empty, cut off, damaged, or of another kind.
    """
    remedy = f"make it again with generate_tfrec.py{REMEDIES[kind]}"
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
        shapes = {
            name: tuple(features[f"{name}/shape"].int64_list.value)
            for name in SCHEMA[settings.pop("kind")]
        }
        patch_per_img = settings.pop("patch_per_img")
        preparation = Preparation(**settings)
    except Exception as error:  # a damaged protobuf raises whatever its bytes suggest
        raise InputError(
            f"{path} is damaged or not a record file of this project; {remedy}"
        ) from error
    if set(shapes) != set(SCHEMA[kind]):
        raise InputError(f"{path} holds other records than those of {kind}; {remedy}")
    return RecordInfo(kind, count, preparation, patch_per_img, shapes)


REMEDIES = {"dual": " --phase training", "ft": " --phase training --ft", "test": ""}


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


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

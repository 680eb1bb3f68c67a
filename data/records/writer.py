"""Writing a set of shards so that a reader sees the last set or the whole new one."""

import contextlib
import json
import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tensorflow as tf

from data.records.index import FORMAT, STORED, file_crc32, settings_crc32
from system.atomic import replacing
from system.errors import InputError, reason_of
from system.lock import lock


@contextlib.contextmanager
def record_writer(index, kind, patch_size, preparation, patch_per_img, shards):
    """Write a set of shards; the old set stays the valid one until the block ends well.

    It stays on the disk until the next set is written, for trainings that still read it.

    Args:
        index: path of the index file.
        kind: "dual" or "ft".
        patch_size: (height, width).
        preparation: the Preparation of the patches.
        patch_per_img: records that each picture gives.
        shards: number of files.

    Yields:
        write(stem, packed), which appends the record of a picture's patch: the stem of the
        picture's file name, and data.records.examples.pack_patch's dict.

    Raises:
        InputError: another process writes there, the folder is closed, the disk full, ...
    """
    folder = index.with_name(f"{index.stem}.{secrets.token_hex(4)}")
    names = [f"{index.stem}-{number:05d}-of-{shards:05d}.tfrecord" for number in range(shards)]
    counts = [0] * shards
    about = {
        "format": FORMAT,
        "kind": kind,
        "preparation": preparation._asdict(),
        "patch_size": patch_size,
        "patch_per_img": patch_per_img,
    }

    def write(stem, packed):
        number = sum(counts) % shards
        writers[number].write(_serialized(kind, stem, packed))
        counts[number] += 1

    try:
        with contextlib.ExitStack() as stack:
            index.parent.mkdir(parents=True, exist_ok=True)
            remedy = f"--set model.tfrecord_{kind}=..."
            name = f".{index.stem}.lock"
            stack.enter_context(lock(index.parent, remedy, "generate_tfrec.py", name))
            remove_stale(index)
            stack.callback(_remove_unless_named, folder, index)
            folder.mkdir()
            writers = [
                stack.enter_context(tf.io.TFRecordWriter(str(folder / name))) for name in names
            ]
            yield write
            for writer in writers:
                writer.close()
            _write_index(index, about, folder, names, counts)
    except (OSError, tf.errors.OpError) as error:
        raise InputError(
            f"{index} and its shards cannot be written ({reason_of(error)}); the old records are "
            "as they were"
        ) from error


def _serialized(kind, stem, packed):
    """Return the bytes of one record."""
    # Filled in: messages given to others are copied.
    example = tf.train.Example()
    feature = example.features.feature
    feature["stem"].bytes_list.value.append(stem.encode())
    for name in STORED[kind]:
        feature[name].bytes_list.value.append(packed[name])
    return example.SerializeToString(deterministic=True)


def _write_index(index, about, folder, names, counts):
    """Write what the index says, once the disk has all shards."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        written = pool.map(_size_and_crc32, [folder / name for name in names])
        shards = [
            {"file": f"{folder.name}/{name}", "records": count, "bytes": size, "crc32": crc}
            for name, count, (size, crc) in zip(names, counts, written, strict=True)
        ]
    content = {**about, "shards": shards}
    content["crc32"] = settings_crc32(content)
    with replacing(index) as file:
        file.write(f"{json.dumps(content, indent=1)}\n".encode())


def remove_stale(index):
    """Remove the sets of shards that the index does not name: a killed run's, earlier ones."""
    pattern = re.compile(re.escape(index.stem) + r"\.[0-9a-f]{8}")
    for folder in index.parent.glob("*"):
        if pattern.fullmatch(folder.name) and not folder.is_symlink():
            _remove_unless_named(folder, index)


def _remove_unless_named(folder, index):
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        shards = json.loads(index.read_bytes())["shards"]
        if any(Path(shard["file"]).parent.name == folder.name for shard in shards):
            return
    with contextlib.suppress(OSError):
        for path in folder.glob("*-of-*.tfrecord"):
            path.unlink()
        folder.rmdir()  # stays where somebody put something else there


def _size_and_crc32(path):
    """Return a shard's bytes and CRC-32, once the disk has it."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    return path.stat().st_size, file_crc32(path)

"""Writing a set of shards so that a reader sees the last set or the whole new one."""

import contextlib
import json
import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tensorflow as tf

from data.records.index import file_crc32, settings_crc32
from data.records.schema import FORMAT, SCHEMA
from system.errors import InputError
from system.parallel import SUFFIX

ASIDE = "index.json"  # the new index before it takes the old one's place
FLUSHED = 2**26  # bytes after which the disk is asked to take them, so that it works meanwhile


class ShardWriter:
    """Write a set of shards; the old set stays the valid one until the end.

    Use as a context manager; an exception inside leaves the old set as it was.

    Args:
        index: path of the index file.
        kind: "dual" or "ft".
        size: (height, width) of a patch.
        preparation: the Preparation of the patches.
        patch_per_img: records that each picture gives.
        shards: number of files.

    Raises:
        InputError: the folder is closed, the disk full, ...
    """

    def __init__(self, index, kind, size, preparation, patch_per_img, shards):
        self.index = Path(index)
        self.settings = {
            "format": FORMAT,
            "kind": kind,
            "preparation": preparation._asdict(),
            "patch_size": size,
            "patch_per_img": patch_per_img,
        }
        self.count = 0
        prefix = self.index.stem
        self.folder = self.index.with_name(f"{prefix}.{secrets.token_hex(4)}")
        self.paths = [
            self.folder / f"{prefix}-{number:05d}-of-{shards:05d}.tfrecord"
            for number in range(shards)
        ]

    def __enter__(self):
        self._writers = []
        self._pool = ThreadPoolExecutor(os.cpu_count())  # has no threads until it is used
        self._flushing, self._unflushed = [], 0
        with self._named():
            self.index.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir()
            try:
                for path in self.paths:
                    self._writers.append(tf.io.TFRecordWriter(str(path)))
            except BaseException:
                self._drop()
                raise
        return self

    def write(self, stem, packed):
        """Append one record.

        Args:
            stem: of the picture's file name.
            packed: dict with exactly the arrays of the set's kind, as
                data.records.packed_samples.pack_sample's bytes.
        """
        # Filled in place: messages given to others are copied.
        example = tf.train.Example()
        feature = example.features.feature
        feature["stem"].bytes_list.value.append(stem.encode())
        for name in SCHEMA[self.settings["kind"]]:
            feature[name].bytes_list.value.append(packed[name])
        with self._named():
            record = example.SerializeToString(deterministic=True)
            self._writers[self.count % len(self._writers)].write(record)
        self.count += 1
        self._unflushed += len(record)
        if self._unflushed > FLUSHED and all(task.done() for task in self._flushing):
            self._unflushed = 0
            with self._named():
                self._flush()

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            self._drop()
            return
        try:
            with self._named(), self._pool:
                for writer in self._writers:
                    writer.close()
                self._publish()
        except BaseException:
            if self.folder not in _named_folders(self.index):
                self._drop()
            raise
        remove_stale(self.index)

    def _flush(self):
        """Let the disk take what is written so far; raise what went wrong the last time."""
        for task in self._flushing:
            task.result()
        self._flushing = [self._pool.submit(_to_disk, path) for path in self.paths]

    def _publish(self):
        self._flush()
        for task in self._flushing:
            task.result()
        checksums = list(self._pool.map(file_crc32, self.paths))
        most, longer = divmod(self.count, len(self.paths))
        shards = [
            {
                "file": f"{self.folder.name}/{path.name}",
                "records": most + (number < longer),
                "bytes": path.stat().st_size,
                "crc32": checksum,
            }
            for number, (path, checksum) in enumerate(zip(self.paths, checksums, strict=True))
        ]
        index = {**self.settings, "shards": shards}
        index["crc32"] = settings_crc32(index)
        # Aside in the new folder, so that what a kill leaves goes with that folder.
        aside = self.folder / ASIDE
        with open(aside, "w") as file:
            file.write(f"{json.dumps(index, indent=1)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, self.index)

    def _drop(self):
        self._pool.shutdown(cancel_futures=True)
        for writer in self._writers:
            with contextlib.suppress(OSError, tf.errors.OpError):
                writer.close()
        _remove_set(self.folder)

    @contextlib.contextmanager
    def _named(self):
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            reason = getattr(error, "message", None) or error.strerror or error
            raise InputError(
                f"{self.index} and its shards cannot be written ({reason}); the old records are "
                "as they were"
            ) from error


def _to_disk(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def remove_stale(index):
    """Remove the sets of shards that the index does not name: a killed run's, or the last one."""
    named = _named_folders(index)
    pattern = re.compile(re.escape(index.stem) + r"\.[0-9a-f]{8}")
    for folder in index.parent.glob("*"):
        if pattern.fullmatch(folder.name) and folder not in named and not folder.is_symlink():
            _remove_set(folder)


def _named_folders(index):
    try:
        shards = json.loads(index.read_bytes())["shards"]
        return {index.parent / Path(shard["file"]).parent for shard in shards}
    except (OSError, ValueError, LookupError, TypeError):
        return set()


def _remove_set(folder):
    with contextlib.suppress(OSError):
        for path in (*folder.glob("*-of-*.tfrecord"), *folder.glob(f"*{SUFFIX}"), folder / ASIDE):
            path.unlink(missing_ok=True)
        folder.rmdir()  # stays where somebody put something else there

"""Compare the packed, sharded training records with raw float32 in one file.

    python tools/benchmarks/records.py HDR_FOLDER SDR_FOLDER
    python tools/benchmarks/records.py HDR_FOLDER SDR_FOLDER --suffix jpg --pairs 24 --rounds 5

Bytes: of a patch; and as a share of raw float32 of crops that become patches about as large
and of crops made smaller (all by settings for pictures of 384×256). Reading: one epoch of
batches of each stage, of the default patches and of those about as large as their crops,
both formats in turn, so that other load on the machine hits both; page cache warm. Writing:
all pairs of the folders, by one process on one core and by two, their start included, in
turn; the median. Growth: the same pairs repeated, small patches; the seconds of writing,
checking and reading an epoch, and the bytes.
Writes tools/benchmarks/results/records.json; its files lie in a temporary folder.
"""

import argparse
import json
import math
import os
import platform
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import numpy as np

from data.pairs import find_pairs
from data.preparation.prepare import Preparation

# The processes that prepare pictures import this module: TensorFlow is imported where it is used.
from data.records.examples import Cutting, one_thread, pair_bytes, pair_samples
from data.records.schema import SCHEMA
from system.parallel import in_order

ROOT = Path(__file__).resolve().parents[2]
PREPARATION = Preparation("gamma", "bilateral", False, 3)
RATIO, PATCHES, SHARDS = (0.1, 0.6), 16, 16
SIZES = {"dual": (512, 512), "ft": (256, 256)}
BATCHES = {"high": 4, "bot": 32, "ft": 8}
# In pictures of 384×256: patches about as large as their crops, and smaller ones.
AS_LARGE, LARGE_RATIO = (256, 256), (0.9, 1.0)
SMALLER, SMALLER_RATIO = (128, 128), (0.55, 0.9)
GROWTH_SIZE = (64, 64)


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("hdr_folder")
    parser.add_argument("sdr_folder")
    parser.add_argument("--suffix", default="png", help="of the SDR pictures (default: png)")
    parser.add_argument("--pairs", type=int, default=12, help="to read, at most (default: 12)")
    parser.add_argument("--rounds", type=int, default=3, help="of writing and reading (default: 3)")
    parser.add_argument("--growth", type=int, nargs="*", default=[10, 100, 1000])
    args = parser.parse_args(argv)
    import tensorflow as tf

    pairs, _ = find_pairs(args.hdr_folder, args.sdr_folder, "hdr", args.suffix)
    if not pairs:
        parser.error(f"no pairs of .hdr and .{args.suffix} in {args.hdr_folder}, {args.sdr_folder}")
    every, pairs = pairs, pairs[:: -(-len(pairs) // args.pairs)]
    result = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "load_of_the_last_minute": os.getloadavg()[0],
        "tensorflow": tf.__version__,
        "pairs_read": len(pairs),
        "patches_of_a_pair": PATCHES,
        "rounds": args.rounds,
    }
    with tempfile.TemporaryDirectory() as folder:
        for kind, size in SIZES.items():
            result[kind] = compare(Path(folder), kind, size, every, pairs, args.rounds)
            print(kind, json.dumps(result[kind]), flush=True)
        result["growth"] = {"patch": GROWTH_SIZE, "kind": "ft"}
        for count in args.growth:
            result["growth"][count] = row = grow(Path(folder), pairs, count)
            print(f"{count} pairs", json.dumps(row), flush=True)
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "records.json").write_text(json.dumps(result, indent=1) + "\n")


def compare(folder, kind, size, every, pairs, rounds):
    """Return the dict of bytes, writing and reading of one kind of records."""
    cutting = Cutting(kind, size, RATIO, PATCHES, 0)
    seconds = {1: [], 2: []}
    for _ in range(rounds):
        for processes, taken in seconds.items():
            taken.append(write(folder / f"{kind}.json", cutting, every, processes))
    seconds = {processes: float(np.median(taken)) for processes, taken in seconds.items()}
    return {
        "pairs_written": len(every),
        "patches_a_second_written": {
            f"{n} processes": round(len(every) * PATCHES / t, 2) for n, t in seconds.items()
        },
        "two_processes_to_one": round(seconds[1] / seconds[2], 2),
        **readings(folder, cutting, pairs, rounds),
        "as_large": readings(
            folder, cutting._replace(size=AS_LARGE, ratio=LARGE_RATIO), pairs, rounds
        ),
        "of_raw_made_smaller": round(packed_to_raw(kind, pairs), 4),
    }


def readings(folder, cutting, pairs, rounds):
    """Return the dict of bytes and of reading, both formats in turn."""
    from data.datasets import training_batches
    from data.records.index import read_index

    kind, index = cutting.kind, folder / f"{cutting.kind}.json"
    write(index, cutting, pairs, None)
    info = read_index(index, kind)
    raw = folder / f"{kind}_raw.tfrecord"
    write_raw(raw, info)
    row = {
        "raw_bytes_of_a_patch": pair_bytes(cutting, PREPARATION.level_num) // PATCHES,
        "bytes_of_a_patch": sum(shard.bytes for shard in info.shards) // info.count,
    }
    row["of_raw"] = round(row["bytes_of_a_patch"] / row["raw_bytes_of_a_patch"], 4)
    for stage in ("ft",) if kind == "ft" else ("high", "bot"):
        # As many samples in a batch, whatever the size of the patches.
        size = BATCHES[stage] * math.prod(SIZES[kind]) // math.prod(cutting.size)
        formats = {
            "raw": lambda epoch, s=stage, n=size: raw_batches(raw, s, info, n, epoch),
            "packed": lambda epoch, s=stage, n=size: training_batches(info, s, n, 0, epoch),
        }
        taken = {name: [] for name in formats}
        for epoch in range(rounds + 1):
            for name, batches in formats.items():
                taken[name].append(read(batches(epoch)))
        best = {name: np.min(times[1:], axis=0) / info.count for name, times in taken.items()}
        row[stage] = {
            "patches_a_second_read": {n: round(1 / t[0], 1) for n, t in best.items()},
            "processor_ms_of_a_patch": {n: round(1e3 * t[1], 2) for n, t in best.items()},
            "packed_to_raw": round(best["raw"][0] / best["packed"][0], 2),
        }
    raw.unlink()
    return row


def packed_to_raw(kind, pairs):
    """Return the packed bytes of patches smaller than their crops, of raw float32."""
    cutting = Cutting(kind, SMALLER, SMALLER_RATIO, PATCHES, 0)
    packed = 0
    for number, pair in enumerate(pairs):
        for sample in pair_samples(pair, number, cutting, PREPARATION):
            packed += sum(map(len, sample.values()))
    return packed / (len(pairs) * pair_bytes(cutting, PREPARATION.level_num))


def grow(folder, pairs, count):
    """Return the dict of what `count` pairs take, by repetition of those at hand."""
    from data.datasets import training_batches
    from data.records.index import read_index, verify

    cutting = Cutting("ft", GROWTH_SIZE, RATIO, PATCHES, 0)
    many = [pairs[number % len(pairs)] for number in range(count)]
    index = folder / "growth.json"
    row = {"seconds_written": round(write(index, cutting, many, None), 2)}
    info = read_index(index, "ft")
    row["megabytes"] = round(sum(shard.bytes for shard in info.shards) / 1e6, 2)
    start = time.perf_counter()
    list(verify(info))
    row["seconds_checked"] = round(time.perf_counter() - start, 3)
    row["seconds_read"] = round(read(training_batches(info, "ft", BATCHES["ft"], 0, 0))[0], 2)
    return row


def write(index, cutting, pairs, processes):
    """Write the pairs' records as generate_tfrec.py does; return the seconds."""
    from data.records.writer import ShardWriter

    if processes == 1:
        one_thread()
    start = time.perf_counter()
    tasks = [(pair, number, cutting, PREPARATION) for number, pair in enumerate(pairs)]
    writer = ShardWriter(index, cutting.kind, cutting.size, PREPARATION, cutting.count, SHARDS)
    work = in_order(pair_samples, tasks, processes, one_thread, writer.folder)
    with writer, closing(work):
        for (pair, *_), samples in work:
            for sample in samples:
                writer.write(pair.hdr.stem, sample)
    cv2.setNumThreads(-1)
    return time.perf_counter() - start


def read(batches):
    """Go through a dataset; return its (wall seconds, processor seconds)."""
    wall, processor = time.perf_counter(), time.process_time()
    iterator = iter(batches)  # a name of its own: at times it takes half a second to go
    for _ in iterator:
        pass
    return time.perf_counter() - wall, time.process_time() - processor


def write_raw(path, info):
    """Write the records as one file of raw float32, as the original's are."""
    import tensorflow as tf

    from data.records.packed_samples import unpack_sample

    arrays = {name: np.empty(shape, np.float32) for name, shape in info.shapes.items()}
    with tf.io.TFRecordWriter(str(path)) as writer:
        for shard in info.shards:
            for record in tf.data.TFRecordDataset(str(shard.path)).as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                packed = {name: feature[name].bytes_list.value[0] for name in arrays}
                unpack_sample(packed, arrays, info.preparation)
                example = tf.train.Example()
                for name, array in arrays.items():
                    example.features.feature[name].bytes_list.value.append(array.tobytes())
                writer.write(example.SerializeToString())


def raw_batches(path, stage, info, batch_size, epoch):
    """Return the batches of an epoch of raw float32 records, read as they were."""
    import tensorflow as tf

    from data.datasets import FEATURES, SHUFFLE, steps_per_epoch

    def select(record):
        names = SCHEMA[info.kind]
        spec = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
        parsed = tf.io.parse_single_example(record, spec)
        arrays = {
            key: tf.reshape(tf.io.decode_raw(parsed[name], tf.float32), info.shapes[name])
            for key, name in FEATURES[stage].items()
        }
        return arrays, arrays.pop("ground_truth")

    steps = steps_per_epoch(info.count, batch_size)
    return (
        tf.data.TFRecordDataset(str(path))
        .shuffle(SHUFFLE[stage], seed=epoch, reshuffle_each_iteration=False)
        .take(steps * batch_size)
        .map(select, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )


if __name__ == "__main__":
    main()

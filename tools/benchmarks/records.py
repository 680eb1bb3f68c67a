"""Measure the training records: bytes of a patch, patches a second written and read.

    python tools/benchmarks/records.py HDR_FOLDER SDR_FOLDER
    python tools/benchmarks/records.py HDR_FOLDER SDR_FOLDER --suffix jpg --pairs 24

Reading is an epoch of batches of each stage, page cache warm, the best of three; a training
must read as many patches a second as its steps take (tools/benchmarks/training.py). Writes
tools/benchmarks/results/records.json; its records lie in a temporary folder.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

# The processes that prepare pictures import this module: TensorFlow is imported where it is used.
from data.pairs import find_pairs
from data.preparation.prepare import Preparation
from data.records.examples import PatchSettings, one_thread, pair_samples
from system.parallel import in_order

PREPARATION = Preparation("gamma", "bilateral", False, 3)
RATIO, PATCHES, SHARDS, ROUNDS = (0.1, 0.6), 16, 16, 3
SIZES = {"dual": (512, 512), "ft": (256, 256)}
STAGES = {"dual": {"high": 4, "bot": 32}, "ft": {"ft": 8}}  # batch sizes


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("hdr_folder")
    parser.add_argument("sdr_folder")
    parser.add_argument("--suffix", default="png", help="of the SDR pictures (default: png)")
    parser.add_argument("--pairs", type=int, default=12, help="at most (default: 12)")
    args = parser.parse_args(argv)
    from tools.benchmarks.measure import circumstances, save

    pairs, _ = find_pairs(args.hdr_folder, args.sdr_folder, "hdr", args.suffix)
    if not pairs:
        parser.error(f"no pairs of .hdr and .{args.suffix} in {args.hdr_folder}, {args.sdr_folder}")
    pairs = pairs[:: -(-len(pairs) // args.pairs)]
    result = {**circumstances(), "pairs": len(pairs), "patches_of_a_pair": PATCHES}
    with tempfile.TemporaryDirectory() as folder:
        for kind in SIZES:
            result[kind] = measured(Path(folder) / f"{kind}.json", kind, pairs)
            print(kind, json.dumps(result[kind]), flush=True)
    save("records", result)


def measured(index, kind, pairs):
    """Return the dict of bytes, writing and reading of one kind of records."""
    from data.datasets import training_batches
    from data.records.index import read_index

    seconds = write(index, kind, pairs)
    info = read_index(index, kind)
    row = {
        "bytes_of_a_patch": sum(shard.bytes for shard in info.shards) // info.count,
        "patches_a_second_written": round(info.count / seconds, 1),
        "patches_a_second_read": {},
    }
    for stage, batch_size in STAGES[kind].items():
        taken = []
        for epoch in range(ROUNDS):
            start = time.perf_counter()
            for _ in training_batches(info, stage, batch_size, 0, epoch):
                pass
            taken.append(time.perf_counter() - start)
        row["patches_a_second_read"][stage] = round(info.count / min(taken), 1)
    return row


def write(index, kind, pairs):
    """Write the pairs' records as generate_tfrec.py does; return the seconds."""
    from data.records.writer import record_writer

    settings = PatchSettings(kind, SIZES[kind], RATIO, PATCHES, 0)
    tasks = [(pair, number, settings, PREPARATION) for number, pair in enumerate(pairs)]
    start = time.perf_counter()
    with (
        record_writer(index, kind, settings.size, PREPARATION, PATCHES, SHARDS) as write_record,
        closing(in_order(pair_samples, tasks, None, one_thread)) as work,
    ):
        for (pair, *_), samples in work:
            for sample in samples:
                write_record(pair.hdr.stem, sample)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

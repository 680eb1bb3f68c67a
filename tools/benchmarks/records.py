"""Measure training records: bytes of a patch, and patches read a second.

    python tools/benchmarks/records.py dataset/tfrecord/dual_.json dataset/tfrecord/ft_.json

Reading is an epoch of batches of the paper's size, page cache warm, the best of three; a training
must read as many patches a second as its steps take (tools/benchmarks/training.py). Writes
tools/benchmarks/results/records.json.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from data.datasets import training_batches
from data.records.index import read_index
from tools.benchmarks.measure import circumstances, save

BATCH_SIZES = {"dual": {"high": 4, "bot": 32}, "ft": {"ft": 8}}
ROUNDS = 3


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step_1", type=Path, help="index of the records of step 1")
    parser.add_argument("step_2", type=Path, help="index of the records of step 2")
    args = parser.parse_args(argv)
    result = circumstances()
    for kind, index in (("dual", args.step_1), ("ft", args.step_2)):
        info = read_index(index, kind)
        size = sum(shard.bytes for shard in info.shards)
        result[kind] = {"patches": info.count, "bytes_of_a_patch": size // info.count}
        for stage, batch_size in BATCH_SIZES[kind].items():
            pace = round(info.count / seconds_of_an_epoch(info, stage, batch_size), 1)
            result[kind][f"patches_a_second_{stage}"] = pace
        print(kind, result[kind], flush=True)
    save("records", result)


def seconds_of_an_epoch(info, stage, batch_size):
    """Return the least of ROUNDS epochs that are read and not used."""
    taken = []
    for epoch in range(ROUNDS):
        start = time.perf_counter()
        for _ in training_batches(info, stage, batch_size, 0, epoch):
            pass
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    main()

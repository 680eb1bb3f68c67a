"""Measure training records: bytes of a patch, patches read a second, and as times a step's pace.

    python tools/benchmarks/records.py dataset/tfrecord/dual_.json dataset/tfrecord/ft_.json

Reading is an epoch of batches of the paper's size, page cache warm, the best of three. The step is
the fastest there is, in bfloat16 without the perceptual term. Writes
tools/benchmarks/results/records.json.
"""

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from data.datasets import training_batches
from data.records.index import read_index
from tools.benchmarks.measure import circumstances, in_turns, save
from tools.benchmarks.training import patches, trainer

BATCH_SIZES = {"dual": {"high": 4, "bot": 32}, "ft": {"ft": 8}}
ROUNDS = 3
REPEATS = 4  # of the shards within an epoch: its start hardly counts then


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step_1", type=Path, help="index of the records of step 1")
    parser.add_argument("step_2", type=Path, help="index of the records of step 2")
    args = parser.parse_args(argv)
    result = circumstances()
    result["command"] = "python tools/benchmarks/records.py dual_.json ft_.json"
    result["stages"] = {}
    for kind, index in (("dual", args.step_1), ("ft", args.step_2)):
        info = read_index(index, kind)
        size = sum(shard.bytes for shard in info.shards)
        result[kind] = {"patches": info.count, "bytes_of_a_patch": size // info.count}
        info = info._replace(shards=info.shards * REPEATS, count=info.count * REPEATS)
        for stage, batch_size in BATCH_SIZES[kind].items():
            pace = info.count / seconds_of_an_epoch(info, stage, batch_size)
            found, batch = trainer(stage, "bfloat16"), patches(stage)
            step = in_turns({"": partial(found.train_on_batch, *batch)}, ROUNDS)[""]["wall_min"]
            result["stages"][stage] = {
                "patches_a_second": round(pace, 1),
                "times_the_step": round(pace * step / batch_size, 2),
            }
            print(stage, result["stages"][stage], flush=True)
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

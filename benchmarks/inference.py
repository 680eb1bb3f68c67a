"""Compare the network in strips (models.fast_network) with the plain one, on the CPU.

    python benchmarks/inference.py                       both at each size
    python benchmarks/inference.py --sizes 1080x1920 --rounds 9

Speed: at each size both run once untimed, then in turn in this process. Memory: at each
size each runs once in a process of its own, after a picture of 64×64; counted is the peak
over what the process held then, the two layers included. The largest difference of the two
results is kept as well. Writes benchmarks/results/inference.json. Linux only.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from benchmarks.measure import (
    ROOT,
    PeakMemory,
    circumstances,
    in_fresh_process,
    in_turns,
    save,
    scene,
)
from data.prepare import Preparation, prepare_picture

SIZES = ("256x256", "512x512", "720x1280", "1080x1920", "2160x3840")
PREPARATION = Preparation("gamma", "bilateral", True, 3)
TINY = 64


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="HEIGHTxWIDTH")
    parser.add_argument("--rounds", type=int, default=7, help="timed runs of each (default: 7)")
    parser.add_argument("--memory_of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.memory_of:
        print(json.dumps(memory(*args.memory_of)))
        return
    result = {**circumstances(), "rounds": args.rounds, "sizes": {}}
    for size in args.sizes:
        result["sizes"][size] = row = compare(size, args.rounds)
        print(
            f"{size}: {row['speed_wall']:.2f} times as fast by the clock, {row['speed_cpu']:.2f} "
            f"by processor seconds; {row['fast']['gb_per_megapixel']:.3f} and plain "
            f"{row['plain']['gb_per_megapixel']:.3f} GB a megapixel; "
            f"difference {row['largest_difference']:.1e}",
            flush=True,
        )
    save("inference", result)


def compare(size, rounds):
    """Return the times, memory and difference of both networks at a size."""
    height, width = sides(size)
    layers = prepare_picture(scene(height, width), PREPARATION)
    both = networks()
    fast, plain = (network(layers.high, layers.bot) for network in both.values())
    difference = float(np.abs(fast - plain).max())
    del fast, plain
    tasks = {name: lambda run=run: run(layers.high, layers.bot) for name, run in both.items()}
    row = in_turns(tasks, rounds)
    for name in both:
        above = in_fresh_process(__file__, "--memory_of", name, size)
        row[name]["peak_bytes_above_base"] = above
        row[name]["gb_per_megapixel"] = round(above / 1e3 / (height * width), 4)
    row["speed_wall"] = round(row["plain"]["wall_median"] / row["fast"]["wall_median"], 3)
    row["speed_cpu"] = round(row["plain"]["cpu_median"] / row["fast"]["cpu_median"], 3)
    return {**row, "largest_difference": difference}


def memory(name, size):
    """Return the peak, in bytes, of one run of a network over what the process held before."""
    network = networks()[name]
    tiny = prepare_picture(scene(TINY, TINY), PREPARATION)
    network(tiny.high, tiny.bot)
    height, width = sides(size)
    with PeakMemory() as memory:
        high = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
        bot = high[::8, ::8].copy()
        network(high, bot)
    return memory.above


def networks():
    """Return both networks with the shipped weights: callables from layers to the result."""
    from models.fast_network import FastNetwork
    from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
    from models.weights import load_branches

    branches = make_branches()
    load_branches(ROOT / "checkpoints" / "ftlayer", branches._asdict())
    plain = tone_mapper(branches, PREPARATION.level_num, TEST_PADDING)
    fast = FastNetwork(branches, PREPARATION.level_num)

    def run_plain(high, bot):
        return plain.predict_on_batch({"high": high[None], "bot": bot[None]})["output"][0]

    def run_fast(high, bot):
        return fast.pictures(high, bot)["output"]

    return {"fast": run_fast, "plain": run_plain}


def sides(size):
    """Return (height, width) of a text like 1080x1920."""
    height, width = map(int, size.split("x"))
    return height, width


if __name__ == "__main__":
    main()

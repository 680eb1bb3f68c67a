"""Compare the network's ways to run on the CPU with the original's graph.

    python tools/benchmarks/inference.py
    python tools/benchmarks/inference.py --sizes 1080x1920 --rounds 9

original is tools/benchmarks/original_graph.py (tf.compat.v1), plain the Keras network of
models.tone_mapper, strips and strips_bfloat16 inference.strips; all have the shipped weights.
Speed: they run once untimed, then in turn in this process. Memory: each runs once in a process
of its own after a picture of 64×64; counted is the peak over what the process held then, the two
layers included. Differences are those of the outputs from the plain network's, in 1/255.
Writes tools/benchmarks/results/inference.json. Linux only.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from data.preparation.prepare import Preparation, prepare_picture
from tools.benchmarks.measure import (
    ROOT,
    PeakMemory,
    circumstances,
    in_fresh_process,
    in_turns,
    save,
    scene,
    sides,
)

NAMES = ("original", "plain", "strips", "strips_bfloat16")
SIZES = ("1080x1920", "2160x3840")
PREPARATION = Preparation("gamma", "bilateral", True, 3)
SMALL_SIDE = 64


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="HEIGHTxWIDTH")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each (default: 5)")
    parser.add_argument("--memory_of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.memory_of:
        print(json.dumps(memory(*args.memory_of)))
        return
    command = f"python tools/benchmarks/inference.py --rounds {args.rounds} --sizes "
    command += " ".join(args.sizes)
    result = {**circumstances(), "command": command, "sizes": {}}
    for size in args.sizes:
        result["sizes"][size] = rows = compare(size, args.rounds)
        print(f"{size:10} {'seconds':>8} {'times original':>15} {'GB/MP':>6} {'differs by':>11}")
        for name, row in rows.items():
            print(
                f"{name:16} {row['wall_median']:8.2f} {row['speed_over_original']:9.2f} "
                f"{row['gb_per_megapixel']:6.3f} {row['mean_difference']:7.3f}",
                flush=True,
            )
    save("inference", result)


def compare(size, rounds):
    """Return the times, memory and differences of each network at a size, by name."""
    height, width = sides(size)
    layers = prepare_picture(scene(height, width), PREPARATION)
    networks = {name: make(name) for name in NAMES}
    plain = networks["plain"](layers.high, layers.bot)
    found = {}
    for name, run in networks.items():
        off = 255 * np.abs(run(layers.high, layers.bot) - plain)
        found[name] = {"mean_difference": float(off.mean()), "largest_difference": float(off.max())}
    del plain, off
    tasks = {n: lambda run=run: run(layers.high, layers.bot) for n, run in networks.items()}
    times = in_turns(tasks, rounds)
    for name, row in found.items():
        row |= times[name]
        row["speed_over_original"] = times["original"]["wall_median"] / row["wall_median"]
        row["speed_over_plain"] = times["plain"]["wall_median"] / row["wall_median"]
        row["peak_bytes_above_base"] = above = in_fresh_process(__file__, "--memory_of", name, size)
        row["gb_per_megapixel"] = above / 1e3 / (height * width)
    return {name: {k: round(v, 4) for k, v in row.items()} for name, row in found.items()}


def memory(name, size):
    """Return the peak, in bytes, of one run of a network over what the process held before."""
    network = make(name)
    small = prepare_picture(scene(SMALL_SIDE, SMALL_SIDE), PREPARATION)
    network(small.high, small.bot)
    height, width = sides(size)
    with PeakMemory() as memory:
        high = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
        bot = high[::8, ::8].copy()
        network(high, bot)
    return memory.above


def make(name):
    """Return one of NAMES with the shipped weights, a function from (high, bot) to the output."""
    from inference.strips import Strips
    from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
    from models.weights import load_weights, newest_checkpoint
    from tools.benchmarks import original_graph

    branches = make_branches()
    load_weights(
        newest_checkpoint(ROOT / "checkpoints" / "pretrained" / "ftlayer"), branches._asdict()
    )
    if name == "original":
        named = branches._asdict().items()
        weights = {branch: original_graph.layer_weights(model) for branch, model in named}
        return original_graph.tone_mapper(weights, PREPARATION.level_num)
    if name == "plain":
        network = tone_mapper(branches, PREPARATION.level_num, TEST_PADDING)
        return lambda high, bot: network.predict_on_batch({"high": high[None], "bot": bot[None]})[
            "output"
        ][0]
    strips = Strips(branches, PREPARATION.level_num, name.partition("_")[2] or "float32")
    return lambda high, bot: strips.pictures(high, bot)["output"]


if __name__ == "__main__":
    main()

"""Compare the network in strips with the plain one and a straightforward one, on the CPU.

    python tools/benchmarks/inference.py                       all three at each size
    python tools/benchmarks/inference.py --sizes 1080x1920 --rounds 9

strips is inference.fast_network, plain models.tone_mapper; straightforward has the normalizations
of tools/benchmarks/straightforward.py. Speed: at each size they run once untimed, then in turn in
this process. Memory: at each size each runs once in a process of its own, after a picture of
64×64; counted is the peak over what the process held then, the two layers included. The
largest differences of the results from the plain network's are kept as well. Writes
benchmarks/results/inference.json. Linux only.
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
)

OTHERS = ("plain", "straightforward")
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
        for name in OTHERS:
            speed = row["speed"][name]
            print(
                f"{size}: strips are {speed['wall']:.2f} times as fast as {name} by the clock, "
                f"{speed['cpu']:.2f} by processor seconds; "
                f"{row['strips']['gb_per_megapixel']:.3f} and {row[name]['gb_per_megapixel']:.3f} "
                "GB a megapixel",
                flush=True,
            )
        print(f"{size}: differences {row['difference_from_plain']}", flush=True)
    save("inference", result)


def compare(size, rounds):
    """Return the times, memory and differences of the networks at a size."""
    height, width = sides(size)
    layers = prepare_picture(scene(height, width), PREPARATION)
    networks = {name: make(name) for name in ("strips", *OTHERS)}
    plain = networks["plain"](layers.high, layers.bot)
    differences = {
        name: float(np.abs(networks[name](layers.high, layers.bot) - plain).max())
        for name in ("strips", "straightforward")
    }
    del plain
    tasks = {n: lambda run=run: run(layers.high, layers.bot) for n, run in networks.items()}
    row = in_turns(tasks, rounds)
    for name in networks:
        above = in_fresh_process(__file__, "--memory_of", name, size)
        row[name]["peak_bytes_above_base"] = above
        row[name]["gb_per_megapixel"] = round(above / 1e3 / (height * width), 4)
    row["speed"] = {
        name: {
            clock: round(row[name][f"{clock}_median"] / row["strips"][f"{clock}_median"], 3)
            for clock in ("wall", "cpu")
        }
        for name in OTHERS
    }
    return {**row, "difference_from_plain": differences}


def memory(name, size):
    """Return the peak, in bytes, of one run of a network over what the process held before."""
    network = make(name)
    tiny = prepare_picture(scene(TINY, TINY), PREPARATION)
    network(tiny.high, tiny.bot)
    height, width = sides(size)
    with PeakMemory() as memory:
        high = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
        bot = high[::8, ::8].copy()
        network(high, bot)
    return memory.above


def make(name):
    """Return one of the networks with the shipped weights, a callable from layers to the result."""
    from inference.fast_network import FastNetwork

    from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
    from models.weights import load_weights, newest_checkpoint
    from tools.benchmarks.straightforward import normalizations

    with normalizations(name == "straightforward"):
        branches = make_branches()
    load_weights(
        newest_checkpoint(ROOT / "checkpoints" / "pretrained" / "ftlayer"), branches._asdict()
    )
    if name == "strips":
        strips = FastNetwork(branches, PREPARATION.level_num)
        return lambda high, bot: strips.pictures(high, bot)["output"]
    network = tone_mapper(branches, PREPARATION.level_num, TEST_PADDING)

    def run(high, bot):
        return network.predict_on_batch({"high": high[None], "bot": bot[None]})["output"][0]

    return run


def sides(size):
    """Return (height, width) of a text like 1080x1920."""
    height, width = map(int, size.split("x"))
    return height, width


if __name__ == "__main__":
    main()

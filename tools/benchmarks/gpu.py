"""Measure training steps and inference on a GPU under JAX and PyTorch.

    python tools/benchmarks/gpu.py --prepare gpu.npz     with TensorFlow, on any machine
    python tools/benchmarks/gpu.py gpu.npz               on the GPU; TensorFlow is not needed

The second needs keras, opencv, and jax or torch. It runs every candidate that is installed, each
in a process of its own: `jax` and `torch` are this project's network and trainer on that backend of
Keras, `pytorch` is tools/benchmarks/pytorch_network.py, with this project's losses. Steps are those
of the paper's batches without the perceptual term. Inference goes from array to array, transfers
included; memory is the peak that the framework took on the device (on a CPU: of the process over
its start). Differences are from TensorFlow's picture on the CPU in float32, in 1/255. Larger
pictures are the prepared one, mirrored.

Writes tools/benchmarks/results/gpu.json where it ran on an accelerator.
"""

import argparse
import importlib.util
import json
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tools.benchmarks.measure import (
    ROOT,
    TRAINING_SHAPES,
    PeakMemory,
    circumstances,
    in_fresh_process,
    in_turns,
    save,
)

LEVEL_NUM = 3  # of the shipped weights
CANDIDATES = {"jax": "jax", "torch": "torch", "pytorch": "torch"}  # name: backend of Keras
PRECISIONS = ("float32", "bfloat16")
SIZES = ("1080x1920", "2160x3840", "5464x8192")
BATCHES = tuple(f"{count}x{side}" for count, side, *_ in TRAINING_SHAPES.values())
PICTURE = ROOT / "dataset" / "test" / "interior.hdr"
PICTURES = ("output_high", "output_bot", "output")
TRUTH = {"high": "output_high", "bot": "output_bot", "ft": "output"}
SOURCE = {"high": "high", "bot": "bot", "ft": "normalized"}


def main(argv=None):
    """Prepare, or measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="weights and pictures, .npz")
    parser.add_argument("--prepare", action="store_true", help="write the file (TensorFlow)")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="HDR picture to prepare")
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES, default=[*CANDIDATES])
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="HEIGHTxWIDTH")
    parser.add_argument(
        "--batches", nargs=3, default=BATCHES, metavar="COUNTxSIDE", help="of high, bot and ft"
    )
    parser.add_argument("--rounds", type=int, default=10, help="timed runs of each (default: 10)")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.prepare:
        prepare(args.file, args.picture)
    elif args.one:
        name, precision = args.one
        print(json.dumps(measure(name, precision, args)))
    else:
        run_all(args, sys.argv[1:] if argv is None else argv)


def prepare(path, picture):
    """Write the shipped weights, a picture's layers, and what TensorFlow makes of them."""
    from data.pictures import read_hdr
    from data.preparation.prepare import prepare_picture
    from inference.operator import Operator
    from models.tone_mapper import make_branches
    from models.weights import default_checkpoint, load_weights, newest_checkpoint
    from tools.benchmarks.original_graph import layer_weights

    found = newest_checkpoint(default_checkpoint())
    operator, branches = Operator(found), make_branches()
    load_weights(found, branches._asdict())
    layers = prepare_picture(read_hdr(picture), operator.preparation)
    arrays = {name: getattr(layers, name) for name in ("normalized", "high", "bot")}
    arrays |= operator.pictures(layers, PICTURES)
    for branch, model in branches._asdict().items():
        for layer, (kernel, bias) in layer_weights(model).items():
            arrays |= {f"{branch}/{layer}/kernel": kernel, f"{branch}/{layer}/bias": bias}
    np.savez_compressed(path, **arrays)


def run_all(args, arguments):
    """Measure each candidate in each precision; print the table and keep the result."""
    result = circumstances(("keras", "numpy", "jax", "torch"))
    result |= {"command": f"python tools/benchmarks/gpu.py {' '.join(arguments)}", "runs": {}}
    failed = []
    for name in args.candidates:
        backend = CANDIDATES[name]
        if importlib.util.find_spec(backend) is None:
            print(f"{name} is left out: {backend} is not installed")
            continue
        for precision in args.precisions:
            try:
                row = in_fresh_process(
                    __file__, *arguments, "--one", name, precision, KERAS_BACKEND=backend
                )
            except SystemExit as error:  # the others' figures count
                print(error)
                failed.append(f"{name} {precision}")
                continue
            result["accelerator"] = row.pop("accelerator")
            result["runs"][f"{name} {precision}"] = row
            print(name, precision, json.dumps(row), flush=True)
            if result["accelerator"]:
                save("gpu", result)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def measure(name, precision, args):
    """Return the figures of one candidate, a JSON-ready dict.

    "accelerator" is the device's name, None on a CPU; the other keys are "steps_a_second" by
    stage, "inference" by size, "mean_difference" and "largest_difference".
    """
    with np.load(args.file) as file:
        arrays = dict(file)
    from tools.benchmarks import gpu_candidates

    device = gpu_candidates.Torch() if CANDIDATES[name] == "torch" else gpu_candidates.Jax()
    kind = gpu_candidates.Peer if name == "pytorch" else gpu_candidates.Ours
    candidate = kind(arrays, precision)
    off = 255 * np.abs(candidate.picture(arrays["high"], arrays["bot"]) - arrays["output"])
    inference, steps = {}, {}
    for size in args.sizes:  # in ascending order: JAX's peak is that of the whole process
        high, bot = layers_of_size(arrays, size)
        try:
            with PeakMemory() as host:
                seconds = in_turns({"": partial(candidate.picture, high, bot)}, args.rounds)[""]
        except Exception as error:  # each framework has its own for a lack of memory
            inference[size] = {"failed": f"{type(error).__name__}: {error}"[:200]}
            continue
        peak = device.peak() if device.accelerator else host.above
        inference[size] = {"seconds": seconds["wall_median"], "peak_bytes": peak}
    for stage, shape in zip(TRAINING_SHAPES, args.batches, strict=True):
        step = candidate.step(stage, *batch(arrays, stage, *map(int, shape.split("x"))))
        seconds = in_turns({"": step}, args.rounds)[""]
        steps[stage] = round(1 / seconds["wall_median"], 4)
    return {
        "accelerator": device.accelerator,
        "mean_difference": round(float(off.mean()), 4),
        "largest_difference": round(float(off.max()), 4),
        "inference": inference,
        "steps_a_second": steps,
    }


def layers_of_size(arrays, size):
    """Return (high, bot) of a text like 1080x1920."""
    height, width = map(int, size.split("x"))
    bot = fitted(arrays["bot"], height >> LEVEL_NUM, width >> LEVEL_NUM)
    return fitted(arrays["high"], height, width), bot


def fitted(layer, height, width):
    """Cut an H×W×3 layer to a size, or mirror it up to that."""
    layer = layer[:height, :width]
    border = (0, height - layer.shape[0]), (0, width - layer.shape[1]), (0, 0)
    return np.pad(layer, border, "symmetric")


def batch(arrays, stage, count, side):
    """Return (inputs, ground truth) of a stage's step, patches of the prepared picture."""

    def patches(name, side=side):
        return fitted(arrays[name], count * side, side).reshape(count, side, side, 3)

    inputs = {"source": patches(SOURCE[stage])}
    if stage == "ft":
        inputs |= {"high": patches("high"), "bot": patches("bot", side >> LEVEL_NUM)}
    return inputs, patches(TRUTH[stage])


if __name__ == "__main__":
    main()

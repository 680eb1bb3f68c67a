"""Time test.py on a folder against the network alone, and where the first picture's time goes.

    python tools/benchmarks/folder.py
    python tools/benchmarks/folder.py --pictures 20 --size 1080x1920

test.py reads, prepares, displays and writes in two more threads while the network works: its
seconds a picture are compared with those of the network on the same prepared picture, measured
before and after in the same process. The start is measured in a process of its own.
Writes tools/benchmarks/results/folder.json.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from data.pictures import read_hdr
from data.preparation.prepare import prepare_picture
from test import main as test_py
from tools.benchmarks.measure import circumstances, in_fresh_process, save, scene, sides

PRECISIONS = ("float32", "bfloat16")
ROUNDS = 3


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--size", default="1080x1920", metavar="HEIGHTxWIDTH")
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.start:
        print(json.dumps(start(*sides(args.size))))
        return
    command = f"python tools/benchmarks/folder.py --pictures {args.pictures} --size {args.size}"
    result = {**circumstances(), "command": command}
    result["start"] = in_fresh_process(__file__, "--start", "--size", args.size)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "0.npy"
        np.save(picture, scene(*sides(args.size)))
        for i in range(1, args.pictures):
            shutil.copy(picture, Path(folder) / f"{i}.npy")
        result["folder"] = {name: compare(name, folder, picture) for name in PRECISIONS}
    print(json.dumps(result, indent=1))
    save("folder", result)


def compare(precision, folder, picture):
    """Return the seconds a picture of the network and of test.py, and their ratio."""
    from inference.operator import Operator

    operator = Operator(precision=precision)
    layers = prepare_picture(read_hdr(picture), operator.preparation)
    count = len(os.listdir(folder))
    arguments = [folder, "--precision", precision]
    operator.pictures(layers)
    before = [seconds(operator.pictures, layers) for _ in range(ROUNDS)]
    with tempfile.TemporaryDirectory() as output:
        whole = seconds(test_py, [*arguments, "--output", output]) / count
    after = [seconds(operator.pictures, layers) for _ in range(ROUNDS)]
    network = statistics.median(before + after)
    found = {"network": network, "test.py": whole, "ratio": whole / network}
    return {name: round(value, 3) for name, value in found.items()}


def start(height, width):
    """Return the seconds from nothing to the first picture, and those of the second."""
    taken = {}
    begin = time.perf_counter()
    from system.devices import import_tensorflow

    import_tensorflow()
    from inference import load_operator

    taken["imports"] = time.perf_counter() - begin
    begin = time.perf_counter()
    operator = load_operator()
    taken["checkpoint"] = time.perf_counter() - begin
    rgb = scene(height, width)
    taken["first picture"], taken["second picture"] = (seconds(operator, rgb) for _ in range(2))
    return {name: {"seconds": round(value, 2)} for name, value in taken.items()}


def seconds(function, *arguments):
    """Return the wall time of a call."""
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()

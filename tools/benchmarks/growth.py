"""Measure how time and memory grow with pixels and with pictures.

    python tools/benchmarks/growth.py

`pixels` is the shipped operator on one picture in float32: seconds of the processor, the least of
ROUNDS, and the peak of memory over the loaded program, each size in a process of its own.
`pictures` are the scripts on a folder of small pictures, as a user runs them: make_sdr.py (labels,
of few pictures), generate_tfrec.py (records of step 1, a patch a picture) and evaluate.py (one
operator); seconds of all their processes, start-up apart, and the memory of the largest.
Exponents are fitted by least squares of the logarithms; hours for 100,000 are the cost of one
picture more, between the two largest numbers. Writes tools/benchmarks/results/growth.json. Linux
only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import cv2
import numpy as np

from tools.benchmarks.measure import ROOT, PeakMemory, circumstances, in_fresh_process, save, scene

ROUNDS = 2
PIXELS = (1 << 18, 1 << 19, 1 << 20, 1 << 21)  # of pictures twice as wide as high
COUNTS = (25, 50, 100, 200)
COUNTS_OF_LABELS = (2, 3, 5, 9)  # a label takes seconds
LARGE = 100_000
SIDES = (176, 184)  # of the small pictures
PATCH = 168


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.one:
        print(json.dumps(one_picture(args.one)))
        return
    result = {**circumstances(), "command": "python tools/benchmarks/growth.py"}
    result |= {"pixels": {}, "pictures": {}}
    rows = [in_fresh_process(__file__, "--one", pixels) for pixels in PIXELS]
    for name, values in zip(("seconds", "gigabytes"), zip(*rows, strict=True), strict=True):
        result["pixels"][name] = fitted(PIXELS, values)
    for name in ("labels", "records", "evaluation"):
        counts = COUNTS_OF_LABELS if name == "labels" else COUNTS
        result["pictures"][name] = of_script(name, counts)
    print(json.dumps(result, indent=1))
    save("growth", result)


def fitted(sizes, values):
    """Return the exponent of the growth and the values."""
    exponent, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return {
        "exponent": round(float(exponent), 3),
        "largest": round(values[-1], 3),
        "values": [round(value, 4) for value in values],
    }


def of_script(name, counts):
    """Return a script's growth, a JSON-ready dict."""
    seconds, gigabytes = zip(*(of_folder(name, count) for count in (1, *counts)), strict=True)
    rest = [value - seconds[0] for value in seconds[1:]]
    more = counts[-1] - counts[-2]
    each = (rest[-1] - rest[-2]) / more
    return {
        **fitted([count - 1 for count in counts], rest),
        "pictures": counts[-1],
        "start": round(seconds[0], 2),
        "each": round(each, 4),
        "hours_of_100000": round(each * LARGE / 3600, 2),
        "gigabytes": round(gigabytes[-1], 3),
    }


def of_folder(name, count):
    """Return (processor's seconds, gigabytes of the largest process) of a script."""
    with tempfile.TemporaryDirectory() as folder:
        hdr, sdr, out = (Path(folder) / name for name in ("hdr", "sdr", "out"))
        hdr.mkdir()
        sdr.mkdir()
        picture = scene(*SIDES)
        for number in range(count):
            shifted = np.roll(picture, 7 * number, (0, 1))
            cv2.imwrite(str(hdr / f"{number}.hdr"), shifted)
            if name == "records":
                codes = (255 * np.clip(shifted / (1 + shifted), 0, 1) ** 0.45).astype(np.uint8)
                cv2.imwrite(str(sdr / f"{number}.jpg"), codes)
        if name == "evaluation":
            method = "--no_network", "--operators", "reinhard_global"
            return resources("evaluate.py", str(hdr), *method, "--output", str(out))
        places = [f"data.hdr_path={hdr}", f"data.sdr_path={sdr}", f"model.tfrecord_dual={out}/x_"]
        places += [f"data.patch_size_h={PATCH}", f"data.patch_size_w={PATCH}"]
        places += [f"data.label_path={out}", "data.patch_per_img=1"]
        settings = [part for place in places for part in ("--set", place)]
        if name == "labels":
            return resources("make_sdr.py", *settings)
        return resources("generate_tfrec.py", "--phase", "training", *settings)


def resources(script, *arguments):
    """Run a script; return (processor's seconds, gigabytes of its largest process)."""
    process = subprocess.Popen(
        [sys.executable, script, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{script} failed")
    print(script, arguments[0], round(used.ru_utime, 2), flush=True)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def picture_of(pixels):
    """Return a scene of about so many pixels, twice as wide as high."""
    height = round((pixels / 2) ** 0.5 / 8) * 8
    return scene(height, 2 * height)


def one_picture(pixels):
    """Return the seconds and the gigabytes of one picture."""
    from inference.operator import Operator

    operator, picture = Operator(), picture_of(pixels)
    operator(scene(64, 128))
    with PeakMemory() as memory:
        operator(picture)
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        operator(picture)
        taken.append(time.process_time() - start)
    return min(taken), memory.above / 1e9


if __name__ == "__main__":
    main()

"""Show how time and memory of the scripts grow with pixels, pictures and patches.

    python tools/benchmarks/growth.py

test.py tone-maps one picture of each size; generate_tfrec.py makes records of step 2 of each
number of pairs, of 64x64 pixels and 16 patches each, and of each number of patches of 12 pairs.
Each run is a process of its own; its seconds and its peak of memory count TensorFlow's start too.
Writes tools/benchmarks/results/growth.json.
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

import numpy as np

from data.pictures import write_hdr, write_sdr
from tools.benchmarks.measure import ROOT, circumstances, save, scene

PAIRS_OF_PATCHES = 12
PATCHES_OF_PAIRS = 16
SIDE = 64  # of pairs and patches


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", nargs="*", type=float, default=[0.25, 1, 2, 4, 8, 16, 33])
    parser.add_argument("--pairs", nargs="*", type=int, default=[12, 120, 1200])
    parser.add_argument("--patches", nargs="*", type=int, default=[16, 160, 1600])
    args = parser.parse_args(argv)
    result = {"pixels": [], "pairs": [], "patches": []}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # Pixels last: a peak is never less than that of the program that started the process.
        for pairs in args.pairs:
            row = records_of(folder, pairs, PATCHES_OF_PAIRS)
            add(result["pairs"], {"pairs": pairs, **row})
        for patches in args.patches:
            row = records_of(folder, PAIRS_OF_PATCHES, patches)
            add(result["patches"], {"patches_of_a_pair": patches, **row})
        for megapixels in args.megapixels:
            height = round((megapixels * 1e6 * 9 / 16) ** 0.5 / 8) * 8
            picture = scene(height, height * 16 // 9 // 8 * 8)
            write_hdr(folder / "picture.hdr", picture)
            row = measured("test.py", folder / "picture.hdr", "--output", folder / "result")
            add(result["pixels"], {"megapixels": round(picture.size / 3e6, 2), **row})
    save("growth", {**circumstances(), **result})


def add(rows, row):
    """Append a row and print it."""
    rows.append(row)
    print(json.dumps(row), flush=True)


def records_of(folder, pairs, patches):
    """Make the records of so many pairs; return the dict of seconds and memory."""
    source = folder / f"{pairs}"
    source.mkdir(exist_ok=True)
    for number in range(pairs):
        picture = scene(SIDE, SIDE) * (1 + number)
        write_hdr(source / f"{number}.hdr", picture)
        write_sdr(source / f"{number}.png", (255 * picture / (1 + picture)).astype(np.uint8))
    values = {
        "data.hdr_path": source,
        "data.sdr_path": source,
        "data.appendix_sdr": "png",
        "data.patch_size_ft_h": SIDE,
        "data.patch_size_ft_w": SIDE,
        "data.patch_per_img": patches,
        "model.tfrecord_ft": folder / "records" / "ft_",
    }
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return measured("generate_tfrec.py", "--phase", "training", "--ft", *settings)


def measured(script, *arguments):
    """Run a root script; return the dict of its seconds and its own peak of memory."""
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{errors.decode()}")
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 2), "peak_gb": round(usage.ru_maxrss * 1024 / 1e9, 3)}


if __name__ == "__main__":
    main()

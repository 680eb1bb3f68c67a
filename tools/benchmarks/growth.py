"""Show how time and memory grow with the picture and with the pairs, on the CPU.

    python tools/benchmarks/growth.py                        0.25 to 33 megapixels
    python tools/benchmarks/growth.py --megapixels 1 2 4
    python tools/benchmarks/growth.py --megapixels           plot what was measured before

Each size runs in a process of its own, the network in strips and the plain one in turn:
a picture in memory is prepared, tone-mapped and displayed. Counted are the seconds of the
second of two runs (of the only one from 8 megapixels on) and the process' peak, libraries
included. The plain network takes part up to --most_plain megapixels: it needs half a
gigabyte a megapixel. What pairs take is measured by tools/benchmarks/records.py. Writes
benchmarks/results/growth.json and docs/growth.png. Linux only.
"""

import argparse
import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import cv2
import numpy as np

from data.preparation.prepare import prepare_picture
from models.display import Display, displayed
from tools.benchmarks.inference import PREPARATION, make
from tools.benchmarks.measure import (
    RESULTS,
    ROOT,
    circumstances,
    in_fresh_process,
    peak_of_process,
    save,
    scene,
)

MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 8, 16, 33)
ONCE_FROM = 8
DISPLAY = Display("clip", "source")
NETWORKS = ("strips", "plain")
COLOURS = ((180, 90, 0), (0, 90, 220), (80, 160, 0))  # BGR
GREY = (220, 220, 220)
PANEL = (420, 520)  # height, width


def main(argv=None):
    """Measure and write the result and the plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", nargs="*", type=float, default=MEGAPIXELS)
    parser.add_argument("--most_plain", type=float, default=16)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.run:
        print(json.dumps(measured(args.run[0], float(args.run[1]))))
        return
    rows = []
    for size in args.megapixels:
        for name in NETWORKS:
            if name == "strips" or size <= args.most_plain:
                row = in_fresh_process(__file__, "--run", name, size)
                rows.append(row)
                print(row, flush=True)
    if rows:
        save("growth", {**circumstances(), "rows": rows})
    plot()


def plot():
    """Draw docs/growth.png of the results of this script and of tools/benchmarks/records.py."""
    rows = json.loads((RESULTS / "growth.json").read_text())["rows"]
    pairs = json.loads((RESULTS / "records.json").read_text())["growth"]
    pairs = {int(count): row for count, row in pairs.items() if count.isdecimal()}
    pictures = {
        value: {
            name: [(r["megapixels"], r[value]) for r in rows if r["network"] == name]
            for name in NETWORKS
        }
        for value in ("seconds", "peak_gb")
    }
    steps = {
        step: [(count, row[f"seconds_{step}"]) for count, row in pairs.items()]
        for step in ("written", "checked", "read")
    }
    panels = [
        panel(pictures["seconds"], "seconds against megapixels"),
        panel(pictures["peak_gb"], "peak GB against megapixels"),
        panel(steps, "seconds against pairs, 16 patches of 64 x 64 each"),
    ]
    cv2.imwrite(str(ROOT / "docs" / "growth.png"), np.hstack(panels))


def measured(name, megapixels):
    """Return one row: seconds and peak of one network at one size."""
    height = round((megapixels * 1e6 * 9 / 16) ** 0.5 / 8) * 8
    picture = scene(height, height * 16 // 9 // 8 * 8)
    network = make(name)
    for _ in range(1 if megapixels >= ONCE_FROM else 2):
        wall, cpu = time.perf_counter(), time.process_time()
        layers = prepare_picture(picture, PREPARATION)
        output = network(layers.high, layers.bot)
        displayed(output, layers.normalized, PREPARATION.data_domain, DISPLAY)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "network": name,
        "megapixels": round(picture.size / 3e6, 3),
        "seconds": round(wall, 3),
        "processor_seconds": round(cpu, 3),
        "peak_gb": round(peak_of_process() / 1e9, 3),
    }


def panel(curves, title):
    """Draw a dict from name to points, both axes logarithmic to base 2."""
    height, width = PANEL
    image = np.full((height, width, 3), 255, np.uint8)
    points = [point for curve in curves.values() for point in curve]
    across = Axis([x for x, _ in points], 60, width - 20)
    up = Axis([y for _, y in points], height - 40, 40)
    for tick in across.ticks():
        line(image, (across(tick), up.start), (across(tick), up.stop), GREY)
        write(image, f"{tick:g}", (across(tick) - 10, height - 20))
    for tick in up.ticks():
        line(image, (across.start, up(tick)), (across.stop, up(tick)), GREY)
        write(image, f"{tick:.2g}", (4, up(tick) + 4))
    write(image, title, (60, 22))
    for place, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[place]
        points = [(across(x), up(y)) for x, y in curve]
        for start, stop in pairwise(points):
            line(image, start, stop, colour, 2)
        for point in points:
            cv2.circle(image, point, 4, colour, -1, cv2.LINE_AA)
        write(image, name, (80, 60 + 20 * place), colour)
    return image


class Axis:
    """Places on a logarithmic axis from pixel `start` to pixel `stop`."""

    def __init__(self, values, start, stop):
        self.low, self.high = np.floor(np.log2(min(values))), np.ceil(np.log2(max(values)))
        self.start, self.stop = start, stop

    def __call__(self, value):
        """Return the pixel of a value."""
        share = (np.log2(value) - self.low) / max(self.high - self.low, 1)
        return round(self.start + share * (self.stop - self.start))

    def ticks(self):
        """Return powers of two on the axis, nine at most."""
        step = -(-(self.high - self.low + 1) // 9)
        return 2.0 ** np.arange(self.low, self.high + 1, step)


def line(image, start, stop, colour, width=1):
    """Draw a line."""
    cv2.line(image, start, stop, colour, width, cv2.LINE_AA)


def write(image, text, place, colour=(0, 0, 0)):
    """Write a text, its lower left corner at `place`."""
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)


if __name__ == "__main__":
    main()

"""Load test.py and watch what it takes: many pictures, many sizes, one huge one, many processes.

    python tests/helpers/load.py pictures --count 1000
    python tests/helpers/load.py sizes --count 200
    python tests/helpers/load.py huge --height 4320 --width 7680
    python tests/helpers/load.py processes --count 4

Prints the figures as JSON. tests/test_load.py asserts what they must be.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from conftest import scene  # noqa: E402

from data.pictures import write_hdr  # noqa: E402


def main(argv=None):
    """Run one kind of load and print its figures."""
    kinds = {"pictures": pictures, "sizes": sizes, "huge": huge, "processes": processes}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--count", type=int)
    parser.add_argument("--height", type=int)
    parser.add_argument("--width", type=int)
    args = parser.parse_args(argv)
    given = {k: v for k, v in vars(args).items() if v is not None and k != "kind"}
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(kinds[args.kind](Path(folder), **given)))


def pictures(folder, count=1000):
    """Tone-map `count` pictures of 64×64 in one run; memory of its tenths (MB, seconds)."""
    source = made(folder, [(64, 64)] * count)
    return tenths(watched(source, folder / "out"), count)


def sizes(folder, count=200):
    """Tone-map pictures of `count` sizes in one run, in random order."""
    wide = 20
    shapes = [(56 + 8 * (i // wide), 56 + 8 * (i % wide)) for i in range(count)]
    order = np.random.default_rng(0).permutation(count)
    source = made(folder, [shapes[i] for i in order])
    return tenths(watched(source, folder / "out"), count)


def huge(folder, height=4320, width=7680):
    """Tone-map one picture; the memory at its peak (MB) and the seconds."""
    source = made(folder, [(height, width)])
    *_, (seconds, written, _, peak) = watched(source, folder / "out")
    return {"megapixels": height * width / 1e6, "written": written, "peak": peak, "s": seconds}


def processes(folder, count=4):
    """Tone-map the same pictures by `count` processes at once into one folder, and by one.

    Returns how often a result differed or was lost, and what else lay in the folder.
    """
    source = made(folder, [(64 + 8 * i, 72) for i in range(12)])
    running = [started(source, folder / "out") for _ in range(count)]
    statuses = [process.wait() for process in running]
    alone = started(source, folder / "alone").wait()
    expected, found = digests(folder / "alone"), digests(folder / "out")
    lost = sum(found.get(name) != digest for name, digest in expected.items())
    left = sorted(found.keys() - expected.keys())
    return {"statuses": [*statuses, alone], "results": len(expected), "lost": lost, "left": left}


def made(folder, shapes):
    """Write a picture of each shape; return their folder."""
    source = folder / "in"
    source.mkdir()
    first = {}
    for number, shape in enumerate(shapes):
        path = source / f"{number:06}.hdr"
        kind = shape, number % 20  # links, because a thousand files take their time
        if kind in first:
            os.link(first[kind], path)
        else:
            write_hdr(path, scene(*shape, number))
            first[kind] = path
    return source


def started(source, out):
    """Start test.py on a folder."""
    command = [sys.executable, str(ROOT / "test.py"), str(source), "--output", str(out)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, **silent)


def watched(source, out):
    """Run test.py; return (seconds, results so far, resident MB, its peak) at many moments."""
    process, start, rows = started(source, out), time.monotonic(), []
    try:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            memory = dict(line.split(":", 1) for line in status if line.startswith("Vm"))
            written = sum(not n.startswith(".") for n in os.listdir(out)) if out.exists() else 0
            if memory:
                resident, peak = (int(memory[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
                rows.append((time.monotonic() - start, written, resident, peak))
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    last = sum(not name.startswith(".") for name in os.listdir(out))
    rows.append((time.monotonic() - start, last, *rows[-1][2:]))
    if process.returncode:
        raise RuntimeError(f"test.py ended with {process.returncode}")
    return rows


def tenths(rows, count):
    """Return the median memory (MB) and the seconds of each tenth of the results."""
    memory, seconds = [], []
    for tenth in range(10):
        part = [row for row in rows if tenth * count / 10 < row[1] <= (tenth + 1) * count / 10]
        if part:  # a watcher that had to wait may have missed one
            memory.append(round(statistics.median(row[2] for row in part), 1))
            seconds.append(round(part[-1][0] - part[0][0], 2))
    written, peak = rows[-1][1], round(rows[-1][3], 1)
    return {"written": written, "memory": memory, "seconds": seconds, "peak": peak}


def digests(folder):
    """Return the digest of each file of a folder, by name."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


if __name__ == "__main__":
    main()

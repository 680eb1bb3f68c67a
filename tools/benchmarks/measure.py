"""What the benchmarks share: the machine, a picture, time in turns, peak memory."""

import datetime
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tools" / "benchmarks" / "results"
# Of the paper's batches, in the order of the stages.
TRAINING_SHAPES = {"high": (4, 512, 512, 3), "bot": (32, 64, 64, 3), "ft": (8, 256, 256, 3)}


def circumstances(packages=("tensorflow", "keras", "numpy")):
    """Return a dict of date, processor, cores in use, their load, and versions of packages."""
    installed = {name for name in packages if importlib.util.find_spec(name)}
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].split(":", 1)[1].strip() if names else model
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "load_of_the_last_minute": os.getloadavg()[0],
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages if name in installed},
            "opencv": cv2.__version__,
        },
    }


def scene(height, width):
    """Return a scene-linear H×W×3 float32 picture of about ten stops, with fine detail."""
    generator = np.random.default_rng(0)
    picture = cv2.resize(
        np.exp(generator.normal(0, 2, (6, 8, 3))).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    np.abs(picture, out=picture)
    for rows in np.array_split(picture, max(1, height // 64)):
        rows *= generator.uniform(0.8, 1.2, rows.shape).astype(np.float32)
    return picture


def sides(size):
    """Return (height, width) of a text like 1080x1920."""
    height, width = map(int, size.split("x"))
    return height, width


def in_turns(tasks, rounds):
    """Run each of a dict of callables once untimed, then all in turn; return times by name.

    Returns:
        dict from name to {"wall_min", "wall_median", "cpu_min", "cpu_median"}, in seconds.
        The processor's seconds count all cores, and hardly depend on what else is running.
    """
    for task in tasks.values():
        task()
    taken = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            wall, cpu = time.perf_counter(), time.process_time()
            task()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: {
            f"{clock}_{kind}": round(float(statistic(np.array(times)[:, column])), 4)
            for column, clock in enumerate(("wall", "cpu"))
            for kind, statistic in (("min", np.min), ("median", np.median))
        }
        for name, times in taken.items()
    }


def in_fresh_process(script, *arguments, **variables):
    """Run a script with arguments and further environment variables; return the JSON it prints."""
    command = [sys.executable, str(script), *map(str, arguments)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class PeakMemory:
    """Bytes of memory at the peak of a with block, over what the process held before it."""

    def __enter__(self):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts at what is held now
        self._before = _status("VmRSS")
        return self

    def __exit__(self, *error):
        self.peak = _status("VmHWM")
        self.above = self.peak - self._before


def save(name, result):
    """Write tools/benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path.relative_to(ROOT)}")


def _status(field):
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) * 1024

"""Compare the training step with the network's forward pass and with a plain step, on the CPU.

    python tools/benchmarks/training.py                    all stages, the original's batches
    python tools/benchmarks/training.py --stages bot --rounds 9

Batches are the paper's: high 4×512×512, bot 32×64×64, ft 8×256×256, without the
perceptual term. Speed: the forward pass, the step, and the step with the normalizations of
tools/benchmarks/straightforward.py (the plain one) run twice untimed, then in turn in this
process; no
step is one whose terms outside the total are computed. Memory: the peak of a process
that takes three steps, for each of the two. Input: records are made from pictures of this
script's, and the time that the steps of an epoch wait for their batches is counted, the
first batch of the epoch apart. Writes tools/benchmarks/results/training.json; stages that are not
measured stay in it as they were. Linux only.
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

from tools.benchmarks.measure import (
    RESULTS,
    ROOT,
    circumstances,
    in_fresh_process,
    in_turns,
    peak_of_process,
    save,
    scene,
)

SHAPES = {"high": (4, 512, 512, 3), "bot": (32, 64, 64, 3), "ft": (8, 256, 256, 3)}
LEVELS = 3
PICTURES, PICTURE_SIDES = 4, (640, 768)
# Steps over forward passes of the original (TensorFlow 1 code, 2 cores), of the same batches.
ORIGINAL = {"high": 5.7, "bot": 6.3, "ft": 6.2}


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stages", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=7, help="timed steps, 17 at most (7)")
    parser.add_argument("--memory_of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.memory_of:
        print(json.dumps(memory(*args.memory_of)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for stage in args.stages:
            row = {**circumstances(), "rounds": args.rounds}
            row |= measure(stage, args.rounds, Path(folder))
            print(
                f"{stage}: a step takes {row['step_over_forward']:.2f} forward passes (the "
                f"original's {ORIGINAL[stage]}), {row['speed_over_plain']:.2f} times as fast as "
                f"the plain step; peak {row['peak_bytes']['step'] / 1e9:.2f} GB, plain "
                f"{row['peak_bytes']['plain step'] / 1e9:.2f}; {row['input']['waiting_percent']} % "
                "of an epoch's time the steps wait for input",
                flush=True,
            )
            path = RESULTS / "training.json"
            before = json.loads(path.read_text()) if path.exists() else {}
            save("training", {**before, stage: row})


def measure(stage, rounds, folder):
    """Return the times, memory and waiting of a stage."""
    import tensorflow as tf

    batch = random_batch(stage)
    step, plain = (make_trainer(stage, plain) for plain in (False, True))
    forward = tf.function(lambda: plain(batch[0])["output"])
    tasks = {
        "forward": forward,
        "step": lambda: step.train_on_batch(*batch),
        "plain step": lambda: plain.train_on_batch(*batch),
    }
    for task in tasks.values():
        task()
    row = in_turns(tasks, rounds)
    row["step_over_forward"] = ratio(row, "step", "forward")
    row["plain_step_over_forward"] = ratio(row, "plain step", "forward")
    row["original_step_over_forward"] = ORIGINAL[stage]
    row["speed_over_plain"] = ratio(row, "plain step", "step")
    row["peak_bytes"] = {
        name: in_fresh_process(__file__, "--memory_of", stage, name)
        for name in ("step", "plain step")
    }
    row["input"] = waiting(stage, step, folder)
    return row


def ratio(row, a, b):
    """Return how many times b's processor seconds a takes."""
    return round(row[a]["cpu_median"] / row[b]["cpu_median"], 3)


def memory(stage, name):
    """Return the peak, in bytes, of this process after three steps."""
    trainer, batch = make_trainer(stage, name == "plain step"), random_batch(stage)
    for _ in range(3):
        trainer.train_on_batch(*batch)
    return peak_of_process()


def random_batch(stage):
    """Return (inputs, ground truth) of the paper's size, smooth pictures in [0, 1]."""
    import tensorflow as tf

    count, height, width, _ = shape = SHAPES[stage]
    generator = np.random.default_rng(0)

    def pictures(*shape):
        return np.stack(
            [cv2.resize(c, shape[2:0:-1]) for c in generator.random((shape[0], 9, 9, 3), "f4")]
        )

    inputs = {"source": pictures(*shape)}
    if stage == "ft":
        inputs["high"] = pictures(*shape) / 10
        inputs["bot"] = pictures(count, height >> LEVELS, width >> LEVELS, 3)
    return {k: tf.constant(v) for k, v in inputs.items()}, tf.constant(pictures(*shape))


def make_trainer(stage, plain):
    """Return the stage's training.trainer.Trainer, with straightforward normalizations if plain."""
    import keras

    from losses.objectives import Objective
    from models import tone_mapper
    from tools.benchmarks.straightforward import normalizations
    from training.trainer import Trainer

    keras.utils.set_random_seed(0)
    with normalizations(plain):
        branches = tone_mapper.make_branches()
    joint = stage == "ft"
    network = tone_mapper.tone_mapper(branches, LEVELS) if joint else getattr(branches, stage)
    return Trainer(network, Objective(stage), 3e-4)


def waiting(stage, trainer, folder):
    """Return how long the steps of an epoch of records wait for their batches."""
    from data.datasets import training_batches
    from data.records.index import read_index

    kind = "ft" if stage == "ft" else "dual"
    path = records(kind, folder)
    info = read_index(path, kind)
    waits, steps = [], []
    batches = iter(training_batches(info, stage, SHAPES[stage][0], 0, 0))
    while True:
        begin = time.perf_counter()
        batch = next(batches, None)
        waits.append(time.perf_counter() - begin)
        if batch is None:
            break
        trainer.train_on_batch(*batch)
        steps.append(time.perf_counter() - begin - waits[-1])
    first, *others = waits
    return {
        "patches": info.count,
        "first_batch_seconds": round(first, 4),
        "waiting_percent": round(100 * sum(others) / (sum(others) + sum(steps)), 2),
    }


def records(kind, folder):
    """Make the records of a kind, once, and return their path."""
    from data.pictures import write_hdr, write_sdr
    from data.records.index import index_path

    prefix = folder / f"{kind}_"
    if index_path(prefix).exists():
        return index_path(prefix)
    for part in ("hdr", "sdr"):
        (folder / part).mkdir(exist_ok=True)
    for index in range(PICTURES):
        picture = scene(*PICTURE_SIDES)
        write_hdr(folder / "hdr" / f"{index}.hdr", picture)
        shown = (255 * (picture / (1 + picture)) ** 0.4545).astype(np.uint8)
        write_sdr(folder / "sdr" / f"{index}.png", shown)
    settings = {
        "data.hdr_path": folder / "hdr",
        "data.sdr_path": folder / "sdr",
        "data.appendix_sdr": "png",
        f"model.tfrecord_{kind}": prefix,
    }
    command = [sys.executable, str(ROOT / "generate_tfrec.py"), "--phase", "training"]
    command += ["--ft"] if kind == "ft" else []
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return index_path(prefix)


if __name__ == "__main__":
    main()

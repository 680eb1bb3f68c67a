"""Time a training step of each stage, in float32 and bfloat16, against the original's graph.

    python tools/benchmarks/training.py                    all stages, the paper's batches
    python tools/benchmarks/training.py --stages bot --rounds 9

Batches are the paper's: high 4×512×512, bot 32×64×64, ft 8×256×256. All three take the same
loss, this project's without the perceptual term, and Adam; the original's step is a graph of
tf.compat.v1 (tools/benchmarks/original_graph.py). They run in turn in this process, on the
CPU; the median of each counts. Writes tools/benchmarks/results/training.json.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import cv2
import keras
import numpy as np
import tensorflow as tf

from losses.objectives import Objective, Pictures
from models.tone_mapper import make_branches, tone_mapper
from tools.benchmarks import original_graph
from tools.benchmarks.measure import TRAINING_SHAPES, circumstances, in_turns, save
from training.trainer import EPSILON, Trainer

STAGES = tuple(TRAINING_SHAPES)
LEVELS = 3
RATE = 3e-4

tf1 = tf.compat.v1


def main(argv=None):
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--rounds", type=int, default=7, help="timed steps of each (7)")
    args = parser.parse_args(argv)
    command = f"python tools/benchmarks/training.py --stages {' '.join(args.stages)}"
    command += f" --rounds {args.rounds}"
    result = {**circumstances(), "command": command, "stages": {}}
    for stage in args.stages:
        result["stages"][stage] = row = measure(stage, args.rounds)
        print(
            f"{stage}: float32 {row['speed_over_original']['float32']} times, bfloat16 "
            f"{row['speed_over_original']['bfloat16']} times as fast as the original's graph",
            flush=True,
        )
    save("training", result)


def measure(stage, rounds):
    """Return the times of a stage's steps."""
    batch = random_batch(stage)
    trainers = {precision: trainer(stage, precision) for precision in ("float32", "bfloat16")}
    tasks = {
        precision: lambda found=found: found.train_on_batch(*batch)
        for precision, found in trainers.items()
    }
    tasks["original"] = original_step(stage, batch)
    for task in tasks.values():
        task()
    row = in_turns(tasks, rounds)
    seconds = {name: row[name]["cpu_median"] for name in tasks}
    row["speed_over_original"] = {
        name: round(seconds["original"] / seconds[name], 3) for name in trainers
    }
    return row


def random_batch(stage):
    """Return (inputs, ground truth) of the paper's size, smooth pictures in [0, 1]."""
    count, height, width, _ = shape = TRAINING_SHAPES[stage]
    generator = np.random.default_rng(0)

    def pictures(*shape):
        return np.stack(
            [cv2.resize(c, shape[2:0:-1]) for c in generator.random((shape[0], 9, 9, 3), "f4")]
        )

    inputs = {"source": pictures(*shape)}
    if stage == "ft":
        inputs["high"] = pictures(*shape) / 10
        inputs["bot"] = pictures(count, height >> LEVELS, width >> LEVELS, 3)
    return inputs, pictures(*shape)


def trainer(stage, precision):
    """Return the stage's training.trainer.Trainer."""
    keras.utils.set_random_seed(0)
    branches = make_branches(precision)
    network = tone_mapper(branches, LEVELS) if stage == "ft" else getattr(branches, stage)
    return Trainer(network, Objective(stage), RATE)


def original_step(stage, batch):
    """Return a function that takes a step of the original's graph, with the same first weights."""
    keras.utils.set_random_seed(0)
    weights = {n: original_graph.layer_weights(b) for n, b in make_branches()._asdict().items()}
    inputs, truth = batch
    with tf.Graph().as_default() as graph:
        arrays = {**inputs, "truth": truth}
        feeds = {name: tf1.placeholder(tf.float32, array.shape) for name, array in arrays.items()}
        if stage == "ft":
            output = original_graph.joint(feeds["high"], feeds["bot"], weights, 0, LEVELS)
        else:
            output = original_graph.branch(stage, feeds["source"], weights[stage])
        total, _ = Objective(stage).total(Pictures(output, feeds["truth"], feeds["source"]), [])
        step = tf1.train.AdamOptimizer(RATE, epsilon=EPSILON).minimize(total)
        session = tf1.Session(graph=graph)
        session.run(tf1.global_variables_initializer())
    feed = {feeds[name]: array for name, array in arrays.items()}
    return lambda: session.run([step, total], feed)[1]


if __name__ == "__main__":
    main()

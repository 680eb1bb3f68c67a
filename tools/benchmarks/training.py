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

from data.pictures import read_hdr
from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.prepare import Preparation, split
from losses.objectives import Objective, Pictures
from metrics.operators import OPERATORS
from models.tone_mapper import make_branches, tone_mapper
from models.weights import PRETRAINED, load_weights, newest_checkpoint
from tools.benchmarks import original_graph
from tools.benchmarks.measure import ROOT, TRAINING_SHAPES, circumstances, in_turns, save
from training.trainer import EPSILON, Trainer

STAGES = tuple(TRAINING_SHAPES)
LEVELS = 3
PREPARATION = Preparation("gamma", "bilateral", True, LEVELS)  # of the shipped weights
LABEL = "reinhard_global"
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
    """Return the times of a stage's steps, and how far the two precisions' gradients agree."""
    batch = patches(stage)
    trainers = {precision: trainer(stage, precision) for precision in ("float32", "bfloat16")}
    directions = [direction(found, *batch) for found in trainers.values()]
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
    row["gradient_cosine"] = round(float(np.dot(*directions)), 5)
    return row


def patches(stage):
    """Return (inputs, ground truth) of the paper's size, cut from the scenes of dataset/test.

    The ground truth is Reinhard's operator.
    """
    count, side, *_ = TRAINING_SHAPES[stage]
    scenes = sorted((ROOT / "dataset" / "test").glob("*.hdr"))
    places = np.random.default_rng(0).random((count, 2))
    crops = []
    for index, place in enumerate(places):
        hdr = read_hdr(scenes[index % len(scenes)])
        label = normalize_sdr(OPERATORS[LABEL](hdr), PREPARATION.data_domain)
        normalized = normalize_hdr(hdr, PREPARATION.data_domain)
        length = side << LEVELS if stage == "bot" else side
        # Of a scene smaller than the patch, the part that there is, enlarged.
        rows, columns = (
            slice(start := int(at * max(0, size - length)) & -8, start + length)
            for at, size in zip(place, hdr.shape, strict=False)
        )
        pictures = (cv2.resize(p[rows, columns], (length, length)) for p in (normalized, label))
        crops.append([(picture, *split(picture, PREPARATION)) for picture in pictures])
    (source, high, bot), (truth, *layers) = (
        map(np.stack, zip(*found, strict=True)) for found in zip(*crops, strict=True)
    )
    if stage == "ft":
        return {"source": source, "high": high, "bot": bot}, truth
    return {"source": high if stage == "high" else bot}, layers[stage == "bot"]


def direction(found, inputs, truth):
    """Return the unit vector of a trainer's gradient with the shipped weights."""
    x, y = keras.tree.map_structure(tf.constant, (inputs, truth))
    variables = found.network.trainable_variables
    with tf.GradientTape() as tape:
        output = found(x, training=True)["output"]
        total, _ = found.objective.total(Pictures(output, y, x["source"]), [])
    flat = np.concatenate([np.ravel(part) for part in tape.gradient(total, variables)])
    return flat / np.linalg.norm(flat)


def trainer(stage, precision):
    """Return the stage's training.trainer.Trainer."""
    branches = shipped_branches(precision)
    network = tone_mapper(branches, LEVELS) if stage == "ft" else getattr(branches, stage)
    return Trainer(network, Objective(stage), RATE)


def shipped_branches(precision="float32"):
    """Return models.tone_mapper.Branches with the shipped weights."""
    branches = make_branches(precision)
    load_weights(newest_checkpoint(PRETRAINED / "ftlayer"), branches._asdict())
    return branches


def original_step(stage, batch):
    """Return a function that takes a step of the original's graph, with the same first weights."""
    named = shipped_branches()._asdict().items()
    weights = {name: original_graph.layer_weights(branch) for name, branch in named}
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

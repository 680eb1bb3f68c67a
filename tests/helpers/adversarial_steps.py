"""Train one stage on batches that no camera would give, and check every number of every step.

    PYTHONPATH=. python tests/helpers/adversarial_steps.py STAGE DOMAIN STEPS [FOLDER] [--vgg]

STEPS counts all steps; with FOLDER the run is saved every SAVE_EVERY steps and goes on from
there. Every term of the stage has a weight in the total, the ones that are only reported too,
so that each is computed, and differentiated, in every step. A gradient that is not finite
stays in Adam's moments, so these are what is looked at. Prints the steps taken and what the
steps from this run's first on reached, as JSON; the first number that is not finite raises.

--vgg adds the perceptual term, with the stand-in weights of the tests.
"""

import argparse
import json
import time

import numpy as np
import tensorflow as tf
from conftest import vgg_weights

from data.preparation.normalize import normalize_hdr, normalize_sdr
from data.preparation.prepare import Preparation, split
from losses.objectives import EXTRA, PERCEPTUAL, RECIPES, REPORTED, Objective
from losses.perceptual import PerceptualLoss
from models.display import Display
from models.tone_mapper import make_branches, tone_mapper
from models.weights import newest_checkpoint
from training.checkpoint import StageCheckpoint
from training.trainer import Trainer

SIDE = 168  # the least multiple of 8 that every loss takes
BATCH = {"high": 1, "bot": 4, "ft": 1}
RATES = {"high": 3e-4, "bot": 3e-4, "ft": 1.5e-3}
SAVE_EVERY = 250
LEAST_WEIGHT = 0.05  # of the terms outside the paper's totals

PRIMARIES = {
    f"primary {''.join(map(str, rgb))}": rgb for rgb in np.ndindex(2, 2, 2) if 0 < sum(rgb) < 3
}


def _checkerboard(generator, side):
    size = 2 ** generator.integers(0, 6)
    rows = np.arange(side) // size
    first, second = generator.random((2, 3))
    return np.where(((rows[:, None] + rows) % 2)[..., None], first, second)


def _hot_pixel(generator, side):
    picture = np.zeros((side, side, 3))
    picture[tuple(generator.integers(0, side, 2))] = 1e30
    return picture


# Each gives a SIDE×SIDE×3 picture; ranges beyond [0, 1] are what they are there for.
PICTURES = {
    "flat": lambda g, n: np.broadcast_to(g.random(3), (n, n, 3)),
    "black": lambda g, n: np.zeros((n, n, 3)),
    "white": lambda g, n: np.ones((n, n, 3)),
    "noise": lambda g, n: g.random((n, n, 3)),
    "forty stops": lambda g, n: np.exp2(g.uniform(-20, 20, (n, n, 3))),
    "checkerboard": _checkerboard,
    "negative": lambda g, n: -g.random((n, n, 3)),
    "around zero": lambda g, n: g.normal(0, 1, (n, n, 3)),
    "salt and pepper": lambda g, n: g.integers(0, 2, (n, n, 3)),
    "ramp": lambda g, n: np.linspace(g.random(3), g.random(3), n)[None].repeat(n, 0),
    "denormal": lambda g, n: g.random((n, n, 3)) * 1e-40,
    "hot pixel": _hot_pixel,
    **{
        name: lambda g, n, rgb=rgb: np.broadcast_to(np.float32(rgb), (n, n, 3))
        for name, rgb in PRIMARIES.items()
    },
}


def batch_of(step, stage, domain):
    """Return (inputs, ground truth) of one step as the trainer takes them; step is the seed.

    Half of the pictures go through the normalization as a file's do; the other half skip it,
    within [-1, 1], which no record of this project holds but the trainer must survive.
    """
    generator = np.random.default_rng([step, ["high", "bot", "ft"].index(stage)])
    preparation = Preparation(
        domain, generator.choice(["bilateral", "gaussian"]), bool(generator.integers(2)), 3
    )
    samples = [_sample(generator, stage, preparation) for _ in range(BATCH[stage])]
    stacked = {name: np.stack([s[name] for s in samples]) for name in samples[0]}
    return stacked, stacked.pop("ground_truth")


def _sample(generator, stage, preparation):
    hdr = _picture(generator, normalize_hdr, preparation.data_domain)
    same = generator.integers(8) == 0
    sdr = hdr if same else _picture(generator, normalize_sdr, preparation.data_domain)
    high, bot = split(hdr, preparation)
    if stage == "ft":
        return {"source": hdr, "high": high, "bot": bot, "ground_truth": sdr}
    layer = 0 if stage == "high" else 1
    return {"source": (high, bot)[layer], "ground_truth": split(sdr, preparation)[layer]}


def _picture(generator, normalize, domain):
    names = list(PICTURES)
    picture = PICTURES[names[generator.integers(len(names))]](generator, SIDE)
    picture = np.array(picture, np.float32)
    if generator.integers(2):
        return normalize(np.maximum(picture, 0), domain)
    return np.clip(picture, -1, 1)


def make(stage, perceptual):
    """Return (trainer, dict of its branches) with a weight on every term."""
    terms = (*RECIPES[stage], *REPORTED[stage], *EXTRA[stage])
    weights = {name: RECIPES[stage].get(name, LEAST_WEIGHT) for name in terms}
    if perceptual is None:
        weights = {name: weight for name, weight in weights.items() if name not in PERCEPTUAL}
    branches = make_branches()
    used = branches._asdict() if stage == "ft" else {stage: getattr(branches, stage)}
    network = tone_mapper(branches, 3) if stage == "ft" else used[stage]
    return Trainer(network, Objective(stage, weights, perceptual), RATES[stage]), used


def watch(trainer):
    """Return a function that gives (largest |weight|, largest |moment|), NaN where any is."""

    def largest(variables):
        return tf.reduce_max(
            tf.abs(tf.concat([tf.reshape(v.value, [-1]) for v in variables], axis=0))
        )

    weights = trainer.network.trainable_variables
    moments = [v for v in trainer.optimizer.variables if v.path.endswith(("momentum", "velocity"))]
    assert len(moments) == 2 * len(weights)
    # x - x is 0 for finite x alone; tf.reduce_max may drop a NaN.
    return tf.function(
        lambda: tf.stack(
            [
                largest(found) + tf.add_n([tf.reduce_sum(v.value - v.value) for v in found])
                for found in (weights, moments)
            ]
        )
    )


def main(argv=None):
    """Take the steps that are lacking and print the JSON; see the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=RECIPES)
    parser.add_argument("domain", choices=("gamma", "linear"))
    parser.add_argument("steps", type=int)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--vgg", action="store_true")
    args = parser.parse_args(argv)
    tf.keras.utils.set_random_seed(0)
    perceptual = PerceptualLoss(vgg_weights.__wrapped__()) if args.vgg else None
    trainer, used = make(args.stage, perceptual)
    checkpoint = None
    if args.folder:
        saved = {
            "preparation": Preparation(args.domain, "bilateral", False, 3)._asdict(),
            "display": Display()._asdict(),
            "no_high_branch": False,
            "no_ft_branch": False,
        }
        checkpoint = StageCheckpoint(args.folder, args.stage, used, trainer, saved)
        if found := newest_checkpoint(args.folder):
            checkpoint.restore(found)
    print(json.dumps(_train(args, trainer, checkpoint)), flush=True)


def _train(args, trainer, checkpoint):
    look, start, clock = watch(trainer), int(trainer.optimizer.iterations), time.perf_counter()
    before = [v.numpy() for v in trainer.network.trainable_variables]
    worst = {}
    for step in range(start, args.steps):
        inputs, truth = batch_of(step, args.stage, args.domain)
        found = trainer.train_on_batch(inputs, truth, return_dict=True)
        found = {name: float(value) for name, value in found.items() if name != "loss"}
        found["|weight|"], found["|moment|"] = map(float, look())
        bad = {name: value for name, value in found.items() if not np.isfinite(value)}
        if bad:
            raise ArithmeticError(f"{args.stage}, {args.domain}, step {step}: {bad}")
        worst = {name: max(abs(value), worst.get(name, 0)) for name, value in found.items()}
        if checkpoint and (step + 1) % SAVE_EVERY == 0:
            checkpoint.save(0)
            seconds = (time.perf_counter() - clock) / (step + 1 - start)
            print(f"{args.stage} {args.domain} {step + 1} steps, {seconds:.3f} s each", flush=True)
    moved = [
        np.abs(np.asarray(v) - b).max()
        for v, b in zip(trainer.network.trainable_variables, before, strict=True)
    ]
    return {
        "stage": args.stage,
        "domain": args.domain,
        "steps": int(trainer.optimizer.iterations),
        "taken": args.steps - start,
        "least change of a variable": float(min(moved)),
        "worst": worst,
    }


if __name__ == "__main__":
    main()

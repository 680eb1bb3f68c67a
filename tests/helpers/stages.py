"""A small training of each stage, for the tests of checkpoints."""

import numpy as np

from data.preparation.prepare import Preparation
from losses.objectives import Objective
from models.display import Display
from models.tone_mapper import make_branches, tone_mapper
from training.checkpoint import StageCheckpoint
from training.trainer import Trainer

PAPER = Preparation("gamma", "bilateral", False, 3)
FUSED = Preparation("gamma", "bilateral", True, 3)


def settings(preparation=FUSED, **changes):
    return {
        "preparation": preparation._asdict(),
        "display": Display("clip", "source", 1.2)._asdict(),
        "no_high_branch": False,
        "no_ft_branch": False,
        **changes,
    }


def stage(folder, name="bot", saved=None, rate=1e-3):
    branches = make_branches()
    used = branches._asdict() if name == "ft" else {name: getattr(branches, name)}
    network = tone_mapper(branches, 3) if name == "ft" else used[name]
    trainer = Trainer(network, Objective(name), rate)
    return trainer, StageCheckpoint(folder, name, used, trainer, saved or settings())


def train(trainer, steps=1, seed=0):
    x = np.random.default_rng(seed).random((2, 24, 24, 3), dtype="f4")
    for _ in range(steps):
        trainer.train_on_batch({"source": x}, x[:, ::-1])


def state(trainer):
    return [np.asarray(v) for v in (*trainer.trainable_variables, *trainer.optimizer.variables)]

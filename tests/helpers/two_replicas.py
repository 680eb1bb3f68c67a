"""Train on two virtual CPU devices; a program of its own for test_training_strategy.py.

Devices can only be split before TensorFlow has used them. `python two_replicas.py OUT.npz`
takes steps of the branches with and without the strategy and stores what they give;
`python two_replicas.py train_STAGE ARGUMENTS` runs that script; `python two_replicas.py worker
INDEX OUT.npz` trains on records as the worker of TF_CONFIG.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from configs.command_line import run
from data.datasets import training_batches
from data.records.index import read_index
from losses.objectives import Objective
from models.tone_mapper import make_branches
from training.strategy import Replicas

ONLY_L1 = {"l1": 1.0, "tmqi": 0.0, "msssim": 0.0}
CPU = tf.config.list_physical_devices("CPU")[0]


def steps(replicas, stage, data, weights):
    """Return (each step's total, weights and momenta after the last) of one stage."""
    objective = Objective(stage, weights)
    objective.reported = ()  # the small records are too small for some terms
    tf.keras.utils.set_random_seed(0)
    with replicas.strategy.scope():
        branch = getattr(make_branches(), stage)
        trainer = replicas.trainer(branch, objective, 1e-3)
    totals = []

    class Keep(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            totals.append(float(logs["total_loss"]))

    trainer.fit(data, initial_epoch=0, verbose=0, shuffle=False, callbacks=[Keep()])
    state = [*trainer.trainable_variables, *trainer.optimizer.variables]
    return totals, np.concatenate([np.ravel(variable.numpy()) for variable in state])


def train_as_worker(index, out):
    """Store an epoch's totals and state of this worker."""
    replicas = Replicas("multi_worker")
    info = read_index(Path(index), "dual")
    tf.keras.utils.set_random_seed(0)  # which the batches' order depends on, too
    data = training_batches(info, "high", 4, 0, 0, 0, replicas.worker, replicas.workers)
    totals, state = steps(replicas, "high", data, ONLY_L1)
    np.savez(out, totals=totals, state=state)


def main(out):
    """Store the two ways of training side by side."""
    x, y = np.random.default_rng(0).random((2, 3, 4, 164, 168, 3), dtype="f4")
    from_slices = tf.data.Dataset.from_tensor_slices
    alone, pair = Replicas("default"), Replicas("mirrored")
    found = {"replicas": pair.count}
    for name, replicas in (("alone", alone), ("pair", pair)):
        found[f"{name} totals"], found[f"{name} state"] = steps(
            replicas, "high", from_slices(({"source": x}, y)), ONLY_L1
        )
    x, y = x[:1, :, :24, :32], y[:1, :, :24, :32]
    halves = [({"source": x[:, part]}, y[:, part]) for part in (slice(2), slice(2, None))]
    found["bot halves"] = [steps(alone, "bot", from_slices(half), {})[0] for half in halves]
    found["bot pair"] = steps(pair, "bot", from_slices(({"source": x}, y)), {})[0]
    np.savez(out, **found)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        sys.exit(train_as_worker(*sys.argv[2:]))
    tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
    if sys.argv[1].startswith("train_"):
        script = importlib.import_module(sys.argv.pop(1))
        run(script.main)
    main(sys.argv[1])

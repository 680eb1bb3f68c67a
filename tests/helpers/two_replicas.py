"""Train on two virtual CPU devices; a program of its own for test_training_strategy.py.

Devices can only be split before TensorFlow has used them. `python two_replicas.py OUT.npz`
takes steps of the branches with and without the strategy and stores what they give;
`python two_replicas.py train_STAGE ARGUMENTS` runs that script.
"""

import importlib
import sys

import numpy as np
import tensorflow as tf

from configs.command_line import run
from losses.objectives import Objective
from models.tone_mapper import make_branches
from training.strategy import Replicas

CPU = tf.config.list_physical_devices("CPU")[0]


def steps(replicas, stage, batches, weights):
    """Return (each step's total, weights and momenta after the last) of one stage."""
    tf.keras.utils.set_random_seed(0)
    with replicas.strategy.scope():
        branch = getattr(make_branches(), stage)
        trainer = replicas.trainer(branch, Objective(stage, weights), 1e-3)
    totals = []

    class Keep(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            totals.append(float(logs["total_loss"]))

    data = tf.data.Dataset.from_tensor_slices(batches)
    trainer.fit(data, initial_epoch=0, verbose=0, shuffle=False, callbacks=[Keep()])
    state = [*trainer.trainable_variables, *trainer.optimizer.variables]
    return totals, np.concatenate([np.ravel(variable) for variable in state])


def main(out):
    """Store the two ways of training side by side."""
    x, y = np.random.default_rng(0).random((2, 3, 4, 164, 168, 3), dtype="f4")
    alone, pair = Replicas("default"), Replicas("mirrored")
    only_l1 = {"l1": 1.0, "tmqi": 0.0, "msssim": 0.0}
    found = {"replicas": pair.count}
    for name, replicas in (("alone", alone), ("pair", pair)):
        found[f"{name} totals"], found[f"{name} state"] = steps(
            replicas, "high", ({"source": x}, y), only_l1
        )
    x, y = x[:1, :, :24, :32], y[:1, :, :24, :32]
    halves = [({"source": x[:, part]}, y[:, part]) for part in (slice(2), slice(2, None))]
    found["bot halves"] = [steps(alone, "bot", half, {})[0] for half in halves]
    found["bot pair"] = steps(pair, "bot", ({"source": x}, y), {})[0]
    np.savez(out, **found)


if __name__ == "__main__":
    tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
    if sys.argv[1].startswith("train_"):
        script = importlib.import_module(sys.argv.pop(1))
        run(script.main)
    main(sys.argv[1])

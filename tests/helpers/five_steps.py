"""Take six training steps of one stage on its golden batch and print each step's losses.

A program of its own for test_training_trainer.py: op determinism holds for a whole process.
The steps are chaotic, so without it the last loss of ft wanders by a few thousandths.
"""

import json
import sys

import tensorflow as tf
from conftest import vgg_weights
from test_training_trainer import make_trainer

from losses.perceptual import PerceptualLoss


def main(stage):
    """Print a JSON list of dicts."""
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(0)
    trainer, (inputs, truth) = make_trainer(stage, PerceptualLoss(vgg_weights.__wrapped__()))
    steps = [trainer.train_on_batch(inputs, truth, return_dict=True) for _ in range(6)]
    print(json.dumps([{name: float(value) for name, value in step.items()} for step in steps]))


if __name__ == "__main__":
    main(sys.argv[1])

"""Checkpoints to give away: weights and settings alone."""

import json
from pathlib import Path

import tensorflow as tf

from models.checkpoint_info import VALUE, copy_for_reading
from models.weights import load_from, weights_of


def publish(folder, stage, branches, found, settings):
    """Write a checkpoint of weights and settings alone, without Adam's moments.

    Args:
        folder: to write to; holds that one checkpoint afterwards.
        stage: "high", "bot" or "ft".
        branches: dict from branch name to model, whose weights are loaded from `found`.
        found: models.checkpoint_files.Newest.
        settings: dict to keep, as StageCheckpoint's.
    """
    load_from(found, branches)
    counts = {
        name: tf.Variable(found.reader.get_tensor(f"{name}/{VALUE}"), trainable=False)
        for name in ("step", "epoch", "patches")
    }
    checkpoint = tf.train.Checkpoint(
        **{name: weights_of(branch) for name, branch in branches.items()},
        **counts,
        settings=tf.Variable(json.dumps(settings), trainable=False),
    )
    manager = tf.train.CheckpointManager(
        checkpoint, str(folder), 1, checkpoint_name=f"model-{stage}.ckpt"
    )
    manager.save(checkpoint_number=int(counts["step"]))
    copy_for_reading(Path(folder), settings)

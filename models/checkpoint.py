"""Save and restore training; read the authors' published files as well.

A stage's folder holds the latest five checkpoints, named model-<stage>.ckpt-<step>
as the original's. Each keeps the weights, Adam's moments, the step, the place in
the epochs, and the settings it was trained with; settings.json beside them is a
copy of the latter for reading.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from data.errors import InputError
from data.prepare import Preparation
from models.display import Display
from models.import_tf1 import MOMENTS, is_tf1, load_branch, load_optimizer, moments_of

KEPT = 5
VALUE = ".ATTRIBUTES/VARIABLE_VALUE"  # behind a variable's name in TensorFlow's files


class Kept(NamedTuple):
    """What a checkpoint says of itself; a published file leaves the paper's defaults."""

    step: int
    preparation: Preparation | None
    display: Display
    no_high_branch: bool
    no_ft_branch: bool


class StageCheckpoint:
    """The checkpoints of one stage.

    Args:
        folder: where they lie.
        stage: "high", "bot" or "ft".
        branches: dict from branch name to model: those that the stage trains.
        trainer: the stage's models.trainer.Trainer.
        settings: JSON-ready dict to keep with the weights; "preparation",
            "display", "no_high_branch" and "no_ft_branch" in it are read back.
    """

    def __init__(self, folder, stage, branches, trainer, settings):
        self.folder = Path(folder)
        self.stage = stage
        self.branches = branches
        self.trainer = trainer
        self.settings = settings
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.patches = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._settings = tf.Variable(json.dumps(settings), trainable=False)
        self._checkpoint = tf.train.Checkpoint(
            **{name: _weights(branch) for name, branch in branches.items()},
            adam=_moments(branches, trainer),
            step=trainer.optimizer.iterations.value,
            epoch=self.epoch,
            patches=self.patches,
            settings=self._settings,
        )
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(folder), KEPT, checkpoint_name=f"model-{stage}.ckpt"
        )

    @property
    def step(self):
        """The number of training steps taken."""
        return int(self.trainer.optimizer.iterations)

    def restore(self):
        """Go on from the folder's latest checkpoint; return its path, None without one.

        Raises:
            InputError: it is damaged, of another network, or of other preparation.
        """
        path = latest(self.folder)
        if path is None:
            return None
        reader = open_checkpoint(path)
        if is_tf1(reader):
            for name, branch in self.branches.items():
                load_branch(reader, path, name, branch)
            load_optimizer(reader, path, self.branches, self.trainer)
            return path
        self._refuse_other_settings(path, read_kept(reader, path))
        try:
            self._checkpoint.restore(path).assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise InputError(_mismatch(path)) from error
        self._settings.assign(json.dumps(self.settings))  # this run's, not the restored ones
        return path

    def save(self, epoch, patches=0):
        """Write a checkpoint that goes on behind so many patches of `epoch`; return its path.

        Raises:
            InputError: it cannot be written; the earlier ones are as they were.
        """
        self.epoch.assign(epoch)
        self.patches.assign(patches)
        try:
            path = self._manager.save(checkpoint_number=self.step)
            part = self.folder / "settings.json.part"
            part.write_text(json.dumps(self.settings, indent=2) + "\n")
            os.replace(part, self.folder / "settings.json")
        except (OSError, tf.errors.OpError) as error:
            reason = getattr(error, "message", None) or error
            raise InputError(
                f"no checkpoint could be written to {self.folder}: {reason}"
            ) from error
        return path

    def _refuse_other_settings(self, path, kept):
        here = Preparation.from_settings(self.settings["preparation"])
        elsewhere = (
            f"train into another folder, --set model.ckp_path_{self.stage}="
            f"{self.folder.parent / 'mine' / self.stage}"
        )
        if kept.preparation != here:
            raise InputError(
                f"{path} was trained with {kept.preparation.words()}, the records have "
                f"{here.words()}; {elsewhere}, or make the records anew"
            )
        for name in ("no_high_branch", "no_ft_branch"):
            if getattr(kept, name) != self.settings[name]:
                raise InputError(
                    f"{path} was trained with {name} = {getattr(kept, name)}, this run has "
                    f"{self.settings[name]}; {elsewhere}"
                )


def latest(folder):
    """Return the path prefix of a folder's latest checkpoint, or None."""
    folder = Path(folder)
    path = tf.train.latest_checkpoint(str(folder))
    if path is None and (folder / "checkpoint").exists():
        raise InputError(
            f"{folder / 'checkpoint'} names no checkpoint whose .index and .data files lie beside "
            "it; put them there, or remove it"
        )
    return path


def open_checkpoint(path):
    """Return TensorFlow's reader of a checkpoint, or raise InputError."""
    try:
        return tf.train.load_checkpoint(path)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} is damaged and cannot be read; remove it or put a copy back"
        ) from error


def load_branches(folder, branches):
    """Load branch weights alone from a folder's latest checkpoint.

    Args:
        folder: where to look.
        branches: dict from branch name to model.

    Returns:
        Kept, or None where the folder has no checkpoint.

    Raises:
        InputError: damaged, or not of this network.
    """
    path = latest(folder)
    if path is None:
        return None
    reader = open_checkpoint(path)
    if is_tf1(reader):
        for name, branch in branches.items():
            load_branch(reader, path, name, branch)
    else:
        try:
            trees = {name: _weights(branch) for name, branch in branches.items()}
            status = tf.train.Checkpoint(**trees).restore(path)
            status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise InputError(_mismatch(path)) from error
    return read_kept(reader, path)


def kept_preparation(folder):
    """Return the Preparation that a folder's latest checkpoint keeps, or None."""
    path = latest(folder)
    return read_kept(open_checkpoint(path), path).preparation if path else None


def kept_display(path):
    """Return the Display that a checkpoint keeps."""
    return read_kept(open_checkpoint(path), path).display


def read_kept(reader, path):
    """Return the Kept of an opened checkpoint.

    Raises:
        InputError: its values cannot be read.
    """
    try:
        if is_tf1(reader):
            return Kept(int(reader.get_tensor("global_step")), None, Display(), False, False)
        settings = json.loads(reader.get_tensor(f"settings/{VALUE}"))
        return Kept(
            int(reader.get_tensor(f"step/{VALUE}")),
            Preparation.from_settings(settings["preparation"]),
            Display(**settings["display"]),
            settings["no_high_branch"],
            settings["no_ft_branch"],
        )
    except Exception as error:  # the reader raises its own kinds, damaged settings any
        raise InputError(
            f"{path} is damaged, of another program, or its .data file is missing; put a whole "
            "copy there or remove it"
        ) from error


def _weights(branch):
    """Name a branch's variables ourselves: Keras' own tree changes with its versions."""
    return {_name(variable): variable.value for variable in branch.trainable_variables}


def _moments(branches, trainer):
    """Name Adam's two moments of every variable, by branch."""
    tree = {}
    for kind in MOMENTS:
        moments = moments_of(trainer, kind)
        tree[kind] = {
            name: {_name(v): moments[id(v)].value for v in branch.trainable_variables}
            for name, branch in branches.items()
        }
    return tree


def _name(variable):
    return variable.path.replace("/", "_")


def _mismatch(path):
    return (
        f"{path} is damaged or holds another network than this stage's; remove it, put a copy "
        "back, or name another folder in model.ckp_path_*"
    )

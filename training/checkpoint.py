"""Write the checkpoints of a stage, and resume from them.

The folder holds the latest five, named model-<stage>.ckpt-<step> as the original's. Each
holds the weights, Adam's moments, the step, the resume point (epoch, and patches of it that
are done) and the settings of the run; settings.json is a copy of the latter for reading.
Weights for publication are the same without the moments.
"""

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from models.import_tf1 import MOMENTS, is_tf1
from models.weights import (
    LIST_FILE,
    checkpoint_info,
    checkpoints_by_step,
    listed_checkpoints,
    load_weights,
    saved_name,
    weight_names,
)
from system.atomic import replacing
from system.errors import InputError, reason_of

MAX_CHECKPOINTS = 5


class ResumePoint(NamedTuple):
    """Where a training goes on: epochs that are done, and patches of the next one."""

    epoch: int = 0
    patches: int = 0

    def batches(self, batch_size, steps):
        """Return (epoch, its batches that are done) with epochs of `steps` batches.

        The batch size may differ from that of the interrupted run.
        """
        done = self.patches // batch_size
        return (self.epoch, done) if done < steps else (self.epoch + 1, 0)


def resume_point(checkpoint):
    """Return the ResumePoint of a models.weights.Checkpoint; the authors' files have (0, 0)."""
    return ResumePoint(*(int(checkpoint.value(name, 0)) for name in ResumePoint._fields))


class StageCheckpoint:
    """Saves and restores the training of one stage.

    Args:
        folder: of its checkpoints.
        stage: "high", "bot" or "ft".
        branches: dict from branch name to model: those that the stage trains.
        trainer: the stage's training.trainer.Trainer.
        settings: JSON-ready dict to save with the weights; models.weights.checkpoint_info
            reads "preparation", "display", "no_high_branch" and "no_ft_branch" of it.
        write: False where another worker writes the files.

    Attributes:
        resume_point: of the checkpoint restored or saved last.
    """

    def __init__(self, folder, stage, branches, trainer, settings, write=True):
        self.folder = Path(folder)
        self.branches = branches
        self.trainer = trainer
        self.settings = settings
        self.write = write
        self.resume_point = ResumePoint()
        self._name = f"model-{stage}.ckpt"
        self._manager = None
        moments = {
            kind: {
                name: {saved_name(v): moment_of[id(v)].value for v in branch.trainable_variables}
                for name, branch in branches.items()
            }
            for kind in MOMENTS
            for moment_of in [_moments(trainer, kind)]
        }
        self._counters, self._checkpoint = _saveable(branches, settings, adam=moments)

    @property
    def step(self):
        """The number of training steps taken."""
        return int(self.trainer.optimizer.iterations.numpy())

    def restore(self, checkpoint):
        """Go on from a models.weights.Checkpoint: weights, step, resume point, Adam's moments.

        Without moments in it (published weights) Adam starts afresh.

        Raises:
            InputError: it is of another network.
        """
        load_weights(checkpoint, self.branches)
        self._restore_moments(checkpoint)
        self.resume_point = resume_point(checkpoint)
        self.trainer.optimizer.iterations.assign(checkpoint_info(checkpoint).step)

    def save(self, epoch, patches=0):
        """Write a checkpoint that resumes after so many patches of `epoch`; return its path.

        Raises:
            InputError: it cannot be written; the earlier ones are as they were.
        """
        self.resume_point = ResumePoint(epoch, patches)
        if not self.write:
            return None
        for name, value in (("step", self.step), ("epoch", epoch), ("patches", patches)):
            self._counters[name].assign(value)
        try:
            if self._manager is None:
                self._manager = _manager(self._checkpoint, self.folder, self._name)
            path = self._manager.save(checkpoint_number=self.step)
            _write_settings(self.folder, self.settings)
        except (OSError, tf.errors.OpError) as error:
            self._manager = None  # it counts the checkpoint that failed
            _remove_unlisted(self.folder, f"{self._name}-{self.step}")
            remove_unfinished(self.folder)
            raise InputError(
                f"no checkpoint could be written to {self.folder} ({reason_of(error)}); the "
                "earlier ones are as they were: make room, and run the same command again"
            ) from error
        return path

    def _restore_moments(self, checkpoint):
        original = is_tf1(checkpoint.reader)
        names = checkpoint.reader.get_variable_to_shape_map()
        if not original and not any(name.startswith("adam/") for name in names):
            return
        for kind, suffix in MOMENTS.items():
            moments = _moments(self.trainer, kind)
            for name, branch in self.branches.items():
                sources = weight_names(checkpoint, name, branch)
                for variable, source in zip(branch.trainable_variables, sources, strict=True):
                    source = f"{source}/{suffix}" if original else f"adam/{kind}/{source}"
                    moment = moments[id(variable)]
                    moment.assign(checkpoint.tensor(source, moment.shape))


def remove_unfinished(folder):
    """Remove what a killed save left; call it where nobody else saves into the folder.

    That is a folder *_temp, a .data file without its .index, or the beginning of a list or
    of settings.json. A whole checkpoint that the list does not name yet stays: its step
    is written over when the training comes there again.

    Raises:
        InputError: it cannot be removed.
    """
    folder = Path(folder)
    listed = {Path(path).name for path in listed_checkpoints(folder) or ()}
    try:
        for path in folder.glob("model-*.ckpt-*_temp"):
            shutil.rmtree(path)
        for path in folder.glob("model-*.ckpt-*.data-*"):
            name = path.name.partition(".data-")[0]
            if name not in listed and not (folder / f"{name}.index").exists():
                path.unlink()
        for path in (*folder.glob(f"{LIST_FILE}.tmp*"), *folder.glob("settings.json.part")):
            path.unlink()
    except OSError as error:
        raise InputError(
            f"{error.filename}: an unfinished save cannot be removed ({error.strerror}); check "
            "the folder's permissions"
        ) from error


def write_weights(folder, stage, branches, checkpoints, settings):
    """Write weights for publication: a checkpoint without Adam's moments.

    The mean of several runs' weights, of which one began where another ended, is often better
    than each (M. Wortsman et al., "Model soups", ICML 2022).

    Args:
        folder: to write to; holds that one checkpoint afterwards.
        stage: "high", "bot" or "ft".
        branches: dict from branch name to model; the mean weights are loaded.
        checkpoints: models.weights.Checkpoints to publish the mean of; the last one's counters.
        settings: as StageCheckpoint's.
    """
    weights = [variable for branch in branches.values() for variable in branch.trainable_variables]
    loaded = []
    for checkpoint in checkpoints:
        load_weights(checkpoint, branches)
        loaded.append([np.array(variable) for variable in weights])
    for variable, *arrays in zip(weights, *loaded, strict=True):
        variable.assign(np.mean(arrays, axis=0))
    counters, saveable = _saveable(branches, settings)
    for name, counter in counters.items():
        counter.assign(int(checkpoints[-1].value(name)))
    manager = _manager(saveable, Path(folder), f"model-{stage}.ckpt", max_to_keep=1)
    manager.save(checkpoint_number=int(counters["step"]))
    _write_settings(Path(folder), settings)


def _saveable(branches, settings, **more):
    """Return (dict of the counters' variables, tf.train.Checkpoint of everything)."""
    counters = {
        name: tf.Variable(0, dtype="int64", trainable=False)
        for name in ("step", *ResumePoint._fields)
    }
    weights = {
        name: {saved_name(v): v.value for v in branch.trainable_variables}
        for name, branch in branches.items()
    }
    text = tf.Variable(json.dumps(settings), trainable=False)
    return counters, tf.train.Checkpoint(**weights, **counters, settings=text, **more)


def _manager(saveable, folder, name, max_to_keep=MAX_CHECKPOINTS):
    """Return a CheckpointManager that goes on from the list in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = checkpoints_by_step(folder)
    if listed_checkpoints(folder) is None and paths:  # a damaged list
        lines = [f'model_checkpoint_path: "{Path(paths[-1]).name}"']
        for path in paths:
            lines.append(f'all_model_checkpoint_paths: "{Path(path).name}"')
            lines.append(f"all_model_checkpoint_timestamps: {os.path.getmtime(f'{path}.index')}")
        with replacing(folder / LIST_FILE) as file:
            file.write("\n".join([*lines, ""]).encode())
    return tf.train.CheckpointManager(saveable, str(folder), max_to_keep, checkpoint_name=name)


def _moments(trainer, kind):
    """Return the dict from id(weight) to Adam's moment of one kind, a key of MOMENTS.

    The joint network orders its variables by graph, not by branch.
    """
    moments = [v for v in trainer.optimizer.variables if v.path.endswith(f"_{kind}")]
    return {id(v): m for v, m in zip(trainer.trainable_variables, moments, strict=True)}


def _remove_unlisted(folder, name):
    """Remove the files of a checkpoint that failed after they were written."""
    if name not in {Path(path).name for path in listed_checkpoints(folder) or ()}:
        for path in folder.glob(f"{name}.*"):
            path.unlink()


def _write_settings(folder, settings):
    part = folder / "settings.json.part"
    part.write_text(json.dumps(settings, indent=2) + "\n")
    os.replace(part, folder / "settings.json")

"""Save and restore training; read the authors' published files as well.

A stage's folder holds the latest five checkpoints, named model-<stage>.ckpt-<step>
as the original's. Each keeps the weights, Adam's moments, the step, the place in
the epochs, and the settings it was trained with; settings.json beside them is a
copy of the latter for reading.
"""

import json
from pathlib import Path

import tensorflow as tf

from data.preparation.prepare import Preparation
from models.checkpoint_files import clear, mark, name_again, newest
from models.checkpoint_info import VALUE, copy_for_reading, info_of
from models.import_tf1 import MOMENTS, is_tf1, load_branch, load_optimizer, moments_of
from models.weights import load_from, mismatch, name_of, weights_of
from system.errors import InputError
from system.lock import lock

KEPT = 5


class StageCheckpoint:
    """The checkpoints of one stage.

    Args:
        folder: where they lie.
        stage: "high", "bot" or "ft".
        branches: dict from branch name to model: those that the stage trains.
        trainer: the stage's training.trainer.Trainer.
        settings: JSON-ready dict to keep with the weights; "preparation",
            "display", "no_high_branch" and "no_ft_branch" in it are read back.

    Attributes:
        restored: CheckpointInfo of the checkpoint that `restore` took, or None.
    """

    def __init__(self, folder, stage, branches, trainer, settings):
        self.folder = Path(folder)
        self.stage = stage
        self.branches = branches
        self.trainer = trainer
        self.settings = settings
        self.restored = None
        self._lock = self._manager = None
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.patches = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._settings = tf.Variable(json.dumps(settings), trainable=False)
        self._checkpoint = tf.train.Checkpoint(
            **{name: weights_of(branch) for name, branch in branches.items()},
            adam=_moments(branches, trainer),
            step=trainer.optimizer.iterations.value,
            epoch=self.epoch,
            patches=self.patches,
            settings=self._settings,
        )

    @property
    def step(self):
        """The number of training steps taken."""
        return int(self.trainer.optimizer.iterations.numpy())

    def claim(self):
        """Keep other trainers out of the folder from now on, and clear up after a killed one.

        Raises:
            InputError: another process trains there.
        """
        self._lock = lock(self.folder, f"--set model.ckp_path_{self.stage}=...")
        clear(self.folder)

    def restore(self):
        """Go on from the folder's newest whole checkpoint; return its path, None without one.

        Raises:
            InputError: all are damaged, or it is of another network or other preparation.
        """
        found = newest(self.folder)
        if found is None:
            return None
        path, reader, _ = found
        kept = info_of(found)
        if is_tf1(reader):
            for name, branch in self.branches.items():
                load_branch(reader, path, name, branch)
            load_optimizer(reader, path, self.branches, self.trainer)
            self.restored = kept
            return path
        self._refuse_other_settings(path, kept)
        if not any(name.startswith("adam/") for name in reader.get_variable_to_shape_map()):
            load_from(found, self.branches)  # published without Adam's moments: they start anew
            for variable, name in ((self.epoch, "epoch"), (self.patches, "patches")):
                variable.assign(reader.get_tensor(f"{name}/{VALUE}"))
            self.trainer.optimizer.iterations.assign(kept.step)
            self.restored = kept
            return path
        try:
            self._checkpoint.restore(path).assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise InputError(mismatch(path)) from error
        self._settings.assign(json.dumps(self.settings))  # this run's, not the restored ones
        self.restored = kept
        return path

    def save(self, epoch, patches=0):
        """Write a checkpoint that goes on behind so many patches of `epoch`; return its path.

        Raises:
            InputError: it cannot be written; the earlier ones are as they were.
        """
        self.epoch.assign(epoch)
        self.patches.assign(patches)
        name = f"model-{self.stage}.ckpt"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._manager is None:  # it takes over which ones there are
                name_again(self.folder)
                self._manager = tf.train.CheckpointManager(
                    self._checkpoint, str(self.folder), KEPT, checkpoint_name=name
                )
            mark(self.folder / f"{name}-{self.step}")
            path = self._manager.save(checkpoint_number=self.step)
            copy_for_reading(self.folder, self.settings)
            clear(self.folder)
        except (OSError, tf.errors.OpError) as error:
            clear(self.folder)
            reason = getattr(error, "message", None) or error
            raise InputError(
                f"no checkpoint could be written to {self.folder} ({reason}); the earlier ones "
                "are as they were: make room, and run the same command again"
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
                f"{path} was trained with {kept.preparation.describe()}, the records have "
                f"{here.describe()}; {elsewhere}, or make the records anew"
            )
        for name in ("no_high_branch", "no_ft_branch"):
            if getattr(kept, name) != self.settings[name]:
                raise InputError(
                    f"{path} was trained with {name} = {getattr(kept, name)}, this run has "
                    f"{self.settings[name]}; {elsewhere}"
                )


def _moments(branches, trainer):
    """Name Adam's two moments of every variable, by branch."""
    tree = {}
    for kind in MOMENTS:
        moments = moments_of(trainer, kind)
        tree[kind] = {
            name: {name_of(v): moments[id(v)].value for v in branch.trainable_variables}
            for name, branch in branches.items()
        }
    return tree

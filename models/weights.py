"""Read checkpoints: which is the newest whole one of a folder, its settings, its weights.

Both this project's checkpoints and the authors' TensorFlow 1 files. training.checkpoint
writes the former. TensorFlow's file `checkpoint` in the folder lists them.
"""

import glob
import json
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from data.preparation.prepare import Preparation
from models.display import Display
from models.import_tf1 import is_tf1, tf1_names
from system.errors import InputError

LIST_FILE = "checkpoint"
CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
PRETRAINED = CHECKPOINTS / "pretrained"
VALUE = ".ATTRIBUTES/VARIABLE_VALUE"  # the end of a variable's name in TensorFlow's files


class Checkpoint(NamedTuple):
    """A whole checkpoint.

    path is that of its files without their endings, reader is tf.train.load_checkpoint's,
    and remark a sentence to print where damage made this one the newest, else None.
    """

    path: str
    reader: Any
    remark: str | None

    def tensor(self, name, shape):
        """Return the array of a variable.

        Raises:
            InputError: the checkpoint has none of this name and shape.
        """
        if self.reader.get_variable_to_shape_map().get(name) != [*shape]:
            raise InputError(
                f"{self.path} holds another network than this stage's: it has no variable {name} "
                f"of shape {tuple(shape)}; put the right files there, or name another folder in "
                "model.ckp_path_*"
            )
        return self.reader.get_tensor(name)

    def value(self, name, default=None):
        """Return the value of one of this project's variables, `default` where there is none."""
        name = f"{name}/{VALUE}"
        return self.reader.get_tensor(name) if self.reader.has_tensor(name) else default


class CheckpointInfo(NamedTuple):
    """The settings saved with the weights; the authors' files leave the paper's defaults.

    preparation is None and step is their global step in the authors' files; for remark
    see Checkpoint. start is the dict from branch to what the training of ft began with.
    """

    step: int
    preparation: Preparation | None
    display: Display
    no_high_branch: bool
    no_ft_branch: bool
    remark: str | None
    start: dict | None = None


def default_checkpoint(stage="ft", folder=None):
    """Return the folder of the user's own checkpoints, or the pretrained one while that is empty.

    Args:
        stage: "high", "bot" or "ft".
        folder: the user's own, by default the project's checkpoints/<stage>layer, whatever
            the working directory is.
    """
    own = CHECKPOINTS / f"{stage}layer" if folder is None else Path(folder)
    pretrained = PRETRAINED / f"{stage}layer"
    has_list = [(place / LIST_FILE).exists() for place in (own, pretrained)]
    return pretrained if has_list == [False, True] else own


def newest_checkpoint(folder):
    """Return the newest whole Checkpoint of a folder, None where it has no list of any.

    Every tensor is read, which TensorFlow checks against stored checksums. A damaged
    checkpoint is skipped for the one before, and the remark says so. Where the list itself is
    damaged, the highest step counts as the newest.

    Raises:
        InputError: there are checkpoints and none is whole.
    """
    folder = Path(folder)
    if not (folder / LIST_FILE).exists():
        return None
    paths = listed_checkpoints(folder)
    remark = None
    if paths is None:
        paths = checkpoints_by_step(folder)[::-1]
        remark = f"{folder / LIST_FILE} is damaged; the newest checkpoint is told by its number"
    damaged = []
    for path in paths:
        reader = _reader_of_whole(path)
        if reader is None:
            damaged.append(f"{path} is damaged")
            continue
        if damaged:
            remark = f"{' and '.join(damaged)}; taking the one before, {path}"
        return Checkpoint(path, reader, remark)
    if damaged:
        raise InputError(
            f"{' and '.join(damaged)}, and no other checkpoint is in {folder}; put whole files "
            f"there, or move them and {folder / LIST_FILE} away"
        )
    raise InputError(
        f"{folder / LIST_FILE} names no checkpoint whose .index and .data files lie beside it; put "
        "them there, or remove it"
    )


def listed_checkpoints(folder):
    """Return the paths that the folder's list names, newest first, without their endings.

    None where the list is damaged, [] where it is missing. Left out are those without any
    file: they were moved away, or their removal was interrupted.
    """
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except ValueError:  # not UTF-8, or no path in it
        state = None
    if state is None:
        return None if (Path(folder) / LIST_FILE).exists() else []
    paths = [*state.all_model_checkpoint_paths]
    if state.model_checkpoint_path not in paths:
        paths.append(state.model_checkpoint_path)
    # Somebody who names an older one as the newest wants to go on from there.
    paths = paths[: paths.index(state.model_checkpoint_path) + 1]
    return [path for path in reversed(paths) if glob.glob(f"{glob.escape(path)}.*")]


def checkpoints_by_step(folder):
    """Return the paths of all checkpoints in a folder, in the order of their steps."""

    def step(path):
        number = path.rpartition("-")[2]
        return int(number) if number.isdecimal() else -1

    return sorted((str(f.with_suffix("")) for f in Path(folder).glob("*.ckpt-*.index")), key=step)


def checkpoint_info(checkpoint):
    """Return the CheckpointInfo of a Checkpoint.

    Raises:
        InputError: its values are not those of this project.
    """
    path, reader, remark = checkpoint
    try:
        if is_tf1(reader):
            step = int(reader.get_tensor("global_step"))
            return CheckpointInfo(step, None, Display(), False, False, remark)
        settings = json.loads(checkpoint.value("settings"))
        return CheckpointInfo(
            int(checkpoint.value("step")),
            Preparation.from_settings(settings["preparation"]),
            Display(**settings["display"]),
            settings["no_high_branch"],
            settings["no_ft_branch"],
            remark,
            settings.get("start"),
        )
    except Exception as error:  # the reader raises its own kinds, foreign settings any
        raise InputError(
            f"{path} is of another program; put a checkpoint of this one there, or remove it"
        ) from error


def load_weights(checkpoint, branches):
    """Load the weights of branches from a Checkpoint.

    Args:
        checkpoint: a Checkpoint.
        branches: dict from branch name ("high", "bot", "ft") to model.

    Raises:
        InputError: it is not of this network.
    """
    for name, branch in branches.items():
        sources = weight_names(checkpoint, name, branch)
        for variable, source in zip(branch.trainable_variables, sources, strict=True):
            variable.assign(checkpoint.tensor(source, variable.shape))


def weight_names(checkpoint, name, branch):
    """Return the names that a branch's weights have in a Checkpoint, in the branch's order."""
    if is_tf1(checkpoint.reader):
        return tf1_names(name)
    return [f"{name}/{saved_name(v)}/{VALUE}" for v in branch.trainable_variables]


def saved_name(variable):
    """Return a variable's own part of its name in this project's checkpoints.

    Keras' names for a model's tree change with its versions.
    """
    return variable.path.replace("/", "_")


def _reader_of_whole(path):
    """Return the reader of a checkpoint, None where anything in it cannot be read."""
    try:
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except Exception:  # the reader raises its own kinds; damage has many
        return None
    return reader

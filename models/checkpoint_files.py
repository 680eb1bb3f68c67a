"""The files of a checkpoint folder: which checkpoint is the newest whole one.

TensorFlow's file `checkpoint` names the kept ones. A save is not one step of the file
system, so a marker stands beside them meanwhile; what a killed save left is told by it.
"""

import glob
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from system.atomic import replacing
from system.errors import InputError

STATE = "checkpoint"
MARKER = ".saving-"  # and the name of the checkpoint that is being written


class Newest(NamedTuple):
    """A whole checkpoint: its path prefix, TensorFlow's reader of it, and a remark or None."""

    path: str
    reader: object
    remark: str | None


def newest(folder):
    """Return the Newest of a folder, None where no checkpoint is kept.

    Every tensor is read, which TensorFlow checks against the sums stored with them. What
    is damaged is passed over for the one before, and the remark says so. Where the file
    `checkpoint` is itself unreadable, the highest step counts as the newest.

    Raises:
        InputError: there are checkpoints and none is whole.
    """
    folder = Path(folder)
    if not (folder / STATE).exists():
        return None
    paths = named(folder)
    remark = None
    if paths is None:
        paths = sorted(_prefixes(folder), key=_step, reverse=True)
        remark = f"{folder / STATE} is damaged; the newest checkpoint is told by its number"
    damaged = []
    for path in paths:
        reader = _whole(path)
        if reader is None:
            damaged.append(path)
            continue
        if damaged:
            verb = "is" if len(damaged) == 1 else "are"
            remark = f"{' and '.join(damaged)} {verb} damaged; taking the one before, {path}"
        return Newest(path, reader, remark)
    if len(damaged) == 1:
        raise InputError(
            f"{damaged[0]} is damaged and cannot be read, and no other checkpoint is beside it; "
            f"put whole files there, or move it and {folder / STATE} away"
        )
    if damaged:
        raise InputError(
            f"all checkpoints of {folder} are damaged: {', '.join(damaged)}; put whole files "
            "there, or move them away"
        )
    raise InputError(
        f"{folder / STATE} names no checkpoint whose .index and .data files lie beside it; put "
        "them there, or remove it"
    )


def named(folder):
    """Return the path prefixes that the file `checkpoint` names, newest first.

    None where the file is damaged, [] where it is missing. Prefixes none of whose files
    exist are left out: they were moved away, or their removal was interrupted.
    """
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except ValueError:  # no text, or one that names nothing
        state = None
    if state is None:
        return None if (Path(folder) / STATE).exists() else []
    paths = [*state.all_model_checkpoint_paths]
    if state.model_checkpoint_path not in paths:
        paths.append(state.model_checkpoint_path)
    # Whoever writes an older one into the file by hand wants to go on from there.
    paths = paths[: paths.index(state.model_checkpoint_path) + 1]
    return [path for path in reversed(paths) if _files(path)]


def name_again(folder):
    """Write the file `checkpoint` anew where it is damaged, from the files beside it."""
    paths = sorted(_prefixes(Path(folder)), key=_step)
    if named(folder) is not None or not paths:
        return
    lines = [f"model_checkpoint_path: {json.dumps(Path(paths[-1]).name)}"]
    lines += [f"all_model_checkpoint_paths: {json.dumps(Path(path).name)}" for path in paths]
    lines += [f"all_model_checkpoint_timestamps: {os.path.getmtime(f'{p}.index')}" for p in paths]
    with replacing(Path(folder) / STATE) as file:
        file.write("\n".join([*lines, ""]).encode())


def mark(path):
    """Say that a checkpoint of this path prefix is being written."""
    path = Path(path)
    path.with_name(MARKER + path.name).touch()


def clear(folder):
    """Remove what unfinished saves left; call it where nobody else saves into the folder.

    Raises:
        InputError: it cannot be removed.
    """
    folder = Path(folder)
    try:
        paths = named(folder)
        kept = None if paths is None else {Path(path).name for path in paths}
        for marker in folder.glob(f"{MARKER}*"):
            path = folder / marker.name.removeprefix(MARKER)
            shutil.rmtree(f"{path}_temp", ignore_errors=True)
            if kept is not None and path.name not in kept:
                for file in _files(path):
                    file.unlink()
            marker.unlink()
        for file in (*folder.glob(f"{STATE}.tmp*"), *folder.glob("settings.json.part")):
            file.unlink()
    except OSError as error:
        raise InputError(
            f"{error.filename}: an unfinished save cannot be removed ({error.strerror}); check "
            "the folder's permissions"
        ) from error


def _whole(path):
    """Return the reader of a checkpoint, None where anything in it cannot be read."""
    try:
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except Exception:  # the reader raises its own kinds; damage has many
        return None
    return reader


def _files(path):
    """Return the files of a path prefix."""
    pattern = glob.escape(str(path))
    return [Path(p) for p in (*glob.glob(f"{pattern}.index"), *glob.glob(f"{pattern}.data-*"))]


def _prefixes(folder):
    return [str(file.with_suffix("")) for file in folder.glob("*.ckpt-*.index")]


def _step(path):
    number = path.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1

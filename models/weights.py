"""The weights of branches in checkpoint files, without what training needs beside them."""

import tensorflow as tf

from models.checkpoint_files import newest
from models.checkpoint_info import info_of
from models.import_tf1 import is_tf1, load_branch
from system.errors import InputError


def load_branches(folder, branches):
    """Load branch weights alone from a folder's newest whole checkpoint.

    Args:
        folder: where to look.
        branches: dict from branch name to model.

    Returns:
        models.checkpoint_info.CheckpointInfo, or None where the folder has no checkpoint.

    Raises:
        InputError: all are damaged, or it is not of this network.
    """
    found = newest(folder)
    if found is None:
        return None
    load_from(found, branches)
    return info_of(found)


def load_from(found, branches):
    """Load branch weights from a checkpoint.

    Args:
        found: models.checkpoint_files.Newest.
        branches: dict from branch name to model.

    Raises:
        InputError: it is not of this network.
    """
    path, reader, _ = found
    if is_tf1(reader):
        for name, branch in branches.items():
            load_branch(reader, path, name, branch)
        return
    try:
        trees = {name: weights_of(branch) for name, branch in branches.items()}
        status = tf.train.Checkpoint(**trees).restore(path)
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise InputError(mismatch(path)) from error


def weights_of(branch):
    """Return dict from name to variable of a branch.

    The names are our own: Keras' tree of a model changes with its versions.
    """
    return {name_of(variable): variable.value for variable in branch.trainable_variables}


def name_of(variable):
    """Return a variable's name in a checkpoint."""
    return variable.path.replace("/", "_")


def mismatch(path):
    """Return the sentence for a checkpoint of another network."""
    return (
        f"{path} holds another network than this stage's; put the right files there, or name "
        "another folder in model.ckp_path_*"
    )

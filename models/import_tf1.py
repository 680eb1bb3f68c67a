"""Read the checkpoints that the authors publish (TensorFlow 1 Saver files).

They hold each branch's variables under a scope of their own, Adam's two
moments beside every variable as NAME/Adam and NAME/Adam_1, and global_step.
"""

from system.errors import InputError

# Adam's moments: Keras' name for them, and the original's suffix.
MOMENTS = {"momentum": "Adam", "velocity": "Adam_1"}
SCOPES = {"high": "high_level", "bot": "bot_level", "ft": "ft_merger"}


def _tri(name):
    """The four convolutions of a tri-group block, in our order."""
    return [f"{name}g1", f"{name}g2", f"{name}g3", f"{name}cc_n"]


# The original's name of each convolution, in the order of models.branches.
# Two layers of its bot branch share one name; TensorFlow told the second from
# the first by a suffix behind "_weight" and "_bias".
LAYERS = {
    "high": ["conv1", "conv2", "conv3", "conv4", "c5_sig"],
    "bot": ["conv1", "conv2", *_tri("3pass_res"), "conv2#1", "c4_sig"],
    "ft": ["conv1", "conv2", *_tri("3pass_res1"), *_tri("3pass_res2"), "conv3", "c5_sig"],
}


def tf1_names(branch):
    """Return the original's variable names of one branch, in the order of its weights.

    Args:
        branch: "high", "bot" or "ft".
    """
    names = []
    for layer in LAYERS[branch]:
        stem, _, suffix = layer.partition("#")
        for kind in ("weight", "bias"):
            names.append(f"{SCOPES[branch]}/{stem}_{kind}{'_' + suffix if suffix else ''}")
    return names


def is_tf1(reader):
    """Tell a Saver file from this project's checkpoints (reader: tf.train.load_checkpoint's)."""
    return not reader.has_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")


def load_branch(reader, path, name, branch):
    """Assign one branch's weights; raise InputError at a missing name or another shape."""
    for variable, source in zip(branch.trainable_variables, tf1_names(name), strict=True):
        variable.assign(_tensor(reader, path, source, tuple(variable.shape)))


def load_optimizer(reader, path, branches, trainer):
    """Assign Adam's two moments of each variable, and the step.

    Args:
        reader, path: the opened checkpoint and its path, for messages.
        branches: dict from name to model.
        trainer: the training.trainer.Trainer of those branches.
    """
    trainer.optimizer.iterations.assign(_tensor(reader, path, "global_step", ()))
    for kind, suffix in MOMENTS.items():
        moments = moments_of(trainer, kind)
        for name, branch in branches.items():
            for variable, source in zip(branch.trainable_variables, tf1_names(name), strict=True):
                moment = moments[id(variable)]
                shape = tuple(moment.shape)
                moment.assign(_tensor(reader, path, f"{source}/{suffix}", shape))


def moments_of(trainer, kind):
    """Return Adam's moments of one kind.

    Args:
        trainer: training.trainer.Trainer.
        kind: a key of MOMENTS.

    Returns:
        dict from id(variable) to the moment; the joint network orders its
        variables by graph, not by branch.
    """
    moments = [v for v in trainer.optimizer.variables if v.path.endswith(f"_{kind}")]
    return {id(v): m for v, m in zip(trainer.trainable_variables, moments, strict=True)}


def _tensor(reader, path, name, shape):
    try:
        value = reader.get_tensor(name)
    except Exception as error:  # the reader raises its own kinds for missing and damaged tensors
        raise InputError(
            f"{path} has no readable variable {name}; it is not one of the authors' checkpoints "
            "of this stage, or its .data file is cut off"
        ) from error
    if value.shape != shape:
        raise InputError(f"{path}: {name} has the shape {value.shape}, the network's is {shape}")
    return value

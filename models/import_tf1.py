"""The variables' names in the checkpoints that the authors publish (TensorFlow 1 Saver files).

They hold each branch's variables under a scope of their own, Adam's two
moments beside every variable as NAME/Adam and NAME/Adam_1, and global_step.
"""

# Adam's moments: Keras' name for them, and the original's suffix.
MOMENTS = {"momentum": "Adam", "velocity": "Adam_1"}
SCOPES = {"high": "high_level", "bot": "bot_level", "ft": "ft_merger"}


def _tri(name):
    """The four convolutions of a tri-group block, in our order."""
    return [f"{name}g1", f"{name}g2", f"{name}g3", f"{name}cc_n"]


# The original's name of each convolution, in the order of models.branches.
# Two layers of its bot branch share one name; TensorFlow told the second from
# the first by a suffix after "_weight" and "_bias".
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

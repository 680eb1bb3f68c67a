"""The three branches: N_L ("high"), N_G ("bot") and the merger ("ft").

Each is a functional keras.Model on N×H×W×3 float32 of any size. C. Guo,
X. Jiang, IEEE Access 9, 2021; 61,113 weights in all. precision: see models.layers.
"""

import keras

from models.layers import (
    CHANNELS,
    PER_BATCH,
    PER_PICTURE,
    conv_block,
    sigmoid_output,
    tri_group,
)


def high_branch(precision="float32"):
    """N_L: the detail layer in, the tone-mapped detail layer out (16,371 weights)."""
    picture = keras.Input((None, None, 3), name="high")
    first = x = conv_block(picture, CHANNELS, 3, PER_PICTURE, "conv1", precision)
    for name in ("conv2", "conv3", "conv4"):
        x = conv_block(x, CHANNELS, 3, PER_PICTURE, name, precision)
    x = sigmoid_output(x + first, "conv5")
    return keras.Model(picture, x + picture, name="high_branch")


def bot_branch(precision="float32"):
    """N_G: the small base layer in, the tone-mapped base layer out (18,635 weights)."""
    picture = keras.Input((None, None, 3), name="bot")
    x = conv_block(picture, CHANNELS, 3, PER_BATCH, "conv1", precision)
    x = conv_block(x, CHANNELS, 3, PER_BATCH, "conv2", precision)
    x = tri_group(x, "tri", precision)
    x = conv_block(x, CHANNELS, 3, PER_BATCH, "conv3", precision)
    x = sigmoid_output(x, "conv4")
    return keras.Model(picture, x + picture, name="bot_branch")


def ft_branch(precision="float32"):
    """Merge the two branches' sum into the picture; the result is in (0, 1) (26,107 weights)."""
    picture = keras.Input((None, None, 3), name="sum")
    x = conv_block(picture, CHANNELS, 3, PER_PICTURE, "conv1", precision)
    x = conv_block(x, CHANNELS, 3, PER_PICTURE, "conv2", precision)
    x = tri_group(x, "tri1", precision)
    x = tri_group(x, "tri2", precision)
    x = conv_block(x, CHANNELS, 3, PER_PICTURE, "conv3", precision)
    return keras.Model(picture, sigmoid_output(x, "conv4"), name="ft_branch")

"""The joint network.

Inputs: "high", the detail layer, N×H×W×3 float32 around 0; "bot", the base
layer, N×H/2^n×W/2^n×3 float32 in [0, 1]. Output: a dict of N×H×W×3 pictures,
    output_high   what the high branch made of its layer
    output_bot    what the bot branch made of its layer (H/2^n×W/2^n)
    new_bot       output_bot enlarged
    input_ft      output_high + new_bot, what the merging branch reads
    output        the result: in (0, 1), or input_ft where there is no merging branch
models.display makes a displayed picture of the result.
"""

from typing import NamedTuple

import keras
from keras import ops

from models.branches import bot_branch, ft_branch, high_branch
from models.upsample import BinomialUpsample

TEST_PADDING = 6
PICTURES = ("output_high", "output_bot", "new_bot", "input_ft", "output")


class Branches(NamedTuple):
    """The three branch models, in the order of the original's stages."""

    high: keras.Model
    bot: keras.Model
    ft: keras.Model

    def used(self, no_high_branch=False, no_ft_branch=False):
        """Return the dict of the branches that a joint network has under the ablations."""
        left_out = {"high": no_high_branch, "ft": no_ft_branch}
        return {n: b for n, b in self._asdict().items() if not left_out.get(n)}


def make_branches(precision="float32"):
    """Return Branches with fresh weights.

    Args:
        precision: of the convolutions, "float32" or "bfloat16", see models.layers; the
            variables are the same in both.
    """
    return Branches(high_branch(precision), bot_branch(precision), ft_branch(precision))


def tone_mapper(branches, level_num, bot_padding=0, no_high_branch=False, no_ft_branch=False):
    """Join the branches into one keras.Model; the weights stay shared with them.

    Args:
        branches: a Branches.
        level_num: halvings between the two layers.
        bot_padding: mirrored pixels put round the bot layer and cropped off
            again after its branch. 0 in training, TEST_PADDING in testing,
            where the layer needs one pixel more than that on each side.
        no_high_branch: the detail layer bypasses its branch (ablation).
        no_ft_branch: the sum of the two branches is the result (ablation).

    Returns:
        keras.Model from {"high", "bot"} to the dict described above.
    """
    high = keras.Input((None, None, 3), name="high")
    bot = keras.Input((None, None, 3), name="bot")
    pictures = {"output_high": high if no_high_branch else branches.high(high)}
    if bot_padding:
        border = [[0, 0], [bot_padding, bot_padding], [bot_padding, bot_padding], [0, 0]]
        padded = branches.bot(ops.pad(bot, border, mode="reflect"))
        inside = slice(bot_padding, -bot_padding)
        pictures["output_bot"] = padded[:, inside, inside]
    else:
        pictures["output_bot"] = branches.bot(bot)
    pictures["new_bot"] = BinomialUpsample(level_num)(pictures["output_bot"])
    pictures["input_ft"] = pictures["output_high"] + pictures["new_bot"]
    pictures["output"] = pictures["input_ft"] if no_ft_branch else branches.ft(pictures["input_ft"])
    return keras.Model({"high": high, "bot": bot}, pictures, name="tone_mapper")


def reach(branches, level_num):
    """Return how many pixels away a sample of the picture can change one of the result.

    It counts the kernels, those of the pyramid and of the enlargement at 8 pixels of the base
    layer; the moments, which the whole picture changes, are left out.

    Args:
        branches: Branches.
        level_num: halvings between the two layers.
    """
    high, bot, ft = (
        sum(layer.get_weights()[0].shape[0] // 2 for layer in branch.layers if layer.weights)
        for branch in branches
    )
    return high + ft + (bot + 8) * 2**level_num

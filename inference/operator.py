"""The trained operator: layers in, pictures out."""

import tensorflow as tf

from inference.fast_network import FastNetwork
from models.display import displayed
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from models.weights import checkpoint_info, load_weights, newest_checkpoint
from system.errors import InputError

# From so many pixels on inference.fast_network takes less than half the memory, and on two
# cores at most a tenth more time; from two megapixels on it is the faster one, see
# tools/benchmarks/results/inference.json.
FAST_FROM = 800_000


class Operator:
    """The joint network with the weights of a folder's newest whole checkpoint.

    Args:
        folder: of the ft stage.
        default_preparation: what pictures are prepared with where the
            checkpoint (a published one) does not say.
        no_high_branch, no_ft_branch: ablations; a checkpoint trained under one
            keeps it.

    Attributes:
        kept: what the checkpoint says of itself.
        preparation: how pictures must be prepared.
        ablations: dict of no_high_branch and no_ft_branch as they are in force.
        network: the keras.Model, see models.tone_mapper.

    Raises:
        InputError: no whole checkpoint there, or one that does not fit.
    """

    def __init__(self, folder, default_preparation, no_high_branch=False, no_ft_branch=False):
        found = newest_checkpoint(folder)
        if found is None:
            raise InputError(
                f"there is no checkpoint in {folder}; train one with train_ft.py, or put the "
                "authors' published files there"
            )
        self.info = checkpoint_info(found)
        self.path = found.path
        self.preparation = self.info.preparation or default_preparation
        self.ablations = {
            "no_high_branch": no_high_branch or self.info.no_high_branch,
            "no_ft_branch": no_ft_branch or self.info.no_ft_branch,
        }
        branches = make_branches()
        load_weights(found, branches.used(**self.ablations))
        level_num = self.preparation.level_num
        self.network = tone_mapper(branches, level_num, TEST_PADDING, **self.ablations)
        self._fast_network = FastNetwork(branches, level_num, **self.ablations)
        self._on_gpu = bool(tf.config.list_physical_devices("GPU"))

    def pictures(self, layers, names=("output",)):
        """Run the network on one data.preparation.prepare.Layers.

        Args:
            layers: the Layers.
            names: of the pictures wanted, of models.tone_mapper.PICTURES.

        Returns:
            dict of H×W×3 float32 arrays, see models.tone_mapper.

        Raises:
            InputError: the memory is too small for the picture.
        """
        height, width = layers.high.shape[:2]
        try:
            if height * width >= FAST_FROM and not self._on_gpu:
                return self._fast_network.pictures(layers.high, layers.bot, names)
            batch = {"high": layers.high[None], "bot": layers.bot[None]}
            pictures = self.network.predict_on_batch(batch)
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            raise InputError(
                f"{width}x{height} pixels do not fit into the memory; try --test_resize_to_half"
            ) from error
        return {name: pictures[name][0] for name in names}

    def shown(self, output, layers, settings):
        """Turn the network's output into the picture that is written.

        Args:
            output: H×W×3 float32, "output" of `pictures`.
            layers: the data.preparation.prepare.Layers it was made of.
            settings: dict whose display_<field> override the checkpoint's fields of
                models.display.Display where they are not None.

        Returns:
            H×W×3 uint8, display-encoded RGB.
        """
        display = self.info.display.overridden(settings)
        domain = self.preparation.data_domain
        return displayed(output, layers.normalized, domain, display, layers.black_offset)

"""The trained operator: layers in, pictures out."""

import tensorflow as tf

from data.errors import InputError
from models.checkpoint import load_from
from models.checkpoint_files import newest
from models.display import displayed
from models.kept import kept_of
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper


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
        found = newest(folder)
        if found is None:
            raise InputError(
                f"there is no checkpoint in {folder}; train one with train_ft.py, or put the "
                "authors' published files there"
            )
        self.kept = kept_of(found)
        self.path = found.path
        self.preparation = self.kept.preparation or default_preparation
        self.ablations = {
            "no_high_branch": no_high_branch or self.kept.no_high_branch,
            "no_ft_branch": no_ft_branch or self.kept.no_ft_branch,
        }
        branches = make_branches()
        load_from(found, branches.used(**self.ablations))
        self.network = tone_mapper(
            branches, self.preparation.level_num, TEST_PADDING, **self.ablations
        )

    def pictures(self, layers):
        """Run the network on one data.prepare.Layers.

        Returns:
            dict of H×W×3 float32 arrays, see models.tone_mapper.

        Raises:
            InputError: the memory is too small for the picture.
        """
        batch = {"high": layers.high[None], "bot": layers.bot[None]}
        try:
            pictures = self.network.predict_on_batch(batch)
        except tf.errors.ResourceExhaustedError as error:
            height, width = layers.high.shape[:2]
            raise InputError(
                f"{width}x{height} pixels do not fit into the memory; try --test_resize_to_half"
            ) from error
        return {name: picture[0] for name, picture in pictures.items()}

    def shown(self, output, layers, settings):
        """Turn the network's output into the picture that is written.

        Args:
            output: H×W×3 float32, "output" of `pictures`.
            layers: the data.prepare.Layers it was made of.
            settings: dict whose display_<field> override the checkpoint's fields of
                models.display.Display where they are not None.

        Returns:
            H×W×3 uint8, display-encoded RGB.
        """
        display = self.kept.display.overridden(settings)
        domain = self.preparation.data_domain
        return displayed(output, layers.normalised, domain, display, layers.floor)

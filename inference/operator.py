"""The trained operator: layers or files in, pictures out."""

import time
import traceback
from functools import cached_property
from pathlib import Path

import tensorflow as tf

from data.pictures import read_hdr
from data.preparation.prepare import prepare_picture
from inference.strips import Strips
from models.display import displayed
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from models.weights import checkpoint_info, load_weights, newest_checkpoint
from system.errors import InputError
from system.files import read_bytes


class Operator:
    """The joint network with the weights of a folder's newest whole checkpoint.

    Args:
        folder: of the ft stage.
        default_preparation: data.preparation.prepare.Preparation, used where the checkpoint
            (a published one) does not say how pictures are prepared.
        precision: "float32" or "bfloat16", see inference.strips.
        no_high_branch, no_ft_branch: ablations; a checkpoint trained under one is used under it.
        display_settings: dict whose display_<field> override the checkpoint's fields of
            models.display.Display where they are not None.

    Attributes:
        path: of the checkpoint.
        info: models.weights.CheckpointInfo.
        preparation: the Preparation of pictures.
        ablations: dict of no_high_branch and no_ft_branch as they are used.
        display: the Display of pictures.

    Raises:
        InputError: no whole checkpoint there, or one that does not fit.
    """

    def __init__(
        self,
        folder,
        default_preparation,
        precision="float32",
        no_high_branch=False,
        no_ft_branch=False,
        display_settings=None,
    ):
        found = newest_checkpoint(folder)
        if found is None:
            raise InputError(
                f"there is no checkpoint in {folder}; train one with train_ft.py, or put the "
                "authors' published files there"
            )
        self.path = found.path
        self.info = checkpoint_info(found)
        self.preparation = self.info.preparation or default_preparation
        self.ablations = {
            "no_high_branch": no_high_branch or self.info.no_high_branch,
            "no_ft_branch": no_ft_branch or self.info.no_ft_branch,
        }
        self.display = self.info.display.overridden(display_settings or {})
        self._precision = precision
        self._branches = make_branches()
        load_weights(found, self._branches.used(**self.ablations))
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self._whole = on_gpu and precision == "float32"
        level_num = self.preparation.level_num
        self._strips = Strips(self._branches, level_num, precision, **self.ablations)

    @cached_property
    def network(self):
        """The keras.Model of models.tone_mapper in float32."""
        level_num = self.preparation.level_num
        return tone_mapper(self._branches, level_num, TEST_PADDING, **self.ablations)

    def pictures(self, layers, names=("output",)):
        """Run the network on one picture: on a GPU in float32 as a whole, else in bands of rows.

        Args:
            layers: data.preparation.prepare.Layers.
            names: of the pictures wanted, of models.tone_mapper.PICTURES.

        Returns:
            dict of H×W×3 float32 arrays, see models.tone_mapper.

        Raises:
            InputError: the memory is too small for the picture.
        """
        try:
            if not self._whole:
                return self._strips.pictures(layers.high, layers.bot, names)
            batch = {"high": layers.high[None], "bot": layers.bot[None]}
            made = self.network.predict_on_batch(batch)
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            traceback.clear_frames(error.__traceback__)  # the next picture needs the memory
            height, width = layers.high.shape[:2]
            other = "" if self._precision == "bfloat16" else "--precision bfloat16 or "
            raise InputError(
                f"{width}x{height} pixels do not fit into the memory; try {other}"
                "--test_resize_to_half"
            ) from error
        return {name: made[name][0] for name in names}

    def to_display(self, output, layers):
        """Turn the network's output into the picture that is written.

        Args:
            output: H×W×3 float32, "output" of `pictures`.
            layers: the data.preparation.prepare.Layers it was made of.

        Returns:
            H×W×3 uint8, display-encoded RGB.
        """
        domain = self.preparation.data_domain
        return displayed(output, layers.normalized, domain, self.display, layers.black_offset)

    def tone_map(self, path, to_half=False):
        """Tone-map an HDR file.

        Args:
            path: of the file.
            to_half: halve both sides first.

        Returns:
            (H×W×3 uint8 as test.py writes it, seconds from scene-linear samples to there).

        Raises:
            InputError: the file cannot be read, or is too small or too large for the network.
        """
        picture = read_hdr(path)
        start = time.perf_counter()
        layers = prepare_picture(picture, self.preparation, to_half)
        del picture  # the network needs the memory
        result = self.to_display(self.pictures(layers)["output"], layers)
        return result, time.perf_counter() - start

    def content(self):
        """Return what the pictures depend on: the weights' bytes, and texts of the settings.

        Raises:
            InputError: the checkpoint cannot be read.
        """
        path = Path(self.path)
        parts = sorted(path.parent.glob(f"{path.name}.*"))
        settings = self.preparation, self.display, self.ablations
        precision = [] if self._precision == "float32" else [self._precision]
        return [*map(read_bytes, parts), *map(repr, settings), *precision]

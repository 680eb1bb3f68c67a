"""The trained operator: arrays, layers or files in, pictures out."""

import os
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data.pictures import read_hdr
from data.pictures.sanitize import linear_array
from data.preparation.prepare import Layers, Preparation, prepare_picture
from inference.strength import weakened
from inference.strips import Strips
from models.display import displayed
from models.tone_mapper import PICTURES, TEST_PADDING, make_branches, reach, tone_mapper
from models.weights import (
    Checkpoint,
    checkpoint_info,
    default_checkpoint,
    load_weights,
    newest_checkpoint,
)
from system.errors import InputError
from system.files import read_bytes

INPUTS = {"input": "normalized", "high": "high", "bot": "bot"}  # name of a layer: of Layers' field
LAYERS = (*INPUTS, *PICTURES)
SMALL = ("bot", "output_bot")  # H/2^n×W/2^n


class Operator:
    """The joint network with the weights of a folder's newest whole checkpoint.

    operator(rgb) makes the displayed picture of an array, see __call__.

    Args:
        folder: of the ft stage; None for models.weights.default_checkpoint; or the
            models.weights.Checkpoint to take.
        default_preparation: used where the checkpoint (a published one) does not say how
            pictures are prepared; None for the paper's.
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
        folder: str | os.PathLike[str] | Checkpoint | None = None,
        default_preparation: Preparation | None = None,
        precision: str = "float32",
        no_high_branch: bool = False,
        no_ft_branch: bool = False,
        display_settings: Mapping[str, Any] | None = None,
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise InputError(f"precision is {precision!r}; it must be 'float32' or 'bfloat16'")
        folder = default_checkpoint() if folder is None else folder
        found = folder if isinstance(folder, Checkpoint) else newest_checkpoint(folder)
        if found is None:
            raise InputError(
                f"there is no checkpoint in {folder}; train one with train_ft.py, or put the "
                "authors' published files there"
            )
        self.path = found.path
        self.info = checkpoint_info(found)
        self.preparation = self.info.preparation or default_preparation or Preparation()
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

    def __call__(
        self,
        rgb: np.ndarray,
        exposure: float = 0.0,
        strength: float = 1.0,
        wrap: bool = False,
        dtype: type = np.uint8,
    ) -> np.ndarray:
        """Tone-map a picture, or the pictures of a batch one after the other.

        Args:
            rgb: H×W×3 floats, scene-linear RGB with BT.709 primaries, of any range and size. NaN
                and negative samples count as 0, infinite ones as the largest finite sample.
                H×W and H×W×1 are gray and repeated; the fourth channel of H×W×4 is dropped.
                N×H×W×C is a batch.
            exposure, wrap, strength: see `prepared` and inference.strength.weakened.
            dtype: of the codes, np.uint8 or np.uint16.

        Returns:
            H×W×3 codes, display-encoded RGB; N×H×W×3 of a batch. A mirrored border stands in
            where the network needs a larger picture, or sides that 2^level_num divides.

        Raises:
            InputError: integers, another shape, no pixels, no finite sample, or the memory is
                too small.
        """
        rgb = np.asarray(rgb)
        if rgb.ndim == 4 and len(rgb):
            return np.stack([self(one, exposure, strength, wrap, dtype) for one in rgb])
        scene = linear_array(rgb)
        layers = self.prepared(scene, True, exposure, wrap)
        shown = self.to_display(self.pictures(layers)["output"], layers, dtype)
        return weakened(shown, scene, strength, exposure)

    def layers(self, rgb: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the branches read and made of one picture.

        Args:
            rgb: as for __call__, but no batch.

        Returns:
            dict of float32 arrays: "input", the normalized picture; "high" and "bot", the layers
            that the branches read; the pictures of models.tone_mapper. H×W×3, but "bot" and
            "output_bot" are H/2^n×W/2^n×3, rounded up.

        Raises:
            InputError: as __call__.
        """
        return self.pictures(self.prepared(linear_array(np.asarray(rgb)), True), LAYERS)

    def prepared(
        self, hdr: np.ndarray, keep_size: bool = False, exposure: float = 0.0, wrap: bool = False
    ) -> Layers:
        """Return the Layers of a picture, see data.preparation.prepare.prepare_picture.

        wrap: the left and right side meet, as in a panorama of 360°.
        """
        columns = 0
        if wrap:
            far = reach(self._branches, self.preparation.level_num)
            columns = far + 2 * self.display.guided  # two windows
        return prepare_picture(hdr, self.preparation, False, keep_size, exposure, columns)

    @cached_property
    def network(self) -> keras.Model:
        """The keras.Model of models.tone_mapper in float32."""
        level_num = self.preparation.level_num
        return tone_mapper(self._branches, level_num, TEST_PADDING, **self.ablations)

    def pictures(self, layers: Layers, names: Sequence[str] = ("output",)) -> dict[str, np.ndarray]:
        """Run the network on one picture: on a GPU in float32 as a whole, else in bands of rows.

        Args:
            layers: data.preparation.prepare.Layers.
            names: of the pictures wanted, of LAYERS.

        Returns:
            dict of H×W×3 float32 arrays without the border of the Layers, see `layers`; "output"
            still has the wrapped columns, which to_display needs.

        Raises:
            InputError: the memory is too small for the picture.
        """
        height, width = layers.normalized.shape[:2]
        made_names = [name for name in names if name not in INPUTS]
        try:
            if self._whole and not layers.wrapped:
                batch = {"high": layers.high[None], "bot": layers.bot[None]}
                batch = self.network.predict_on_batch(batch)
                made = {name: batch[name][0] for name in made_names}
            else:
                parts = layers.high, layers.bot, made_names, layers.wrapped
                made = self._strips.pictures(*parts)
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            traceback.clear_frames(error.__traceback__)  # the next picture needs the memory
            other = "" if self._precision == "bfloat16" else "--precision bfloat16 or "
            raise InputError(
                f"{width}x{height} pixels do not fit into the memory; try {other}"
                "--test_resize_to_half"
            ) from error
        made.update({name: getattr(layers, field) for name, field in INPUTS.items()})
        made = {n: made[n] if n in SMALL else made[n][:height, :width] for n in names}
        for name in set(names) - {"output"}:
            columns = layers.wrapped // (2**self.preparation.level_num if name in SMALL else 1)
            made[name] = made[name][:, columns : made[name].shape[1] - columns]
        return made

    def to_display(self, output: np.ndarray, layers: Layers, dtype: type = np.uint8) -> np.ndarray:
        """Turn the network's output into the picture that is written.

        Args:
            output: H×W×3 float32, "output" of `pictures`.
            layers: the data.preparation.prepare.Layers it was made of.
            dtype: of the codes, np.uint8 or np.uint16.

        Returns:
            H×W×3 of that type, display-encoded RGB, without wrapped columns.
        """
        domain, offset, columns = self.preparation.data_domain, layers.black_offset, layers.wrapped
        shown = displayed(output, layers.normalized, domain, self.display, offset, dtype)
        return shown[:, columns : shown.shape[1] - columns]

    def tone_map(
        self, path: str | os.PathLike[str], to_half: bool = False, keep_size: bool = False
    ) -> tuple[np.ndarray, float]:
        """Tone-map an HDR file.

        Returns:
            (H×W×3 uint8 as test.py writes it, seconds from scene-linear samples to there); to_half,
            keep_size: see data.pictures.read_hdr and data.preparation.prepare.prepare_picture.

        Raises:
            InputError: the file cannot be read, or is too small or too large for the network.
        """
        picture = read_hdr(path, to_half)
        start = time.perf_counter()
        layers = prepare_picture(picture, self.preparation, keep_size=keep_size)
        del picture  # the network needs the memory
        result = self.to_display(self.pictures(layers)["output"], layers)
        return result, time.perf_counter() - start

    def content(self) -> list[bytes | str]:
        """Return what the pictures depend on: the weights' bytes, and texts of the settings.

        Raises:
            InputError: the checkpoint cannot be read.
        """
        path = Path(self.path)
        parts = sorted(path.parent.glob(f"{path.name}.*"))
        settings = self.preparation, self.display, self.ablations
        precision = [] if self._precision == "float32" else [self._precision]
        return [*map(read_bytes, parts), *map(repr, settings), *precision]

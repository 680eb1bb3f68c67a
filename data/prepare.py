"""From one HDR picture to what the network reads: the one way, used everywhere."""

from typing import NamedTuple

import cv2
import numpy as np

from data.errors import InputError
from data.normalize import crop_to_multiple, halve, normalise_hdr_with_floor
from data.pyramid import decompose

# The branches' upsampling mirrors 2 pixels of a bot layer that testing has
# padded by 6 mirrored pixels: 7 pixels are the least that this works with.
LEAST_BOT_SIDE = 7


class Preparation(NamedTuple):
    """How pictures become layers; a network knows only the one it was trained on."""

    data_domain: str
    decompose_filter: str
    fuse_mid_layers: bool
    level_num: int

    @classmethod
    def from_settings(cls, settings):
        """Take the fields out of a dict that has them among others."""
        return cls(*(settings[field] for field in cls._fields))

    def words(self):
        """Return the settings as a short text for messages."""
        layers = "fused" if self.fuse_mid_layers else "extracted"
        return (
            f"domain {self.data_domain}, {self.decompose_filter} filter, {layers} layers, "
            f"{self.level_num} levels"
        )


class Layers(NamedTuple):
    """One prepared picture: normalised H×W×3, high H×W×3, bot H/2^n×W/2^n×3.

    floor: see data.normalize.normalise_hdr_with_floor.
    """

    normalised: np.ndarray
    high: np.ndarray
    bot: np.ndarray
    floor: float = 0.0


def prepare_picture(hdr, preparation, to_half=False):
    """Prepare one scene-linear picture for testing.

    Args:
        hdr: H×W×3 float32, linear RGB, finite and not negative.
        preparation: a Preparation.
        to_half: first resize to half of each side.

    Returns:
        Layers, cropped at the top left to sides that 2^level_num divides.

    Raises:
        InputError: the picture is smaller than the network can take.
        MemoryError: it is too large.
    """
    if to_half:
        hdr = halve(hdr)
    step = 2**preparation.level_num
    cropped = crop_to_multiple(hdr, step)
    if min(cropped.shape[:2]) < LEAST_BOT_SIDE * step:
        raise InputError(
            f"{hdr.shape[1]}x{hdr.shape[0]} pixels are too few: a picture needs at least "
            f"{LEAST_BOT_SIDE * step} on each side with level_num {preparation.level_num}"
        )
    normalised, floor = normalise_hdr_with_floor(cropped, preparation.data_domain)
    try:
        return Layers(normalised, *split(normalised, preparation), floor)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise


def split(normalised, preparation):
    """Decompose a normalised H×W×3 picture into (high, bot) as `preparation` says."""
    return decompose(
        normalised,
        preparation.decompose_filter,
        preparation.fuse_mid_layers,
        preparation.level_num,
    )

"""From one HDR picture to what the network reads: the one way, used everywhere."""

from typing import NamedTuple

import cv2
import numpy as np

from data.preparation.normalize import crop_to_multiple, halve, normalize_hdr_with_offset
from data.preparation.pyramid import decompose
from system.errors import InputError

# The branches' upsampling mirrors 2 pixels of a bot layer that testing has
# padded by 6 mirrored pixels: 7 pixels are the least that this works with.
MIN_BOT_SIDE = 7


class Preparation(NamedTuple):
    """How pictures become layers; a network knows only the one it was trained on.

    The defaults are the paper's.
    """

    data_domain: str = "gamma"
    decompose_filter: str = "bilateral"
    fuse_mid_layers: bool = False
    level_num: int = 3

    @classmethod
    def from_settings(cls, settings):
        """Take the fields out of a dict that has them among others."""
        return cls(*(settings[field] for field in cls._fields))

    def describe(self):
        """Return the settings as a short text for messages."""
        layers = "fused" if self.fuse_mid_layers else "extracted"
        return (
            f"domain {self.data_domain}, {self.decompose_filter} filter, {layers} layers, "
            f"{self.level_num} levels"
        )


class Layers(NamedTuple):
    """One prepared picture: normalized H×W×3, high H×W×3, bot H/2^n×W/2^n×3.

    Where 2^n does not divide the sides, high and bot have a mirrored border at the bottom
    and on the right.

    black_offset: see data.preparation.normalize.normalize_hdr_with_offset.
    wrapped: columns of the picture's other side that stand on its left, and on its right.
    """

    normalized: np.ndarray
    high: np.ndarray
    bot: np.ndarray
    black_offset: float = 0.0
    wrapped: int = 0


def frame_picture(hdr, preparation, to_half=False, keep_size=False):
    """Return the part of a picture that is tone-mapped, H×W×3.

    Args:
        hdr: H×W×3 linear RGB.
        preparation: a Preparation.
        to_half: resize to half of each side.
        keep_size: do not crop at the top left to sides that 2^level_num divides.

    Raises:
        InputError: the picture is smaller than the network can take, without keep_size.
    """
    if to_half:
        hdr = halve(hdr)
    step = 2**preparation.level_num
    least = MIN_BOT_SIDE * step
    if not keep_size:
        if min(hdr.shape[:2]) < least:
            raise InputError(
                f"{hdr.shape[1]}x{hdr.shape[0]} pixels are too few: a picture needs at least "
                f"{least} on each side with level_num {preparation.level_num}, or --keep_size"
            )
        hdr = crop_to_multiple(hdr, step)
    return hdr


def prepare_picture(hdr, preparation, to_half=False, keep_size=False, exposure=0.0, wrap_columns=0):
    """Prepare one scene-linear picture for testing.

    Args:
        hdr: H×W×3 float32, linear RGB, finite and not negative.
        preparation: a Preparation.
        to_half: first resize to half of each side.
        keep_size: mirror the picture up to sides that the network can take, whatever its size.
        exposure: in stops, see data.preparation.normalize.clip_highlights.
        wrap_columns: put so many of the left side, or some more, beyond the right one, and the
            reverse.

    Returns:
        Layers, without keep_size cropped at the top left to sides that 2^level_num divides.

    Raises:
        InputError: the picture is smaller than the network can take, without keep_size.
        MemoryError: it is too large.
    """
    hdr = frame_picture(hdr, preparation, to_half, keep_size)
    step = 2**preparation.level_num
    least = MIN_BOT_SIDE * step
    domain = preparation.data_domain
    normalized, black_offset = normalize_hdr_with_offset(hdr, domain, exposure)
    wrap_columns = -(-wrap_columns // step) * step
    if wrap_columns:
        normalized = np.pad(normalized, [(0, 0), (wrap_columns,) * 2, (0, 0)], "wrap")
    sides = normalized.shape[:2]
    border = [(0, max(least, -(-side // step) * step) - side) for side in sides]
    padded = np.pad(normalized, [*border, (0, 0)], "reflect") if np.any(border) else normalized
    high, bot = split(padded, preparation)
    return Layers(normalized, high, bot, black_offset, wrap_columns)


def split(normalized, preparation):
    """Decompose a normalized H×W×3 picture into (high, bot) as `preparation` says.

    Raises:
        MemoryError: it is too large.
    """
    try:
        return decompose(
            normalized,
            preparation.decompose_filter,
            preparation.fuse_mid_layers,
            preparation.level_num,
        )
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise

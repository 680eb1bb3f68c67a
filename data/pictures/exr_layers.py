"""Which channels of an OpenEXR file make the picture.

Names: "Technical Introduction to OpenEXR", section Channel Names,
https://openexr.com/en/latest/TechnicalIntroduction.html, and those that renderers write.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from data.pictures.sanitize import Remark
from system.errors import InputError

_COLORS: tuple[tuple[str, ...], ...] = (
    ("r", "g", "b"),
    ("red", "green", "blue"),
    ("y", "ry", "by"),
)
# What may stand alone; Y is no luminance beside X.
_GREYS = ("y", "l", "gray", "grey", "luminance", "luma", "bw", "i", "r")
_NOT_GREY = {"x", "g", "b"}
_MAIN = re.compile(r"(combined|rgba?|beauty|colou?r|composite|image|final|main)", re.I)
_NO_PICTURE = re.compile(
    r".*(normal|position|vector|motion|velocity|mask|matte|crypto|depth|alpha|mist|index|uv|tangent).*"
    r"|(.*[. ])?(n|p|z|st|.*id)",
    re.I,
)
_SHOWN = 12  # names in a message


class Layer(NamedTuple):
    """A layer that can be shown: `channels` are R, G, B, or Y, RY, BY, or one that is grey."""

    name: str  # "" for the default one
    part: int
    channels: tuple[str, ...]
    is_chroma: bool

    @property
    def is_main(self) -> bool:
        """Whether the name is one of a renderer's picture, in whatever view layer."""
        return bool(_MAIN.fullmatch(self.name.rpartition(".")[2]))

    @property
    def is_picture(self) -> bool:
        """Whether the name is none of vectors, masks and the like."""
        return self.is_main or not _NO_PICTURE.fullmatch(self.name)

    def rank(self) -> tuple[bool, ...]:
        """Return what the picture of a file has least of."""
        return not self.is_picture, len(self.channels) == 1, self.name != "", not self.is_main


def choose(
    parts: Sequence[tuple[str, Iterable[str]]], name: str, wanted: str | None, remark: Remark
) -> Layer:
    """Return the layer of a file that is its picture.

    The default layer, else the one called Combined, rgba or the like, else the first that is
    no vector and no mask; where there are several, `remark` hears of it.

    Args:
        parts: (name, names of the channels) of each part.
        name: the file, for messages.
        wanted: name of a layer or a part to take in place of that, or None.
        remark: hears of a choice between several.

    Raises:
        InputError: there is no picture, or not the wanted one.
    """
    layers = []
    for index, (part, channels) in enumerate(parts):
        layers += _layers(index, part if len(parts) > 1 else "", channels)
    shown = _listed(layer.name or "default" for layer in layers)
    if not layers:
        channels = _listed(channel for _, channels in parts for channel in channels)
        raise InputError(
            f"{name}: has neither R, G, B nor Y channels but {channels}; save it as RGB."
        )
    if wanted is not None:
        names = {layer.name or "default": layer for layer in reversed(layers)}
        if wanted not in names:
            raise InputError(f"{name}: has no layer {wanted!r}; give one of {shown}.")
        return names[wanted]
    best = min(layers, key=Layer.rank)  # the first of several
    if best.name and (not best.is_picture or sum(layer.is_picture for layer in layers) > 1):
        remark(f"has the layers {shown}; {best.name} was read, and --layer NAME reads another")
    return best


def _layers(index: int, part: str, channels: Iterable[str]) -> Iterable[Layer]:
    """Yield the layers of a part that can be shown, in the order of their channels."""
    grouped: dict[str, dict[str, str]] = {}
    for channel in sorted(channels, reverse=True):  # R after r, which it replaces
        prefix, _, last = channel.rpartition(".")
        grouped.setdefault(prefix, {})[last.lower()] = channel
    for prefix, of in sorted(grouped.items()):
        name = _joined(part, prefix)
        colors = next((colors for colors in _COLORS if of.keys() >= {*colors}), ())
        if not colors and not of.keys() & _NOT_GREY:
            colors = tuple(grey for grey in _GREYS if grey in of)[:1]
        if colors:
            yield Layer(name, index, tuple(of[color] for color in colors), "ry" in colors)


def _joined(part: str, prefix: str) -> str:
    """Return the name of a layer from those of its part and of its channels."""
    if not (part and prefix):
        return part or prefix
    return part if part.endswith(prefix) else f"{part}.{prefix}"


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
    return ", ".join(unique[:_SHOWN]) + more

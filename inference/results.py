"""Writing tone-mapped pictures, each under its name and over nobody's file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.pictures import write_sdr
from data.pictures.sdr import made_here
from data.pictures.ultrahdr import encode_ultrahdr
from inference.strength import weakened
from standards.srgb import MAX_CODE, luminance, srgb_decode
from system.atomic import replacing
from system.errors import InputError, naming
from system.files import file_identities, result_path
from system.parallel import pipelined

if TYPE_CHECKING:
    from data.preparation.prepare import Layers
    from inference.operator import Operator

FORMATS = {  # by the setting's name: the file's ending, the type of its codes
    "jpg": ("jpg", np.uint8),
    "png": ("png", np.uint8),
    "png16": ("png", np.uint16),
    "tif16": ("tif", np.uint16),
    "ultrahdr": ("jpg", np.uint8),
}


class Prepared(NamedTuple):
    """A picture to be tone-mapped.

    stem: of the result's name.
    layers: data.preparation.prepare.Layers.
    scene: the same picture, H×W×3 linear RGB; None where strength is 1 and the format not
        ultrahdr.
    """

    stem: str
    layers: Layers
    scene: np.ndarray | None = None


class Results(NamedTuple):
    """Where and how pictures are written.

    folder: that is there.
    inputs: of system.files.file_identities, files that are never replaced.
    overwrite: replace files that this program did not make, too.
    format: of FORMATS.
    quality: of a JPEG, 1 to 100.
    strength, exposure: see inference.strength.weakened.
    """

    folder: str | os.PathLike[str]
    inputs: set[tuple[int, int]]
    overwrite: bool = False
    format: str = "jpg"
    quality: int = 95
    strength: float = 1.0
    exposure: float = 0.0

    def write_all(
        self,
        prepared: Iterator[Prepared],
        operator: Operator,
        layer_names: Sequence[str] = (),
        remedy: str = "--test_resize_to_half",
    ) -> Iterator[InputError | None]:
        """Tone-map pictures and write them and their layers.

        While the network works on a picture, the next is taken from `prepared` in one thread and
        the one before is displayed and written in another.

        Args:
            prepared: the pictures, or the errors that there are in their place.
            operator: makes the pictures.
            layer_names: of inference.operator.LAYERS, written as stem_name.
            remedy: for the message where the memory is too small.

        Yields:
            For each in its order None, or why it was not written: its own error, a file may not be
            replaced or cannot be written, or the memory is too small.
        """

        def run(picture):
            if isinstance(picture, InputError):
                return picture
            stems = {"output": picture.stem}
            stems.update((name, f"{picture.stem}_{name}") for name in layer_names)
            ending = FORMATS[self.format][0]
            try:
                with naming(picture.stem, remedy):
                    paths = {n: result_path(self.folder, s, ending) for n, s in stems.items()}
                    for path in paths.values():
                        self._check(path)
                    return picture, paths, operator.pictures(picture.layers, tuple(paths))
            except InputError as error:
                return error

        def write(made):
            if isinstance(made, InputError):
                return made
            picture, paths, pictures = made
            try:
                with naming(picture.stem, remedy):
                    return self._write(picture, paths, pictures, operator)
            except InputError as error:
                return error

        yield from pipelined(prepared, run, write)

    def _write(
        self,
        picture: Prepared,
        paths: dict[str, Path],
        pictures: dict[str, np.ndarray],
        operator: Operator,
    ) -> None:
        """Display the output and write it and the layers."""
        from models.display import stretched

        _, layers, scene = picture
        dtype = FORMATS[self.format][1]
        shown = operator.to_display(pictures.pop("output"), layers, dtype)
        if scene is not None:
            shown = weakened(shown, scene, self.strength, self.exposure)
        if self.format == "ultrahdr" and scene is not None:
            with replacing(paths["output"]) as file:
                file.write(encode_ultrahdr(shown, exposed(scene, shown), self.quality))
        else:
            write_sdr(paths["output"], shown, self.quality)
        for name, layer in pictures.items():
            write_sdr(paths[name], stretched(layer, dtype), self.quality)

    def _check(self, path: Path) -> None:
        if file_identities([path]) & self.inputs:
            raise InputError(f"{path}: is itself to be tone-mapped; name another with --output")
        if not self.overwrite and os.path.lexists(path) and not made_here(path):
            raise InputError(
                f"{path}: is there and was not made by this program; move it, name another folder "
                "with --output, or replace it with --overwrite"
            )


def exposed(scene: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return a scene in units of display white, half of its pixels brighter than displayed.

    Pixels that are black here or there do not count.

    Args:
        scene: H×W×3 linear RGB, any unit.
        shown: H×W×3 uint8, its displayed picture.
    """
    light, source = luminance(srgb_decode(shown / np.float32(MAX_CODE))), luminance(scene)
    lit = (source > 0) & (light > 0)
    return scene * np.median(light[lit] / source[lit]) if lit.any() else scene

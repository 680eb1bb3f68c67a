"""The trained operator from an HDR file to the picture that is written."""

import time
from pathlib import Path

from data.pictures import read_hdr
from data.preparation.prepare import prepare_picture
from system.files import read_bytes


class FileOperator:
    """A inference.operator.Operator that takes files.

    Args:
        operator: the Operator.
        settings: dict with display_*, see Operator.shown.
        to_half: tone-map at half of each side.
    """

    def __init__(self, operator, settings, to_half):
        self.operator = operator
        self._settings = settings
        self._to_half = to_half

    def content(self):
        """Return what its pictures depend on: bytes of the weights, and texts of the settings.

        Raises:
            InputError: the checkpoint cannot be read.
        """
        path = Path(self.operator.path)
        parts = sorted(path.parent.glob(f"{path.name}.*"))
        display = self.operator.info.display.overridden(self._settings)
        settings = self.operator.preparation, display, self.operator.ablations
        return [*map(read_bytes, parts), *map(repr, settings)]

    def tone_map(self, path):
        """Return (H×W×3 uint8 as test.py writes it, seconds) of an HDR file.

        The seconds are those from scene-linear samples to 8-bit codes.

        Raises:
            InputError: the file cannot be read, or is too small or too large for the network.
        """
        hdr = read_hdr(path)
        start = time.perf_counter()
        layers = prepare_picture(hdr, self.operator.preparation, self._to_half)
        del hdr  # the network needs the memory
        output = self.operator.pictures(layers)["output"]
        picture = self.operator.shown(output, layers, self._settings)
        return picture, time.perf_counter() - start

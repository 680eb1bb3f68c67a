"""Make docs/overview.jpg, the README's picture, from the scenes and their results.

python test.py dataset/test --output result --set test.format=png
python docs/make_overview.py
"""

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from data.image_io import read_hdr, read_sdr, write_sdr  # noqa: E402
from models.display import srgb_encode  # noqa: E402

SCENES = ("interior", "chapel", "night_street", "sunset")
EXPOSURES = (4, 0, -4)  # stops round the log-average at middle grey
LARGE = (384, 256)
GAP = 4


def main():
    """Put three exposures and the result of each scene side by side, two scenes a row."""
    tiles = [tile(name) for name in SCENES]
    rows = [np.hstack([pad(a), b]) for a, b in zip(tiles[::2], tiles[1::2], strict=True)]
    write_sdr(ROOT / "docs" / "overview.jpg", np.vstack([pad_below(rows[0]), rows[1]]), 88)


def tile(name):
    """Return one scene: its exposures above each other, the result beside them."""
    hdr = read_hdr(ROOT / "dataset" / "test" / f"{name}.hdr")
    middle = 0.18 / np.exp(np.mean(np.log(hdr.mean(axis=-1) + 1e-9)))
    heights = np.diff(np.linspace(0, LARGE[1] + GAP, len(EXPOSURES) + 1).round().astype(int)) - GAP
    strip = []
    for stops, height in zip(EXPOSURES, heights, strict=True):
        size = (round(height * LARGE[0] / LARGE[1]), int(height))
        light = cv2.resize(hdr * middle * 2.0**stops, size, interpolation=cv2.INTER_AREA)
        strip.append(np.rint(255 * srgb_encode(light)).astype(np.uint8))
    width = min(part.shape[1] for part in strip)
    strip = [part[:, :width] for part in strip]
    column = np.vstack([pad_below(strip[0]), pad_below(strip[1]), strip[2]])
    result = cv2.resize(
        read_sdr(ROOT / "result" / f"{name}.png"), LARGE, None, 0, 0, cv2.INTER_AREA
    )
    return np.hstack([pad(column), result])


def pad(picture):
    """Add a white line on the right."""
    return np.pad(picture, [(0, 0), (0, GAP), (0, 0)], constant_values=255)


def pad_below(picture):
    """Add a white line below."""
    return np.pad(picture, [(0, GAP), (0, 0), (0, 0)], constant_values=255)


if __name__ == "__main__":
    main()

"""Make docs/overview.jpg, the README's picture: exposures, two classical operators, IQATM.

python test.py dataset/test --output result --set test.format=png
python tools/make_overview.py
"""

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from data.pictures import read_hdr, read_sdr, write_sdr  # noqa: E402
from metrics.operators import OPERATORS  # noqa: E402
from standards.srgb import MAX_CODE, srgb_encode  # noqa: E402

SCENES = ("interior", "chapel", "night_street", "sunset")
EXPOSURES = (4, 0, -4)  # stops round the log-average at middle grey
CLASSICAL = {"reinhard_local": "Reinhard 2002 local", "drago": "Drago 2003"}
LARGE = (384, 256)
GAP, HEAD = 4, 24
QUALITY = 86


def main():
    """Put the scenes below each other, what they became side by side."""
    rows = [row(name) for name in SCENES]
    titles = ["4 stops apart", *CLASSICAL.values(), "IQATM"]
    column = rows[0].shape[1] - 3 * (LARGE[0] + GAP)
    lefts = [0, *(column + GAP + i * (LARGE[0] + GAP) for i in range(3))]
    head = np.full((HEAD, rows[0].shape[1], 3), 255, np.uint8)
    for title, left in zip(titles, lefts, strict=True):
        origin = (left + 2, HEAD - 8)
        cv2.putText(head, title, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    stacked = [part for one in rows for part in (one, white(GAP, one.shape[1]))][:-1]
    write_sdr(ROOT / "docs" / "overview.jpg", np.vstack([head, *stacked]), QUALITY)


def row(name):
    """Return one scene: its exposures above each other, the operators' pictures beside them."""
    hdr = read_hdr(ROOT / "dataset" / "test" / f"{name}.hdr")
    pictures = [OPERATORS[operator](hdr) for operator in CLASSICAL]
    pictures.append(read_sdr(ROOT / "result" / f"{name}.png"))
    parts = [exposures(hdr)]
    for picture in pictures:
        parts.append(white(LARGE[1], GAP))
        parts.append(cv2.resize(picture, LARGE, interpolation=cv2.INTER_AREA))
    return np.hstack(parts)


def exposures(hdr):
    """Return the EXPOSURES of a scene in a column as high as the pictures."""
    middle = 0.18 / np.exp(np.mean(np.log(hdr.mean(axis=-1) + 1e-9)))
    tops = np.linspace(0, LARGE[1] + GAP, len(EXPOSURES) + 1).round().astype(int)
    width = round((LARGE[1] - 2 * GAP) / len(EXPOSURES) * LARGE[0] / LARGE[1])
    column = white(LARGE[1], width)
    for stops, top, bottom in zip(EXPOSURES, tops, tops[1:], strict=False):
        size = (width, int(bottom - top) - GAP)
        light = cv2.resize(hdr * middle * 2.0**stops, size, interpolation=cv2.INTER_AREA)
        column[top : bottom - GAP] = np.rint(MAX_CODE * srgb_encode(light))
    return column


def white(height, width):
    """Return a white piece of the page."""
    return np.full((height, width, 3), 255, np.uint8)


if __name__ == "__main__":
    main()

"""The rowing boat at the pier and the sailing boat far out."""

import numpy as np

from .fields import Implicit
from .geometry import Box, Cylinder, Rect, column
from .materials import coated, metal
from .noise import fbm, solid


def boat(x, z):
    """A small rowing boat, cut out of two ellipsoids."""

    def distance(p):
        a, y, b = p[0] - x, p[1] - 0.38, p[2] - z

        def egg(rx, ry, rz):
            return (np.sqrt((a / rx) ** 2 + (y / ry) ** 2 + (b / rz) ** 2) - 1) * min(rx, ry) * 0.7

        hull = np.maximum(np.maximum(egg(0.72, 0.52, 2.0), -egg(0.66, 0.45, 1.92)), y)
        bench = np.maximum(
            np.maximum(np.abs(y + 0.12) - 0.025, np.abs(np.abs(b) - 0.5) - 0.12), egg(0.7, 0.5, 2.0)
        )
        return np.minimum(hull, bench)

    def skin(p, n, d):
        white = (p[1] > 0.3) | (np.abs(p[0] - x) < 0.02)
        wood = solid([0.30, 0.05, 0.03], p) * (0.9 + 0.3 * fbm(p[2] * 2, p[1] * 30, 3, 3))
        return {
            "albedo": np.where(white, column([0.5, 0.45, 0.36]), wood),
            "f0": 0.04,
            "gloss": 120.0,
        }

    return Implicit((x - 0.75, -0.2, z - 2.05), (x + 0.75, 0.42, z + 2.05), distance, skin, 60)


def sail(x, z):
    """A sailing boat far out."""
    cloth = coated([0.75, 0.68, 0.6], 20)
    return [
        Rect(
            2,
            z,
            (x - 2.4, 1.2),
            (x - 0.1, 9),
            cloth,
            lambda u, v: (x - 0.1 - u) / 2.3 + (v - 1.2) / 7.8 > 1,
        ),
        Rect(
            2,
            z + 0.05,
            (x + 0.1, 1.4),
            (x + 1.7, 7.4),
            cloth,
            lambda u, v: (u - x - 0.1) / 1.6 + (v - 1.4) / 6 > 1,
        ),
        Box((x - 2.2, 0, z - 0.8), (x + 1.9, 0.7, z + 0.8), coated([0.05, 0.08, 0.16], 200)),
        Cylinder((x, 0, z), 0.07, 0.5, 9.4, metal([0.5, 0.4, 0.3], 30)),
    ]

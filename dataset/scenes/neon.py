"""Neon letters: strokes of glass tube turned into images of emitted light."""

import itertools

import numpy as np

TUBE = 0.022  # half the width of a glass tube, metres

# Polylines on a cell of 0 ... 1 to the right and upwards.
STROKES = {
    "A": [[(0, 0), (0.5, 1), (1, 0)], [(0.2, 0.4), (0.8, 0.4)]],
    "B": [
        [(0, 0), (0, 1), (0.7, 1), (0.9, 0.75), (0.7, 0.52), (0, 0.52)],
        [(0.7, 0.52), (1, 0.27), (0.75, 0), (0, 0)],
    ],
    "C": [[(1, 0.85), (0.7, 1), (0.3, 1), (0, 0.7), (0, 0.3), (0.3, 0), (0.7, 0), (1, 0.15)]],
    "E": [[(1, 1), (0, 1), (0, 0), (1, 0)], [(0, 0.52), (0.8, 0.52)]],
    "F": [[(1, 1), (0, 1), (0, 0)], [(0, 0.52), (0.8, 0.52)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],
    "I": [[(0.5, 0), (0.5, 1)]],
    "J": [[(0.4, 1), (1, 1)], [(0.8, 1), (0.8, 0.25), (0.55, 0), (0.25, 0), (0, 0.25)]],
    "L": [[(0, 1), (0, 0), (0.95, 0)]],
    "M": [[(0, 0), (0, 1), (0.5, 0.4), (1, 1), (1, 0)]],
    "N": [[(0, 0), (0, 1), (1, 0), (1, 1)]],
    "O": [
        [(0.3, 0), (0, 0.3), (0, 0.7), (0.3, 1), (0.7, 1), (1, 0.7), (1, 0.3), (0.7, 0), (0.3, 0)]
    ],
    "R": [[(0, 0), (0, 1), (0.7, 1), (0.95, 0.75), (0.7, 0.5), (0, 0.5)], [(0.45, 0.5), (1, 0)]],
    "S": [
        [
            (1, 0.85),
            (0.7, 1),
            (0.3, 1),
            (0, 0.78),
            (0.25, 0.55),
            (0.75, 0.48),
            (1, 0.24),
            (0.7, 0),
            (0.3, 0),
            (0, 0.15),
        ]
    ],
    "T": [[(0, 1), (1, 1)], [(0.5, 1), (0.5, 0)]],
    "Z": [[(0, 1), (1, 1), (0, 0), (1, 0)]],
}


def letters(word):
    """Segments (K, 2, 2) of a word that fills the unit square from top to bottom."""
    segments, count = [], len(word)
    for k, letter in enumerate(word):
        for line in STROKES[letter]:
            points = np.array(line, np.float32) * 0.62 + 0.19
            points[:, 1] = (points[:, 1] + count - 1 - k) / count * 0.92 + 0.04
            segments += list(itertools.pairwise(points))
    return np.array(segments)


def neon_image(word, size, colour, border):
    """Radiance (3, rows, columns) of a sign of size (width, height) metres.

    colour and border (3,) are the radiance of the letters and of the frame tube.
    """
    rows = 320
    columns = max(int(rows * size[0] / size[1]), 48)
    if columns > 1200:
        rows, columns = int(rows * 1200 / columns), 1200
    x, y = np.meshgrid(
        (np.arange(columns) + 0.5) / columns * size[0], (np.arange(rows) + 0.5) / rows * size[1]
    )
    nearest = np.full(x.shape, 9.0)
    for a, b in letters(word) * np.array(size):
        along = b - a
        share = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / (along @ along)
        share = np.clip(share, 0, 1)
        nearest = np.minimum(
            nearest, np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1])
        )
    margin = np.minimum(np.minimum(x, size[0] - x), np.minimum(y, size[1] - y))
    image = np.zeros((3, *x.shape), np.float32)
    for distance, tint in ((nearest, colour), (np.abs(margin - 0.06), border)):
        core, halo = np.clip((TUBE - distance) / 0.008 + 0.5, 0, 1), np.exp(-distance / 0.06)
        light = np.asarray(tint, np.float32)[:, None, None]
        # The middle of the tube is paler, because the gas there outshines the glass.
        image += core * (light + 0.12 * light.max() * (distance < 0.4 * TUBE)) + 0.03 * halo * light
    return image


class Sign:
    """A neon image over low ... high of two axes."""

    def __init__(self, image, axes, low, high):
        self.image, self.axes, self.low, self.high = image, axes, low, high

    def material(self, p, n, d):
        """A dark board with glowing tubes."""
        rows, columns = self.image.shape[1:]
        x, y = (
            (p[axis] - low) / (high - low)
            for axis, low, high in zip(self.axes, self.low, self.high, strict=True)
        )
        i = np.clip((x * columns).astype(np.int32), 0, columns - 1)
        j = np.clip((y * rows).astype(np.int32), 0, rows - 1)
        return {"emission": self.image[:, j, i], "albedo": np.float32(0.02)}

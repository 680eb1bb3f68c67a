"""Cut-out plants: masks drawn from strokes and put on upright rectangles."""

import numpy as np

from .geometry import Rect


def stamp(mask, x, y):
    """Set mask[row, column] at points of the unit square, rows upwards."""
    rows, columns = mask.shape
    inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    mask[(y[inside] * rows).astype(int), (x[inside] * columns).astype(int)] = True


def pine_mask(rng, rows=1024, columns=512):
    """A spruce: trunk, drooping branches and needles, as a mask (rows, columns)."""
    mask = np.zeros((rows, columns), bool)
    s = np.linspace(0, 1, 4000)
    for offset in np.linspace(-1, 1, 25):
        stamp(mask, 0.5 + offset * 0.02 * (1 - s) + 0.004 * np.sin(s * 9), s * 0.97)
    height = 0.10
    while height < 0.985:
        for side in (-1, 1):
            if rng.random() < 0.12:
                continue
            reach = (0.46 * (1 - height) ** 0.8 + 0.01) * rng.uniform(0.55, 1.05)
            t = np.linspace(0, 1, 140)
            x = 0.5 + side * reach * t
            y = height + reach * (0.12 * t - 0.42 * t**2 + 0.16 * t**3) * rng.uniform(0.6, 1.3)
            stamp(mask, x, y)
            # Needles hang from the branch in twigs that get shorter to its tip.
            n = 60 * int(1 + 9 * reach)
            k = rng.integers(0, 140, n)
            length = rng.uniform(0.006, 0.034, n) * (1.15 - t[k]) * (0.5 + 1.3 * reach / 0.4)
            lean = rng.normal(side * 0.4, 0.7, n)
            for step in np.linspace(0, 1, 26):
                stamp(
                    mask,
                    x[k] + length * step * lean * 1.5,
                    y[k] - length * step * rng.uniform(0.8, 1, n),
                )
        height += rng.uniform(0.004, 0.017) * (1.3 - height)
    return mask


def reed_mask(rng, rows=512, columns=1024):
    """A tuft of reeds and grass, as a mask (rows, columns)."""
    mask = np.zeros((rows, columns), bool)
    t = np.linspace(0, 1, 500)
    for _ in range(230):
        foot, tall = rng.uniform(0.02, 0.98), rng.uniform(0.25, 0.95)
        tall *= 0.6 + 0.4 * np.sin(np.pi * foot)
        bend = rng.normal(0, 0.05)
        for offset in np.linspace(-1, 1, 5):
            stamp(mask, foot + bend * t**2 + offset * 0.0022 * (1 - t), tall * t)
        if rng.random() < 0.16:  # a cattail
            for offset in np.linspace(-1, 1, 15):
                stamp(mask, foot + bend * t[380:470] ** 2 + offset * 0.005, tall * t[380:470])
    return mask


def billboard(mask, x, z, base, width, height, material):
    """An upright rectangle across z that shows only where the mask is set."""
    rows, columns = mask.shape
    low, high = (x - width / 2, base), (x + width / 2, base + height)

    def missing(u, v):
        i = np.clip(((u - low[0]) / width * columns).astype(np.int32), 0, columns - 1)
        j = np.clip(((v - low[1]) / height * rows).astype(np.int32), 0, rows - 1)
        return ~mask[j, i]

    return Rect(2, z, low, high, material, missing)

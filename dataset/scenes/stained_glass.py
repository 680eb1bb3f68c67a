"""Stained glass: drawings of leaded windows, kept as images that panes look up."""

from functools import lru_cache

import numpy as np

from .noise import cells, fbm, hash01, smoothstep

RUBY, BLUE, GOLD = (0.62, 0.008, 0.015), (0.012, 0.06, 0.6), (0.8, 0.42, 0.02)
GREEN, VIOLET, PALE = (0.02, 0.36, 0.07), (0.26, 0.02, 0.36), (0.7, 0.68, 0.52)
SKY = (0.06, 0.3, 0.62)
LEAD = 0.016  # half the width of a lead line, metres


def choose(index, *colours):
    """One of the colours (3,) for each integer-valued index (H, W); gives (3, H, W)."""
    table = np.array(colours, np.float32)
    return np.moveaxis(table[np.mod(index.astype(np.int32), len(colours))], -1, 0)


def flower(a, b, radius, petals, inner, outer, turn=0.0):
    """A round medallion: colours (3, H, W), distance to the nearest lead line, and its mask."""
    r, angle = np.hypot(a, b), np.arctan2(b, a) + turn
    sector = angle / (2 * np.pi) * petals
    side = np.abs(sector - np.round(sector)) * 2 * np.pi / petals * r
    half = np.abs(sector - np.floor(sector) - 0.5) * 2 * np.pi / petals * r
    tip = radius * (0.62 + 0.16 * np.cos(2 * np.pi * (sector - np.floor(sector) - 0.5)))
    colour = np.where(
        r < tip, choose(np.floor(sector), inner, PALE), choose(np.round(sector), outer, SKY)
    )
    colour = np.where(r < 0.24 * radius, choose(sector * 0, GOLD), colour)
    ring = r > 0.86 * radius
    colour = np.where(ring, choose(np.floor(sector * 2), GOLD, RUBY, GOLD, GREEN), colour)
    lines = [
        np.abs(r - 0.24 * radius),
        np.abs(r - 0.86 * radius),
        np.abs(r - radius),
        np.abs(r - tip),
    ]
    lines += [
        np.where((r > 0.24 * radius) & (r < tip), side, 1),
        np.where((r > tip) & ~ring, half, 1),
    ]
    return colour, np.min(lines, axis=0), r < radius


def finish(colour, line, a, b):
    """Uneven glass between soft lead lines."""
    tone = 0.8 + 0.3 * fbm(a * 3, b * 3, 3, 5) + 0.12 * fbm(a * 40, b * 40, 2, 6)
    return np.clip(colour * tone, 0, 1) * smoothstep(0.6 * LEAD, LEAD, line)


@lru_cache
def lancet_image(width, height, variant):
    """A lancet of medallions on a mosaic ground: transmittance (3, rows, columns), read only."""
    a, b = np.meshgrid(
        np.linspace(-width / 2, width / 2, 256, dtype=np.float32),
        np.linspace(0, height, int(256 * height / width), dtype=np.float32),
    )
    border, ident = cells(a * 5.5 + 31 * variant, b * 5.5)
    colour = choose(np.floor(ident * 7), BLUE, BLUE, VIOLET, SKY, BLUE, GREEN, BLUE)
    line = border / 5.5
    pairs = ((RUBY, BLUE), (GREEN, RUBY), (VIOLET, GOLD), (BLUE, RUBY))
    radius = width * 0.33
    for k in range(int(height / (2.3 * radius)) + 1):
        inner, outer = pairs[(k + variant) % 4]
        away = b - radius * (1.35 + 2.3 * k)
        tint, lead, mask = flower(a, away, radius, 8 if k % 2 else 6, inner, outer, 0.4 * k)
        colour, line = np.where(mask, tint, colour), np.where(mask, lead, np.minimum(line, lead))
    edge = np.abs(a) > width * 0.41
    strip = choose(np.floor(b / 0.21) + variant, RUBY, GOLD, GREEN, GOLD, BLUE)
    colour = np.where(edge, strip, colour)
    step = np.abs(b / 0.21 - np.round(b / 0.21)) * 0.21
    line = np.where(edge, step, line)
    line = np.minimum(line, np.abs(np.abs(a) - width * 0.41))
    line = np.minimum(line, np.abs(b / 0.62 - np.round(b / 0.62)) * 0.62 * 0.8)  # saddle bars
    return finish(colour, line, a, b)


def rose_image(radius):
    """A rose window with stone tracery: transmittance (3, rows, columns)."""
    side = np.linspace(-radius, radius, 640, dtype=np.float32)
    a, b = np.meshgrid(side, side)
    r, angle = np.hypot(a, b), np.arctan2(b, a)
    colour, line, mask = flower(a, b, 0.3 * radius, 12, RUBY, BLUE)
    sector = angle / (2 * np.pi) * 12
    local = (sector - np.round(sector)) * 2 * np.pi / 12
    # Petals: long drops around the middle, and roundels in a ring outside of them.
    x, y = r * np.cos(local), r * np.sin(local)
    reach = (x - 0.52 * radius) / (0.19 * radius)
    drop = np.hypot(reach, y / (0.115 * radius * (1 + 0.3 * reach)))
    glass = choose(np.round(sector), BLUE, RUBY)
    glass = np.where(drop < 0.62, choose(np.round(sector), GOLD, SKY), glass)
    glass = np.where(drop < 0.3, choose(np.round(sector), RUBY, GOLD), glass)
    leads = (
        np.min([np.abs(drop - 0.62), np.abs(drop - 0.3), np.abs(drop - 1)], axis=0) * 0.12 * radius
    )
    outer = angle / (2 * np.pi) * 24 + 0.5
    local = (outer - np.round(outer)) * 2 * np.pi / 24
    ring = np.hypot(r * np.cos(local) - 0.855 * radius, r * np.sin(local)) / (0.1 * radius)
    round_glass = choose(np.round(outer), VIOLET, GREEN, SKY)
    round_glass = np.where(ring < 0.5, choose(np.round(outer), GOLD, PALE, RUBY), round_glass)
    around = np.minimum(np.abs(ring - 0.5), np.abs(ring - 1)) * 0.1 * radius
    small = ~mask & (drop < 1)
    colour = np.where(small, glass, np.where(mask, colour, 0))
    line = np.where(small, leads, np.where(mask, line, 0))
    far = ring < 1
    return finish(np.where(far, round_glass, colour), np.where(far, around, line), a, b)


class Pane:
    """A drawing (3, rows, columns) stretched over low ... high of two axes of space."""

    def __init__(self, image, axes, low, high, sky):
        self.image, self.axes, self.low, self.high = image, axes, low, high
        self.sky = np.asarray(sky, np.float32).reshape(3, 1)

    def transmittance(self, p):
        """Share of the light (3, N) that passes at points p (3, N)."""
        rows, columns = self.image.shape[1:]
        x, y = (
            (p[axis] - low) / (high - low)
            for axis, low, high in zip(self.axes, self.low, self.high, strict=True)
        )
        i = np.clip((x * columns).astype(np.int32), 0, columns - 1)
        j = np.clip((y * rows).astype(np.int32), 0, rows - 1)
        return self.image[:, j, i]

    def material(self, p, n, d):
        """The pane glows with the sky behind it, unevenly like old glass."""
        seed = 0.75 + 0.5 * hash01(np.floor(p[1] * 7), np.floor((p[0] + p[2]) * 7), 9)
        return {
            "emission": self.transmittance(p) * self.sky * (0.85 + 0.15 * seed),
            "albedo": np.float32(0.03),
        }

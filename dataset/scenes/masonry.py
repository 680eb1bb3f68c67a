"""The stone parts of the chapel: ashlar, windows, piers and ribs."""

import numpy as np

from .geometry import Box, Cylinder, Rect
from .materials import bump
from .noise import bricks, fbm, gradient_noise, mix
from .stained_glass import Pane, lancet_image

HALF, SPRING, END = 4.0, 6.0, -16.0  # half width, height where the vault starts, z of the end


def pointed(across, up, wide, sill, top):
    """Inside of an equilateral pointed arch about across = 0."""
    inside = (np.abs(across) < wide / 2) & (up > sill)
    return inside & ((up < top) | (np.hypot(np.abs(across) + wide / 2, up - top) < wide))


def stone(p, n, d):
    """Limestone ashlar with shallow joints; the courses follow the wall or the vault."""
    along = np.where(np.abs(n[2]) > 0.7, p[0], p[2])
    high = np.where(
        p[1] > SPRING, SPRING + HALF * np.arctan2(p[1] - SPRING, np.abs(p[0]) + 1e-3), p[1]
    )
    joint, tone = bricks(along, high, 0.82, 0.36, 0.012)
    stain = fbm(along * 1.1, high * 0.8, 3, 3)
    grain = gradient_noise(along * 55, high * 55, 8)
    albedo = mix(
        [0.34, 0.29, 0.22], [0.56, 0.5, 0.4], np.clip(0.5 + 0.5 * tone - 0.2 + stain, 0, 1)
    )
    slope = 0.10 * grain + 0.25 * joint * np.sign(np.sin(high * 17))
    return {
        "albedo": albedo * (1 - 0.45 * joint) * (1 + 0.06 * grain),
        "normal": bump(n, slope * 0.5, slope, (0, 0, 1), (0, 1, 0)),
    }


def lancet(axis, level, depth, centre, wide, sill, top, sky, variant):
    """A window in the wall across axis: the reveal (list of shapes) and its glowing pane."""
    other = 2 - axis
    back, low, high = level + depth, centre - wide / 2, centre + wide / 2
    start, stop = min(level, back), max(level, back)
    peak = top + wide * np.sqrt(3) / 2

    def arc(side):
        at = [0.0, top, 0.0]
        at[other] = centre - side * wide / 2
        return Cylinder(
            at,
            wide,
            start,
            stop,
            stone,
            axis,
            lambda p: (p[1] < top) | (side * (p[other] - centre) < 0),
        )

    jambs = []
    for at in (low, high):
        ends = ((start, sill), (stop, top)) if axis == 0 else ((sill, start), (top, stop))
        jambs.append(Rect(other, at, *ends, stone))
    ends = ((start, low), (stop, high)) if axis == 0 else ((low, start), (high, stop))
    jambs.append(Rect(1, sill, *ends, stone))
    pane = Pane(
        lancet_image(wide, peak - sill, variant), (other, 1), (low, sill), (high, peak), sky
    )
    ends = ((sill, low), (peak, high)) if axis == 0 else ((low, sill), (high, peak))
    glass = Rect(axis, back, *ends, pane.material)
    return [*jambs, arc(1), arc(-1)], glass, pane


def pier(x, z):
    """A clustered column with base and capital."""
    bars = [
        Cylinder((x + dx, 0, z + dz), r, 0.5, SPRING - 0.5, stone)
        for dx, dz, r in ((0, 0, 0.3), (0.3, 0, 0.1), (-0.3, 0, 0.1), (0, 0.3, 0.1), (0, -0.3, 0.1))
    ]
    blocks = [
        (0.52, 0, 0.3),
        (0.46, 0.3, 0.5),
        (0.42, SPRING - 0.5, SPRING - 0.38),
        (0.47, SPRING - 0.38, SPRING - 0.22),
        (0.55, SPRING - 0.22, SPRING),
    ]
    return bars + [Box((x - r, a, z - r), (x + r, b, z + r), stone) for r, a, b in blocks]


def rib(z):
    """A transverse arch under the vault."""

    def outside(u, v):
        r = np.hypot(u, v - SPRING)
        return (r < HALF - 0.3) | (r > HALF) | (v < SPRING)

    faces = [
        Rect(2, z + s, (-HALF, SPRING), (HALF, SPRING + HALF), stone, outside) for s in (-0.3, 0.3)
    ]
    return [
        *faces,
        Cylinder((0, SPRING, z), HALF - 0.3, z - 0.3, z + 0.3, stone, 2, lambda p: p[1] < SPRING),
    ]

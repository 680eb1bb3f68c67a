"""What stands, hangs and walks in the night street."""

import numpy as np

from .fields import Implicit, rounded
from .geometry import Cylinder, Ellipsoid, column
from .lights import SphereLight
from .materials import coated, emitter, matte, metal
from .noise import bricks, hash01, mix, solid

LAMP = (950, 560, 210)


def car(x, z, colour):
    """A small parked saloon; its rear lights face +z."""
    paint = np.asarray(colour, np.float32)

    def distance(p):
        q = np.stack([p[0] - x, p[1], p[2] - z])
        body = rounded(q, (0, 0.58, 0), (0.84, 0.30, 2.05), 0.2)
        lean = q.copy()
        lean[0] = q[0] * (1 + 0.28 * np.maximum(q[1] - 0.8, 0))
        lean[2] = (q[2] - 0.2) * (1 + 0.75 * np.maximum(q[1] - 0.8, 0))
        cabin = rounded(lean, (0, 1.0, 0), (0.76, 0.46, 1.3), 0.2) * 0.75
        mixed = np.clip(0.5 + 0.5 * (cabin - body) / 0.08, 0, 1)
        joined = cabin + (body - cabin) * mixed - 0.08 * mixed * (1 - mixed)
        arch = np.minimum(*(np.hypot(q[1] - 0.33, q[2] - w) for w in (-1.25, 1.25)))
        return np.maximum(joined, 0.42 - arch)

    def skin(p, n, d):
        u, y, v = p[0] - x, p[1], p[2] - z
        lean = v - 0.2
        pillar = (np.abs(lean) < 0.06) | (np.abs(u) > 0.66) & (np.abs(n[2]) > 0.4)
        window = (y > 0.93) & (y < 1.36) & (np.abs(n[1]) < 0.85) & ~pillar
        rear = (v > 1.85) & (np.abs(y - 0.68) < 0.075) & (np.abs(np.abs(u) - 0.6) < 0.15)
        plate = (v > 1.9) & (np.abs(y - 0.5) < 0.055) & (np.abs(u) < 0.25)
        bumper = (y < 0.42) | (np.abs(y - 0.88) < 0.012)
        albedo = np.where(window | bumper, column([0.012] * 3), paint[:, None])
        albedo = np.where(plate, column([0.6, 0.55, 0.3]), albedo)
        return {
            "albedo": albedo,
            "emission": column([9.0, 0.25, 0.12]) * rear,
            "f0": 0.05,
            "gloss": 4000.0,
        }

    shapes = [Implicit((x - 0.9, 0.2, z - 2.15), (x + 0.9, 1.5, z + 2.15), distance, skin, 40)]
    tyre, hub = matte([0.015] * 3), metal([0.6, 0.6, 0.62], 200)
    for side in (-1, 1):
        for w in (-1.25, 1.25):
            a, b = sorted((x + side * 0.62, x + side * 0.83))
            shapes.append(Cylinder((0, 0.33, z + w), 0.33, a, b, tyre, 0))
            a, b = sorted((x + side * 0.6, x + side * 0.84))
            shapes.append(Cylinder((0, 0.33, z + w), 0.19, a, b, hub, 0))
    return shapes


def walker(x, z):
    """Somebody in a coat under a red umbrella."""

    def capsule(p, a, b, r0, r1):
        pa, ba = p - column(a), column(b) - column(a)
        h = np.clip((pa * ba).sum(axis=0) / (ba * ba).sum(), 0, 1)
        return np.sqrt(((pa - ba * h) ** 2).sum(axis=0)) - (r0 + (r1 - r0) * h)

    def distance(p):
        return 0.8 * np.min(
            [
                capsule(p, (x, 1.35, z), (x, 0.6, z), 0.17, 0.27),
                capsule(p, (x, 1.62, z), (x, 1.66, z), 0.1, 0.1),
                capsule(p, (x - 0.1, 0.7, z), (x - 0.12, 0.06, z - 0.15), 0.09, 0.06),
                capsule(p, (x + 0.1, 0.7, z), (x + 0.12, 0.06, z + 0.18), 0.09, 0.06),
                capsule(p, (x + 0.2, 1.35, z), (x + 0.16, 1.2, z - 0.25), 0.07, 0.05),
            ],
            axis=0,
        )

    coat = Implicit(
        (x - 0.4, 0, z - 0.45), (x + 0.4, 1.85, z + 0.45), distance, matte([0.05, 0.045, 0.06])
    )
    return [
        coat,
        Ellipsoid((x + 0.1, 1.98, z - 0.05), (0.62, 0.2, 0.62), coated([0.6, 0.015, 0.02], 200)),
        Cylinder((x + 0.1, 0, z - 0.15), 0.012, 1.2, 2.25, metal([0.5] * 3, 100)),
    ]


def lamp(side, z):
    """A street lamp with a bare bulb: shapes and light."""
    iron, x = metal([0.2, 0.2, 0.2], 60), side * 4.9
    bulb = Ellipsoid((side * 4.25, 4.72, z), 0.12, emitter(LAMP))
    a, b = sorted((x, side * 4.25))
    return [
        Cylinder((x, 0, z), 0.055, 0, 5.0, iron),
        Cylinder((x, 0, z), 0.11, 0, 0.8, iron),
        Cylinder((0, 4.98, z), 0.035, a, b, iron, 0),
        Cylinder((side * 4.25, 0, z), 0.2, 4.84, 5.0, iron),
        bulb,
    ], SphereLight(bulb, LAMP)


def garland(z, colours):
    """Coloured bulbs on a wire across the street."""
    items = []
    for k in range(15):
        s = (k + 0.5) / 15 * 2 - 1
        y = 5.6 + 0.9 * s * s
        items.append(
            Ellipsoid((s * 6.9, y, z), 0.06, emitter(np.array(colours[k % len(colours)]) * 1.2))
        )
    return items


def tower(p, n, d):
    """The clock tower at the end of the street."""
    u, v = p[0] - 1.0, p[1] - 15.5
    r, turn = np.hypot(u, v), np.arctan2(u, v)
    joint, tone = bricks(p[0] + p[2], p[1], 0.9, 0.4, 0.03)
    face = (r < 1.25) & (n[2] > 0.5)
    mark = (r > 0.95) & (np.abs((turn / (2 * np.pi) * 12 + 0.5) % 1 - 0.5) < 0.1)
    mark |= (np.abs(u * 0.5 - v * 0.87) < 0.06) & (r < 0.6) & (u > -0.05)
    mark |= (np.abs(u) < 0.05) & (v > 0) & (r < 0.95)
    return {
        "albedo": solid([0.2, 0.18, 0.16], u) * (0.7 + 0.4 * tone - 0.3 * joint),
        "emission": column([2.2, 1.7, 0.8]) * (face & ~mark),
    }


def distant(p, n, d):
    """House fronts across the end of the street, with some windows lit."""
    u, v = p[0] / 1.7, (p[1] - 0.4) / 2.7
    i, j = np.floor(u), np.floor(v)
    pane = (np.abs(u - i - 0.5) < 0.28) & (np.abs(v - j - 0.5) < 0.32) & (n[2] > 0.5) & (p[1] < 8.4)
    glow = mix([1.6, 0.75, 0.2], [1.2, 0.95, 0.6], hash01(i, j, 3)) * (0.2 + hash01(i, j, 4))
    joint, tone = bricks(p[0] + p[2], p[1], 0.3, 0.1, 0.015)
    albedo = np.where(
        pane, column([0.02] * 3), solid([0.2, 0.11, 0.08], u) * (0.7 + 0.5 * tone - 0.3 * joint)
    )
    return {"albedo": albedo, "emission": glow * (pane & (hash01(i, j, 5) < 0.5))}

"""What stands in the living room."""

import numpy as np

from .fields import Implicit, rounded
from .geometry import Box, Ellipsoid, Rect, column
from .materials import UP, X, Z, bump, cloth, matte, timber
from .noise import bricks, fbm, gradient_noise, hash01, mix

BACK = -3.5  # z of the wall with the window


def rug(p, n, d):
    """A woven rug: a checkered field in a striped border with fringes."""
    u, v = (p[0] + 0.55) / 1.35, (p[2] + 1.0) / 1.05
    edge = np.maximum(np.abs(u), np.abs(v) + 0.0)
    check = (np.floor(u * 6.2 + 100) + np.floor(v * 4.8 + 100)) % 2
    diamond = np.abs((u * 6.2) % 1 - 0.5) + np.abs((v * 4.8) % 1 - 0.5) < 0.27
    albedo = mix([0.42, 0.035, 0.03], [0.62, 0.5, 0.33], check)
    albedo = np.where(diamond, mix([0.75, 0.45, 0.08], [0.03, 0.12, 0.3], check), albedo)
    for low, colour in (
        (0.8, [0.03, 0.07, 0.2]),
        (0.87, [0.7, 0.5, 0.2]),
        (0.92, [0.3, 0.02, 0.03]),
    ):
        albedo = np.where(edge > low, column(colour), albedo)
    knot = (
        0.8 + 0.25 * gradient_noise(p[0] * 160, p[2] * 160, 71) + 0.2 * fbm(p[0] * 5, p[2] * 5, 3)
    )
    slope = 0.3 * gradient_noise(p[0] * 90, p[2] * 90, 72)
    return {"albedo": np.clip(albedo * knot, 0.005, 0.9), "normal": bump(n, slope, slope, X, Z)}


def curtain(p, n, d):
    """A linen curtain whose folds are bumps."""
    wave = p[0] * 62 + 1.2 * fbm(p[0] * 3, p[1] * 0.7, 2, 15)
    stripe = (p[0] * 9.9) % 1 < 0.3
    albedo = np.where(stripe, column([0.62, 0.4, 0.1]), column([0.68, 0.6, 0.45]))
    fold = 0.72 + 0.28 * np.sin(wave)
    return {"albedo": albedo * fold, "normal": bump(n, 0.9 * np.cos(wave), 0 * wave, X, UP)}


def books(rng):
    """A bookcase against the back wall, right of the window, with five shelves of books."""
    left, right, front = 0.95, 2.85, BACK + 0.34
    wood, inner = timber([0.2, 0.085, 0.035], 0), matte([0.1, 0.045, 0.02])
    case = [
        Box((left, 0, BACK), (left + 0.05, 2.3, front), timber([0.2, 0.085, 0.035])),
        Box((right, 0, BACK), (right + 0.05, 2.3, front), timber([0.2, 0.085, 0.035])),
        Rect(2, BACK + 0.01, (left, 0), (right, 2.3), inner),
    ]
    shelves = []
    palette = (
        [0.45, 0.03, 0.03],
        [0.03, 0.14, 0.36],
        [0.03, 0.24, 0.1],
        [0.62, 0.4, 0.05],
        [0.3, 0.06, 0.28],
        [0.66, 0.56, 0.38],
        [0.04, 0.3, 0.34],
        [0.6, 0.18, 0.03],
        [0.07, 0.06, 0.07],
        [0.42, 0.2, 0.1],
    )
    for level in (0.08, 0.5, 0.93, 1.36, 1.79, 2.22):
        case.append(Box((left, level - 0.04, BACK), (right + 0.05, level, front + 0.01), wood))
        if level > 2:
            break
        row, x = [], left + 0.07
        while x < right - 0.08:
            if rng.random() < 0.09:
                x += rng.uniform(0.06, 0.24)  # a gap
                continue
            thick, tall = rng.uniform(0.025, 0.065), rng.uniform(0.22, 0.34)
            colour = np.array(palette[rng.integers(len(palette))]) * rng.uniform(0.7, 1.2)
            row.append(
                Box(
                    (x, level, BACK + 0.05),
                    (min(x + thick, right), level + tall, front - rng.uniform(0.02, 0.1)),
                    spine(colour, level, tall),
                )
            )
            x += thick + 0.003
        shelves += [row[: len(row) // 2], row[len(row) // 2 :]]
    return [case, *shelves]


def spine(colour, level, tall):
    """Book cloth with two gilt bands and a title block."""
    base = np.asarray(colour, np.float32)

    def material(p, n, d):
        v = (p[1] - level) / tall
        gilt = (np.abs(v - 0.16) < 0.012) | (np.abs(v - 0.84) < 0.012)
        gilt |= (v > 0.6) & (v < 0.74) & (hash01(np.floor(p[0] * 300), np.floor(v * 60), 2) > 0.5)
        return {
            "albedo": np.where(gilt, column([0.7, 0.5, 0.16]), base[:, None]),
            "f0": 0.03,
            "gloss": 40.0,
        }

    return material


def armchair(centre, yaw):
    """An armchair of cushions as one signed distance function."""
    c, s = np.float32(np.cos(yaw)), np.float32(np.sin(yaw))

    def distance(p):
        x, z = p[0] - centre[0], p[2] - centre[1]
        q = np.stack([c * x - s * z, p[1], s * x + c * z])
        side = q.copy()
        side[0] = np.abs(side[0])
        parts = [
            rounded(q, (0, 0.24, 0), (0.4, 0.12, 0.42), 0.04),
            rounded(q, (0, 0.42, 0.06), (0.32, 0.09, 0.38), 0.07),
            rounded(q, (0, 0.62, -0.36), (0.42, 0.42, 0.12), 0.11),
            rounded(side, (0.41, 0.4, 0.02), (0.11, 0.27, 0.44), 0.09),
            rounded(side, (0.36, 0.06, 0), (0.03, 0.08, 0.34), 0.02),
        ]
        return np.min(parts, axis=0)

    x, z = centre
    return Implicit(
        (x - 0.75, 0, z - 0.75), (x + 0.75, 1.08, z + 0.75), distance, cloth([0.62, 0.33, 0.03]), 56
    )


def vase(x, z, base):
    """A glazed vase: the surface of revolution of a smooth profile."""

    def distance(p):
        v = np.clip((p[1] - base) / 0.42, 0, 1)
        profile = (
            0.055
            + 0.085 * np.maximum(np.sin(np.pi * np.clip(v * 1.25, 0, 1)), 0) ** 1.5
            + 0.03 * v**6
        )
        r = np.hypot(p[0] - x, p[2] - z)
        return np.maximum(0.6 * (r - profile), np.abs(p[1] - base - 0.21) - 0.21)

    def glaze(p, n, d):
        turn, v = np.arctan2(p[2] - z, p[0] - x), (p[1] - base) / 0.42
        band = np.sin(turn * 6 + 5 * np.sin(v * 9)) > 0.35
        albedo = np.where(
            band & (v > 0.2) & (v < 0.7), column([0.75, 0.72, 0.6]), column([0.01, 0.09, 0.33])
        )
        albedo = np.where(np.abs(v - 0.76) < 0.02, column([0.7, 0.45, 0.08]), albedo)
        return {"albedo": albedo, "f0": 0.05, "gloss": 2500.0}

    return Implicit((x - 0.16, base, z - 0.16), (x + 0.16, base + 0.42, z + 0.16), distance, glaze)


def bouquet(rng, x, z, base, count, colours, size):
    """Flowers or leaves: a loose dome of small ellipsoids."""
    items = []
    for _ in range(count):
        v = rng.normal(size=3) * (0.14, 0.1, 0.14)
        colour = np.array(colours[rng.integers(len(colours))]) * rng.uniform(0.7, 1.2)
        radii = size * rng.uniform(0.5, 1.0, 3)
        items.append(Ellipsoid((x + v[0], base + abs(v[1]) + 0.05, z + v[2]), radii, matte(colour)))
    return items


def tiles(p, n, d):
    """Glazed mosaic for the plant pot."""
    turn = np.arctan2(p[2] + 3.0, p[0] - 0.62) * 0.16
    joint, tone = bricks(turn, p[1], 0.05, 0.05, 0.006)
    albedo = mix([0.02, 0.2, 0.24], [0.1, 0.42, 0.4], tone)
    return {
        "albedo": mix(albedo, [0.5, 0.47, 0.4], joint),
        "f0": 0.04 * (1 - joint),
        "gloss": 500.0,
    }

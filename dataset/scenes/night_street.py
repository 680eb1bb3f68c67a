"""A street at night after rain: neon, lit windows and lamps over wet asphalt."""

import numpy as np

from .geometry import Box, column, unit
from .houses import House
from .materials import bump, matte, timber
from .noise import bricks, fbm, gradient_noise, mix, smoothstep, solid
from .render import Camera
from .scene import Scene
from .street_things import car, distant, garland, lamp, tower, walker

MOON = unit(column([0.13, 0.44, -1.0]))
PINK, CYAN, RED, GREEN, AMBER, BLUE, VIOLET = (
    (60, 4, 26),
    (3, 38, 48),
    (70, 5, 3),
    (5, 48, 9),
    (60, 24, 2),
    (5, 12, 75),
    (34, 6, 70),
)


def sky(d, disc):
    """Moonlit clouds and the town's own glow: radiance (3, N) in directions d (3, N)."""
    lift = np.maximum(d[1], 0.02)
    u, v = d[0] / (lift + 0.15), d[2] / (lift + 0.15)
    cloud, thin = fbm(u * 1.3, v * 1.3, 6, 3), fbm(u * 1.3 - 0.06, v * 1.3 + 0.1, 6, 3)
    near = np.clip((d * MOON).sum(axis=0), 0, 1)
    glow = near**40 * 0.5 + near**400 * 1.2
    cover = smoothstep(-0.2, 0.3, cloud)
    light = mix(
        [0.010, 0.016, 0.042],
        [0.035, 0.042, 0.07],
        cover * (0.5 + np.clip(2 * (cloud - thin), -0.4, 0.8)),
    )
    light = light + solid([0.5, 0.55, 0.65], lift) * (
        glow * (0.25 + cover * np.clip(0.8 - 1.5 * cloud, 0.1, 1))
    )
    light = light + solid([0.10, 0.045, 0.05], lift) * np.exp(-lift * 7)
    turn = np.arccos(np.minimum(near, 1))
    face = 0.75 + 0.5 * fbm(d[0] * 90, d[1] * 90, 4, 8)
    moon = disc * smoothstep(0.0150, 0.0138, turn) * face * (1 - 0.75 * smoothstep(0, 0.35, cloud))
    light = light + solid([30, 29, 25], lift) * moon
    return light.astype(np.float32)


def asphalt(p, n, d):
    """Wet asphalt: grains where it drains, and puddles that mirror."""
    x, z = p[0], p[2]
    pool = fbm(x * 0.55 + 3, z * 0.32, 4, 3) + 0.1 * np.cos(x * 1.4)
    wet = smoothstep(0.0, 0.13, pool)
    far = 1 / (1 + np.abs(z - 6) * 0.12)  # grains average out with the distance
    grain_u, grain_v = gradient_noise(x * 45, z * 45, 5), gradient_noise(x * 45, z * 45, 6)
    ripple = 0.004 * gradient_noise(x * 5, z * 5, 9)
    rough = 0.10 * far * (1 - wet)
    paint = (np.abs(np.abs(x) - 0.08) < 0.06) & ((z % 4) < 2.2)
    paint &= fbm(x * 9, z * 9, 3, 12) > -0.25
    albedo = mix([0.055, 0.055, 0.06], [0.018, 0.018, 0.02], wet) * (1 + 0.3 * grain_u)
    albedo = np.where(paint, column([0.42, 0.4, 0.33]), albedo)
    return {
        "albedo": albedo,
        "f0": 0.02 + 0.025 * (1 - wet),
        "gloss": 120 * (500**wet),
        "normal": bump(n, grain_u * rough + ripple, grain_v * rough + ripple, (1, 0, 0), (0, 0, 1)),
    }


def pavement(p, n, d):
    """Wet paving stones."""
    joint, tone = bricks(p[2], p[0], 0.8, 0.6, 0.02)
    wet = smoothstep(-0.2, 0.3, fbm(p[0], p[2] * 0.7, 3, 8))
    albedo = (
        mix([0.12, 0.115, 0.11], [0.05, 0.05, 0.05], wet) * (0.8 + 0.4 * tone) * (1 - 0.5 * joint)
    )
    slope = 0.02 * (tone - 0.5) + 0.06 * (1 - wet) * gradient_noise(p[0] * 30, p[2] * 30, 4)
    return {
        "albedo": albedo,
        "f0": 0.03,
        "gloss": 150 * (30**wet),
        "normal": bump(n, slope, slope, (1, 0, 0), (0, 0, 1)),
    }


def build():
    """The scene."""
    houses = [
        House(
            -1,
            7,
            -1.5,
            10.2,
            (0.3, 0.09, 0.05),
            (0.4, 0.36, 0.3),
            (0.03, 0.12, 0.1),
            "JAZZ",
            PINK,
            BLUE,
        ),
        House(
            -1,
            -1.5,
            -10,
            13.2,
            (0.22, 0.14, 0.09),
            (0.3, 0.28, 0.26),
            (0.2, 0.03, 0.03),
            "HOTEL",
            RED,
            AMBER,
        ),
        House(
            -1,
            -10,
            -17.5,
            10.2,
            (0.28, 0.2, 0.1),
            (0.4, 0.36, 0.3),
            (0.04, 0.06, 0.2),
            "CAFE",
            GREEN,
            CYAN,
        ),
        House(
            -1,
            -17.5,
            -27,
            13.3,
            (0.25, 0.07, 0.05),
            (0.34, 0.3, 0.26),
            (0.1, 0.03, 0.12),
            "BAR",
            AMBER,
            PINK,
        ),
        House(-1, -27, -42, 10.4, (0.2, 0.12, 0.1), (0.3, 0.28, 0.25), (0.1, 0.1, 0.03)),
        House(1, 7, 0.5, 13.2, (0.18, 0.13, 0.11), (0.36, 0.33, 0.28), (0.15, 0.05, 0.02)),
        House(
            1,
            0.5,
            -8,
            10.3,
            (0.3, 0.1, 0.06),
            (0.4, 0.37, 0.32),
            (0.02, 0.1, 0.16),
            "CINEMA",
            CYAN,
            VIOLET,
        ),
        House(
            1,
            -8,
            -16,
            13.4,
            (0.26, 0.2, 0.14),
            (0.36, 0.33, 0.3),
            (0.16, 0.1, 0.02),
            "BAR",
            VIOLET,
            PINK,
        ),
        House(
            1,
            -16,
            -26,
            10.2,
            (0.24, 0.08, 0.06),
            (0.4, 0.36, 0.3),
            (0.02, 0.1, 0.05),
            "HOTEL",
            GREEN,
            RED,
        ),
        House(1, -26, -42, 13.3, (0.2, 0.14, 0.12), (0.3, 0.28, 0.25), (0.12, 0.03, 0.03)),
    ]
    groups, lights = [], []
    for house in houses:
        shapes, glow = house.build()
        groups.append(shapes)
        lights += glow
    for side, z in ((1, -1.0), (-1, -6.5), (1, -14.0), (-1, -21.0), (1, -29.0), (-1, -38.0)):
        shapes, glow = lamp(side, z)
        groups.append(shapes)
        lights.append(glow)
    crate = timber([0.25, 0.14, 0.06], 0)
    groups += [
        [Box((-60, -1, -70), (60, 0, 9), asphalt)],
        [Box((4.6, 0, -46), (8, 0.14, 9), pavement), Box((-8, 0, -46), (-4.6, 0.14, 9), pavement)],
        car(3.5, -4.2, [0.42, 0.012, 0.02]),
        car(-3.55, -9.5, [0.02, 0.10, 0.3]),
        car(3.5, -18, [0.4, 0.3, 0.04]),
        walker(-1.25, -4.6),
        garland(-8.0, (RED, AMBER, GREEN, BLUE, PINK)),
        garland(-17.0, (AMBER, AMBER, PINK, CYAN)),
        [
            Box((-0.9, 0, -60), (2.9, 18.5, -56), tower),
            Box((-1.1, 18.5, -60.2), (3.1, 19.2, -55.8), matte([0.1] * 3)),
            Box((0.2, 19.2, -59), (1.8, 22.5, -57), matte([0.08] * 3)),
            Box((-30, 0, -58), (-1.5, 7.5, -54), distant),
            Box((3.5, 0, -58), (30, 9, -54), distant),
        ],
        [
            Box((5.6, 0.14, -2.6), (6.3, 0.74, -1.9), crate, 0.2),
            Box((5.7, 0.74, -2.5), (6.2, 1.2, -2.0), crate, -0.3),
            Box((-6.4, 0.14, 0.2), (-5.7, 0.8, 0.9), crate, 0.4),
        ],
    ]
    camera = Camera((0.55, 1.5, 6.2), (-0.15, 1.5, -30), 62, 0.2)
    return Scene(groups, camera, sky, lights, depth=4, clamp=2.5)

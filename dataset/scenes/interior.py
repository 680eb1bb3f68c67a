"""A living room by day: dim inside, with a window on a sunlit landscape."""

import numpy as np

from .furniture import BACK, armchair, books, bouquet, curtain, rug, tiles, vase
from .geometry import Box, Cylinder, Ellipsoid, Rect, column
from .landscape import landscape
from .lights import RectLight, SphereLight, Sun
from .materials import X, Z, bump, coated, emitter, glass, matte, metal, timber
from .noise import fbm, gradient_noise, mix, planks, smoothstep, solid
from .render import Camera
from .scene import Scene

WINDOW = (-1.75, 0.35, 0.8, 2.4)  # x from, x to, y from, y to


def window_wall(u, v):
    """Where the back wall is open."""
    return (u > WINDOW[0]) & (u < WINDOW[1]) & (v > WINDOW[2]) & (v < WINDOW[3])


def floor(p, n, d):
    """Varnished planks along z."""
    albedo, gap, tone = planks(p[2], p[0], 0.16, 1.7, 3)
    slope = 0.012 * gradient_noise(p[0] * 30, p[2] * 4, 5) + 0.02 * (tone - 0.5)
    return {
        "albedo": albedo,
        "normal": bump(n, slope, 0 * slope, X, Z),
        "f0": 0.04 * (1 - gap),
        "gloss": 350.0,
    }


def paper(ground, figure, scale):
    """Wall paper with a damask of leaves on a diagonal grid."""

    def material(p, n, d):
        u = np.where(np.abs(n[0]) > 0.5, p[2], p[0]) / scale
        v = p[1] / scale / 1.4
        row = np.floor(v)
        a, b = (u + 0.5 * np.mod(row, 2)) % 1 - 0.5, v - row - 0.5
        r, turn = np.hypot(a, b), np.arctan2(a, b)
        leaf = np.cos(turn * 2) * 0.22 + np.cos(turn * 6) * 0.09 + 0.16
        mark = smoothstep(0.02, -0.02, np.abs(r - leaf) - 0.035) + smoothstep(0.02, 0, r - 0.06)
        mark = np.clip(mark + smoothstep(0.015, 0, np.abs(np.abs(a) + np.abs(b) - 0.47)), 0, 1)
        albedo = mix(ground, figure, mark)
        panel = p[1] < 0.95
        groove = smoothstep(0.012, 0.004, np.abs((u * scale) % 0.42 - 0.21))
        wood = solid([0.5, 0.44, 0.34], a) * (1 - 0.5 * groove)
        rail = (p[1] > 0.9) & panel
        albedo = np.where(panel, np.where(rail, wood * 0 + column([0.4, 0.3, 0.2]), wood), albedo)
        return {"albedo": albedo * (1 + 0.05 * fbm(u * 9, v * 9, 3, 61))}

    return material


def build():
    """The scene."""
    rng = np.random.default_rng(7)
    x0, x1, y0, y1 = WINDOW
    pane = Rect(
        2,
        BACK - 0.24,
        (x0 - 0.05, y0 - 0.05),
        (x1 + 0.05, y1 + 0.05),
        lambda p, n, d: {"emission": landscape(d, False)},
    )
    globe = Ellipsoid((-2.35, 1.42, -2.95), 0.15, emitter([110, 60, 23]))
    candle = Ellipsoid((1.62, 0.985, -0.72), 0.014, emitter([900, 430, 130]))
    room = [
        Rect(1, 0, (-3, BACK), (3, 3), floor),
        Rect(1, 2.75, (-3, BACK), (3, 3), matte([0.7] * 3)),
    ]
    walls = [
        Rect(
            2,
            BACK,
            (-3, 0),
            (3, 2.75),
            paper([0.05, 0.15, 0.17], [0.16, 0.3, 0.26], 0.3),
            window_wall,
        ),
        Rect(0, -3, (0, BACK), (2.75, 3), paper([0.05, 0.15, 0.17], [0.16, 0.3, 0.26], 0.3)),
        Rect(0, 3, (0, BACK), (2.75, 3), paper([0.5, 0.12, 0.06], [0.62, 0.26, 0.12], 0.3)),
        Rect(2, 3, (-3, 0), (3, 2.75), matte([0.55, 0.5, 0.42])),
    ]
    white, mid = coated([0.72, 0.7, 0.64], 60), (x0 + x1) / 2
    frame = [
        Box((x0 - 0.1, y0 - 0.06, BACK - 0.24), (x1 + 0.1, y0, BACK + 0.12), white),
        Box((x0 - 0.1, y1, BACK - 0.24), (x1 + 0.1, y1 + 0.1, BACK + 0.03), white),
        Box((x0 - 0.1, y0, BACK - 0.24), (x0, y1, BACK + 0.03), white),
        Box((x1, y0, BACK - 0.24), (x1 + 0.1, y1, BACK + 0.03), white),
        Box((mid - 0.035, y0, BACK - 0.16), (mid + 0.035, y1, BACK - 0.1), white),
        Box((x0, 1.78, BACK - 0.16), (x1, 1.83, BACK - 0.1), white),
        Box((mid - 0.55, y0, BACK - 0.15), (mid - 0.525, y1, BACK - 0.12), white),
        Box((mid + 0.525, y0, BACK - 0.15), (mid + 0.55, y1, BACK - 0.12), white),
        Box((x0 - 0.38, 0.35, BACK + 0.06), (x0 + 0.02, 2.56, BACK + 0.1), curtain),
        Box((x1 - 0.02, 0.35, BACK + 0.06), (x1 + 0.38, 2.56, BACK + 0.1), curtain),
        Cylinder((0, 2.55, BACK + 0.1), 0.018, x0 - 0.5, x1 + 0.5, metal([0.8, 0.6, 0.3], 60), 0),
    ]
    beams = [
        Box((-3, 2.58, z), (3, 2.75, z + 0.16), timber([0.16, 0.08, 0.04], 0))
        for z in (-2.6, -1.2, 0.2, 1.6)
    ]
    top, wood = 0.74, timber([0.34, 0.16, 0.06], 0)
    table = [Box((0.85, top - 0.05, -1.15), (2.35, top, -0.3), wood)] + [
        Box((x, 0, z), (x + 0.07, top - 0.05, z + 0.07), wood)
        for x in (0.9, 2.23)
        for z in (-1.1, -0.42)
    ]
    things = [
        Ellipsoid((1.05, top + 0.12, -0.52), 0.12, metal([0.92, 0.92, 0.94])),
        Ellipsoid((1.38, top + 0.1, -0.46), 0.1, glass([0.98, 1, 0.99])),
        Ellipsoid((1.22, top + 0.06, -0.33), 0.055, coated([0.65, 0.03, 0.02], 1200, 0.05)),
        Ellipsoid((1.98, top + 0.05, -0.45), 0.05, coated([0.85, 0.32, 0.02], 60)),
        Ellipsoid((2.09, top + 0.05, -0.5), 0.05, coated([0.82, 0.27, 0.02], 60)),
        Ellipsoid((2.03, top + 0.05, -0.36), 0.05, coated([0.4, 0.5, 0.03], 60)),
        Cylinder((1.62, 0, -0.72), 0.022, top, top + 0.22, coated([0.8, 0.72, 0.55], 40)),
        Cylinder((1.62, 0, -0.72), 0.06, top, top + 0.02, metal([0.85, 0.6, 0.25], 200)),
        candle,
    ]
    flowers = bouquet(
        rng,
        1.98,
        -0.85,
        top + 0.42,
        26,
        ([0.75, 0.05, 0.12], [0.85, 0.55, 0.04], [0.7, 0.2, 0.5], [0.1, 0.3, 0.05]),
        0.065,
    )
    lamp = [
        globe,
        Cylinder((-2.35, 0, -2.95), 0.015, 0, 1.3, metal([0.5, 0.4, 0.25], 80)),
        Cylinder((-2.35, 0, -2.95), 0.16, 0, 0.03, metal([0.5, 0.4, 0.25], 80)),
    ]
    plant = bouquet(rng, 0.62, -3.0, 0.52, 40, ([0.05, 0.22, 0.03], [0.1, 0.3, 0.05]), 0.12)
    plant += [Cylinder((0.62, 0, -3.0), 0.16, 0, 0.42, tiles)]
    groups = [
        room,
        walls,
        frame,
        beams,
        table,
        things,
        flowers,
        lamp,
        plant,
        [pane],
        [Box((-1.9, 0, -2.05), (0.8, 0.015, 0.05), rug)],
        [vase(1.98, -0.85, top)],
        [armchair((-1.75, -1.55), 0.75)],
        *books(rng),
    ]
    sun = Sun(
        (-0.52, 0.9, -0.85),
        (150, 132, 104),
        0.006,
        {id(pane): lambda p: np.ones((3, p.shape[1]), np.float32)},
    )
    lights = [
        RectLight(pane, 13.0),
        SphereLight(globe, (110, 60, 23)),
        SphereLight(candle, (900, 430, 130)),
    ]
    camera = Camera((1.1, 1.42, 2.3), (0.1, 1.2, -3.5), 64, -0.07)
    return Scene(groups, camera, landscape, lights, sun, depth=5, clamp=3.0)

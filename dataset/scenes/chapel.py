"""A stone chapel: low sun through stained glass throws coloured patches and shafts."""

import numpy as np

from .direct import passed
from .geometry import EPSILON, Box, Cylinder, Ellipsoid, Rect, column
from .lights import RectLight, SphereLight, Sun
from .masonry import END, HALF, SPRING, lancet, pier, pointed, rib, stone
from .materials import bump, coated, emitter, matte, metal, timber
from .noise import fbm, gradient_noise, hash01, mix, smoothstep, solid
from .render import Camera
from .scene import Scene, closest
from .stained_glass import Pane, rose_image

SILL, TOP, WIDE = 1.5, 4.6, 1.9  # windows: sill, springing of the point, width
ROSE = (0.0, 7.0, 2.1)  # x, y, radius
BAYS = (-2.0, -6.0, -10.0, -14.0)


def floor(p, n, d):
    """Polished slabs of light and dark marble, laid diagonally."""
    u, v = (p[0] + p[2]) / 0.85, (p[0] - p[2]) / 0.85
    iu, iv = np.floor(u), np.floor(v)
    edge = np.minimum(np.minimum(u - iu, iu + 1 - u), np.minimum(v - iv, iv + 1 - v)) * 0.6
    tone = hash01(iu, iv, 4)
    vein = np.abs(fbm(p[0] * 2.2 + tone * 9, p[2] * 2.2, 5, 14))
    light = mix([0.4, 0.36, 0.3], [0.66, 0.61, 0.52], np.clip(0.3 + 0.5 * tone + 1.6 * vein, 0, 1))
    dark = mix([0.11, 0.11, 0.1], [0.035, 0.05, 0.045], np.clip(6 * vein + 0.2 * tone, 0, 1))
    albedo = np.where(np.mod(iu + iv, 2) > 0, light, dark)
    joint = smoothstep(0.008, 0.003, edge)
    tilt = 0.006 * (tone - 0.5)
    return {
        "albedo": albedo * (1 - 0.6 * joint),
        "f0": 0.045 * (1 - joint),
        "gloss": 1600.0,
        "normal": bump(n, tilt, -tilt, (1, 0, 0), (0, 0, 1)),
    }


def carpet(p, n, d):
    """A red runner with a gold border."""
    edge = np.abs(p[0])
    knot = 0.8 + 0.2 * gradient_noise(p[0] * 120, p[2] * 120, 5)
    diamond = np.abs(p[0] / 0.5) + np.abs((p[2] / 0.9) % 1 - 0.5) * 1.8
    albedo = np.where(
        np.abs(diamond - 0.6) < 0.09, column([0.55, 0.33, 0.06]), column([0.38, 0.015, 0.025])
    )
    albedo = np.where((edge > 0.66) & (edge < 0.74), column([0.6, 0.38, 0.07]), albedo)
    return {"albedo": albedo * knot}


def shafts(scene, o, d, reach, u):
    """Sunlight (3, N) that dust scatters towards the camera, one sample along each ray.

    Single scattering with a mild forward phase function (Henyey and Greenstein 1941, g = 0.3).
    """
    away = u * reach
    p = o + away * d
    toward = np.repeat(scene.sun.direction, p.shape[1], axis=1)
    t, which = closest(scene, p + EPSILON * toward, toward)
    light = passed(scene, p, toward, t, which)
    cosine = (d * scene.sun.direction).sum(axis=0)
    phase = (1 - 0.09) / (4 * np.pi * (1.09 - 0.6 * cosine) ** 1.5)
    return (0.0024 * reach * phase * light).astype(np.float32)


def pew(side, z):
    """One bench."""
    wood = timber([0.3, 0.13, 0.045], 0)
    a, b = sorted((side * 1.0, side * 3.0))
    return [
        Box((a, 0.42, z - 0.4), (b, 0.47, z), wood),
        Box((a, 0.47, z - 0.02), (b, 0.95, z + 0.04), wood),
        Box((a - 0.04, 0, z - 0.45), (a + 0.04, 1.0, z + 0.06), timber([0.26, 0.11, 0.04])),
        Box((b - 0.04, 0, z - 0.45), (b + 0.04, 1.0, z + 0.06), timber([0.26, 0.11, 0.04])),
    ]


def candles(places, glow):
    """Candles with small flames: wax bars, and the flames as separate shapes."""
    wax = [
        Cylinder((x, 0, z), 0.028, y, y + h, coated([0.8, 0.74, 0.58], 30)) for x, y, z, h in places
    ]
    flames = [Ellipsoid((x, y + h + 0.035, z), 0.036, emitter(glow)) for x, y, z, h in places]
    return wax, flames


def altar():
    """Steps, the altar with its cloth, and a gilded cross."""
    gold, z = metal([0.85, 0.6, 0.2], 120), END + 2.2
    marble = coated([0.5, 0.46, 0.4], 400)
    return [
        Box((-2.6, 0, END), (2.6, 0.18, z + 1.6), marble),
        Box((-2.0, 0.18, END), (2.0, 0.36, z + 1.1), marble),
        Box((-1.2, 0.36, z - 0.5), (1.2, 1.3, z + 0.4), stone),
        Box((-1.3, 1.3, z - 0.55), (1.3, 1.38, z + 0.45), marble),
        Box((-0.7, 0.8, z + 0.4), (0.7, 1.385, z + 0.46), matte([0.7, 0.68, 0.62])),
        Box((-0.035, 1.38, z), (0.035, 2.3, z + 0.07), gold),
        Box((-0.28, 1.9, z), (0.28, 1.97, z + 0.07), gold),
    ]


def build():
    """The scene."""
    groups, panes, lights, filters = [], [], [], {}
    for level, sky in ((HALF, (17, 18.5, 21)), (-HALF, (5, 6.2, 8))):
        for k, z in enumerate(BAYS):
            reveal, glass, pane = lancet(
                0, level, np.sign(level) * 0.3, z, WIDE, SILL, TOP, sky, k + (level < 0)
            )
            groups.append(reveal)
            panes.append(glass)
            filters[id(glass)] = pane.transmittance
            lights.append(RectLight(glass, 0.12 * sky[1]))
    for k, x in enumerate((-1.7, 0.0, 1.7)):
        reveal, glass, pane = lancet(2, END, -0.3, x, 1.0, 2.0, 3.4, (10, 12, 15), k + 2)
        groups.append(reveal)
        panes.append(glass)
        lights.append(RectLight(glass, 1.4))
    x, y, r = ROSE
    pane = Pane(rose_image(r), (0, 1), (x - r, y - r), (x + r, y + r), (14, 17, 21))
    rose = Rect(2, END - 0.3, (x - r, y - r), (x + r, y + r), pane.material)
    lights.append(RectLight(rose, 1.6))

    def side_cut(u, v):  # u is y and v is z
        return np.any([pointed(v - z, u, WIDE, SILL, TOP) for z in BAYS], axis=0)

    def end_cut(u, v):
        holes = [pointed(u - c, v, 1.0, 2.0, 3.4) for c in (-1.7, 0.0, 1.7)]
        return np.any([*holes, np.hypot(u - x, v - y) < r], axis=0)

    walls = [
        Rect(1, 0, (-HALF, END), (HALF, 6), floor),
        Rect(0, HALF, (0, END), (SPRING, 6), stone, side_cut),
        Rect(0, -HALF, (0, END), (SPRING, 6), stone, side_cut),
        Rect(2, END, (-HALF, 0), (HALF, SPRING + HALF), stone, end_cut),
        Rect(2, 6, (-HALF, 0), (HALF, SPRING + HALF), stone),
        Cylinder((0, SPRING, 0), HALF, END, 6, stone, 2, lambda p: p[1] < SPRING),
        Cylinder((x, y, 0), r, END - 0.3, END, stone, 2, lambda p: p[1] < -1),
        Box((-0.8, 0, END + 4), (0.8, 0.012, 6), carpet),
    ]
    places = [(-0.9, 1.38, END + 2.2, 0.5), (0.9, 1.38, END + 2.2, 0.5)]
    rack = [
        (-2.75 + 0.2 * i, 0.9 + 0.14 * j, -0.5 - 0.22 * j, 0.07 + 0.06 * ((i * 7 + j * 5) % 3))
        for j in range(2)
        for i in range(5)
    ]
    wax, flames = candles(places + rack, (400, 190, 55))
    iron = metal([0.3, 0.27, 0.24], 30)
    rack_parts = [
        Box((-2.9, 0.86 + 0.14 * j, -0.6 - 0.22 * j), (-1.8, 0.9 + 0.14 * j, -0.4 - 0.22 * j), iron)
        for j in range(2)
    ]
    rack_parts += [
        Cylinder((a, 0, z), 0.025, 0, 0.9, iron) for a in (-2.85, -1.85) for z in (-0.45, -0.75)
    ]
    lights += [SphereLight(flame, (400, 190, 55)) for flame in flames]
    piers = [pier(side * (HALF - 0.45), z) for side in (-1, 1) for z in (0.0, -4.0, -8.0, -12.0)]
    pews = [pew(side, z) for side in (-1, 1) for z in (-5.2, -6.4, -7.6, -8.8, -10.0)]
    groups = [
        walls,
        panes,
        [rose],
        *groups,
        *piers,
        *pews,
        *[rib(z) for z in (0.0, -4.0, -8.0, -12.0)],
        altar(),
        wax,
        flames,
        rack_parts,
    ]
    sun = Sun((0.78, 0.6, 0.22), (620, 560, 460), 0.006, filters, True)
    camera = Camera((-0.75, 1.62, 4.2), (0.0, 1.62, END), 66, 0.2)
    return Scene(groups, camera, dark, lights, sun, shafts, depth=5, clamp=3.0)


def dark(d, disc):
    """Nothing shines where a ray leaves the chapel."""
    return solid([0, 0, 0], d)

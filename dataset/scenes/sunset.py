"""A mountain lake at sunset with a pier, rocks and spruces against the light."""

import numpy as np

from .boats import boat, sail
from .evening_sky import DISC, RADIUS, TO_SUN, hazy, sky
from .fields import HeightField
from .geometry import Box, Cylinder, Ellipsoid, Rect, column
from .lights import SphereLight, Sun
from .materials import bump, coated, emitter, metal, timber
from .noise import fbm, gradient_noise, mix, planks, ridged, smoothstep, solid
from .plants import billboard, pine_mask, reed_mask
from .render import Camera
from .scene import Scene

LANTERN = (260, 130, 40)


def mountain(eye):
    """Rock with snow on flat places, and forest low down."""

    def material(p, n, d):
        rough = fbm(p[0] * 0.012, p[2] * 0.012 + p[1] * 0.01, 5, 3)
        snow = smoothstep(190, 330, p[1] + 110 * rough) * smoothstep(0.35, 0.6, n[1] + 0.3 * rough)
        albedo = mix([0.10, 0.085, 0.08], [0.18, 0.15, 0.13], 0.5 + rough)
        wood = smoothstep(130, 70, p[1] + 90 * rough)
        albedo = mix(mix(albedo, [0.03, 0.05, 0.03], wood), [0.75, 0.77, 0.82], snow)
        slope = 0.5 * fbm(p[0] * 0.03, p[1] * 0.03 + p[2] * 0.02, 4, 9)
        return hazy(
            {"albedo": albedo, "normal": bump(n, slope, -slope, (1, 0, 0), (0, 0, 1))}, p, eye, 7500
        )

    return material


def range_grid(low, high, size=420):
    """Heights (rows along z, columns along x) of the mountains, open towards the sun."""
    x, z = np.meshgrid(
        np.linspace(low[0], high[0], size, dtype=np.float32),
        np.linspace(low[1], high[1], size, dtype=np.float32),
    )
    peaks = ridged(x / 900 + 3.1, z / 900 + 1.2, 5, 11)
    turn = np.abs(x / -z + 0.10)
    rise = smoothstep(0.02, 0.42, turn) * smoothstep(-700, -1500, z) * smoothstep(3000, 2400, -z)
    hills = 70 * smoothstep(-1300, -2200, z) * (0.6 + 0.6 * fbm(x / 300, z / 300, 5, 5))
    return 680 * rise * peaks**1.3 + hills + 8 * fbm(x / 40, z / 40, 3, 8) - 14


def water(p, n, d):
    """Small waves on dark water; the lobe is narrow, the waves themselves spread the light."""
    x, z = p[0], p[2]
    slope_x, slope_z = 0.0, 0.0
    for k, (length, steep) in enumerate(((7.0, 0.022), (2.1, 0.030), (0.62, 0.034), (0.19, 0.022))):
        bend = 0.35 * k
        u, v = (
            (x * np.cos(bend) + z * np.sin(bend)) / length * 0.55,
            (z * np.cos(bend) - x * np.sin(bend)) / length,
        )
        slope_x = slope_x + steep * 0.8 * gradient_noise(u, v, 3 + k)
        slope_z = slope_z + steep * 1.3 * gradient_noise(u + 40, v, 13 + k)
    calm = 0.45 + 0.55 * smoothstep(-0.25, 0.3, fbm(x * 0.02, z * 0.05, 3, 31))
    return {
        "albedo": column([0.004, 0.010, 0.012]),
        "f0": 0.02,
        "gloss": 5000.0,
        "normal": bump(n, slope_x * calm, slope_z * calm, (1, 0, 0), (0, 0, 1)),
    }


def rock(p, n, d):
    """Lichen-spotted granite, wet and dark near the water."""
    spots = fbm(p[0] * 3, p[2] * 3 + p[1] * 2, 5, 3)
    lichen = smoothstep(0.18, 0.3, fbm(p[0] * 7, p[2] * 7 + 2 * p[1], 4, 8))
    albedo = mix(
        mix([0.10, 0.09, 0.08], [0.26, 0.23, 0.20], 0.5 + spots), [0.32, 0.27, 0.10], 0.7 * lichen
    )
    grass = smoothstep(0.72, 0.9, n[1] + 0.25 * spots) * smoothstep(0.5, 0.8, p[1])
    albedo = mix(albedo, [0.07, 0.11, 0.025], grass)
    wet = smoothstep(0.22, 0.06, p[1])
    slope = 0.45 * fbm(p[0] * 9, p[2] * 9 + p[1] * 5, 4, 6)
    return {
        "albedo": albedo * (1 - 0.6 * wet),
        "f0": 0.03 * wet,
        "gloss": 80.0,
        "normal": bump(n, slope, -slope, (1, 0, 0), (0, 0, 1)),
    }


def shore():
    """The rocky bank on the left."""
    low, high, size = (-16.0, -16.0), (-1.2, 8.5), 300
    x, z = np.meshgrid(
        np.linspace(low[0], high[0], size, dtype=np.float32),
        np.linspace(low[1], high[1], size, dtype=np.float32),
    )
    edge = x + 3.4 + 0.22 * (z + 3) + 1.1 * fbm(z * 0.4, x * 0.2, 4, 2)
    bank = 1.5 * smoothstep(1.0, -6.0, edge) * smoothstep(-16, -10, z)
    blocks = 0.9 * np.maximum(fbm(x * 0.8, z * 0.8, 5, 17), -0.1) * smoothstep(2.0, -1.0, edge)
    return HeightField(bank + blocks * smoothstep(-16, -12, z) - 0.16, low, high, rock, 80)


def deck(p, n, d):
    """Weathered planks across the pier."""
    albedo, gap, tone = planks(p[0] + 5, p[2], 0.17, 9.0, 3)
    grey = solid([0.34, 0.30, 0.27], gap) * (0.5 + 0.5 * tone) + 0.35 * albedo
    slope = 0.08 * (tone - 0.5) + 0.12 * gradient_noise(p[0] * 4, p[2] * 60, 5)
    return {
        "albedo": grey * (1 - 0.9 * gap),
        "f0": 0.03,
        "gloss": 25.0,
        "normal": bump(n, 0 * slope, slope, (1, 0, 0), (0, 0, 1)),
    }


def build():
    """The scene."""
    rng = np.random.default_rng(11)
    camera = Camera((0.0, 2.15, 8.0), (0.0, 2.15, -100), 60, 0.14)
    low, high = (-2600.0, -3000.0), (2600.0, -650.0)
    bark = coated([0.045, 0.06, 0.035], 20)
    masks = [pine_mask(rng) for _ in range(3)]
    trees = [
        billboard(masks[i % 3], x, z, 0.35, tall * 0.46, tall, bark)
        for i, (x, z, tall) in enumerate(
            (
                (-6.4, -5.0, 11.5),
                (-8.6, -7.5, 9.6),
                (-5.0, -7.0, 6.8),
                (-10.5, -9.0, 12.5),
                (-4.0, -8.5, 4.4),
                (-9.6, -4.0, 8.0),
                (-13.0, -11.0, 10.0),
            )
        )
    ]
    reeds = reed_mask(rng)
    tufts = [
        billboard(reeds, x, z, base, 2.2, tall, coated([0.10, 0.12, 0.03], 20))
        for x, z, base, tall in (
            (-2.5, 2.6, -0.05, 1.0),
            (-3.6, 1.4, 0.1, 0.9),
            (-2.9, -2.0, -0.05, 1.15),
            (4.3, 1.8, -0.1, 1.25),
            (5.3, 2.6, -0.1, 1.1),
        )
    ]
    x0, x1, end = 0.95, 2.45, -13.0
    post = timber([0.16, 0.115, 0.08])
    pier = [
        Box((x0, 0.52, end), (x1, 0.6, 9.0), deck),
        Box((x0, 0.38, end), (x0 + 0.12, 0.52, 9.0), post),
        Box((x1 - 0.12, 0.38, end), (x1, 0.52, 9.0), post),
    ]
    posts = [
        Cylinder((x, 0, z), 0.1, -0.5, 1.15 if i % 2 else 0.95, post)
        for i, z in enumerate((4.4, 0.8, -2.8, -6.4, -10.0, end + 0.1))
        for x in (x0 - 0.08, x1 + 0.08)
    ]
    glow = Ellipsoid((x1 + 0.08, 1.95, -2.8), 0.085, emitter(LANTERN))
    iron = metal([0.25, 0.23, 0.2], 40)
    lamp = [
        glow,
        Cylinder((x1 + 0.08, 0, -2.8), 0.035, 0.9, 1.8, post),
        Box((x1 - 0.06, 1.8, -2.94), (x1 + 0.22, 1.84, -2.66), iron),
        Box((x1 - 0.06, 2.07, -2.94), (x1 + 0.22, 2.11, -2.66), iron),
    ]
    lamp += [
        Cylinder((x1 + 0.08 + i, 0, -2.8 + j), 0.012, 1.84, 2.07, iron)
        for i in (-0.11, 0.11)
        for j in (-0.11, 0.11)
    ]
    groups = [
        [Rect(1, 0, (-4000, -4000), (4000, 12), water)],
        [HeightField(range_grid(low, high), low, high, mountain(camera.eye), 120)],
        [shore()],
        trees,
        tufts,
        pier,
        posts,
        lamp,
        [boat(3.6, -4.2)],
        sail(-13.5, -95.0),
    ]
    energy = np.pi * RADIUS**2 * np.array(DISC)
    return Scene(
        groups,
        camera,
        sky,
        [SphereLight(glow, LANTERN)],
        Sun(TO_SUN, energy, RADIUS),
        depth=3,
        clamp=20.0,
    )

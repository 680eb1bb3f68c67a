"""Materials that several scenes share.

Each is a function of (points, normals, directions), all (3, N), that gives the keys of
surface.DEFAULTS which it changes.
"""

import numpy as np

from .geometry import unit
from .noise import fbm, gradient_noise, solid

X, UP, Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)  # the axes of space


def matte(colour):
    """A plain diffuse material."""
    albedo = np.asarray(colour, np.float32).reshape(3, 1)
    return lambda p, n, d: {"albedo": albedo}


def coated(colour, gloss=200.0, f0=0.04):
    """A diffuse material under a clear coat, like varnish, plastic or glazed clay."""
    albedo = np.asarray(colour, np.float32).reshape(3, 1)
    return lambda p, n, d: {"albedo": albedo, "f0": f0, "gloss": gloss}


def metal(tint, gloss=1e6):
    """A metal; the default gloss is a perfect mirror."""
    colour = np.asarray(tint, np.float32).reshape(3, 1)
    return lambda p, n, d: {"f0": 1.0, "tint": colour, "gloss": gloss}


def glass(tint=(1, 1, 1)):
    """Clear glass with an index of 1.5."""
    colour = np.asarray(tint, np.float32).reshape(3, 1)
    return lambda p, n, d: {"glass": True, "tint": colour}


def emitter(radiance):
    """A surface that only emits, the same in all directions."""
    light = np.asarray(radiance, np.float32).reshape(3, 1)
    return lambda p, n, d: {"emission": light}


def bump(n, slope_u, slope_v, axis_u, axis_v):
    """Tilt normals (3, N) against slopes (N,) along two unit axes (Blinn 1978)."""
    u, v = (np.asarray(a, np.float32).reshape(3, 1) for a in (axis_u, axis_v))
    return unit(n - u * slope_u - v * slope_v).astype(np.float32)


def timber(tone, along=1):
    """Oiled wood with its grain along an axis."""
    others = [i for i in range(3) if i != along]
    base = np.asarray(tone, np.float32)

    def material(p, n, d):
        w = p[others[0]] + p[others[1]] * 0.8
        warp = fbm(p[along] * 1.5, w * 7, 3, 5)
        ring = 0.5 + 0.5 * np.sin(w * 70 + warp * 8)
        fine = gradient_noise(p[along] * 8, w * 190, 6)
        return {
            "albedo": solid(base, w) * np.clip(0.65 + 0.4 * ring + 0.15 * fine, 0.2, 1.3),
            "f0": 0.04,
            "gloss": 90.0,
        }

    return material


def cloth(colour):
    """Woven upholstery."""
    base = np.asarray(colour, np.float32)

    def material(p, n, d):
        u, v = p[0] + 0.6 * p[2], p[1] + 0.5 * p[2]
        thread = gradient_noise(u * 240, v * 240, 8) * 0.2 + 0.2 * fbm(u * 6, v * 6, 3, 9)
        return {"albedo": np.clip(solid(base, u) * (1 + thread), 0, 0.9)}

    return material

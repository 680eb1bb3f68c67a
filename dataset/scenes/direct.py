"""Light that reaches a point straight from the sun or from a lamp (next-event estimation)."""

import numpy as np

from .geometry import EPSILON, dot
from .scene import closest
from .surface import lobes, pick


def sunlight(scene, p, n, u, v):
    """Direction (3, N) towards a point of the sun's disc and the irradiance (3, N) from it."""
    direction = scene.sun.sample(u, v)
    light = np.zeros_like(p)
    rays = np.flatnonzero(dot(n, direction) > 0)
    if rays.size:
        t, which = closest(scene, p[:, rays] + n[:, rays] * EPSILON, direction[:, rays])
        light[:, rays] = passed(scene, p[:, rays], direction[:, rays], t, which)
    return direction, light


def passed(scene, p, d, t, which):
    """The sun's irradiance (3, N) after what the rays have hit: open, filtering or blocking."""
    light = np.where(
        (which < 0) & (not scene.sun.only_filters), scene.sun.irradiance, np.float32(0)
    )
    for ident, transmit in scene.sun.filters.items():
        through = np.flatnonzero(which == scene.index[ident])
        if through.size:
            at = p[:, through] + t[through] * d[:, through]
            light[:, through] = scene.sun.irradiance * transmit(at)
    return light


def lamplight(scene, s, p, u):
    """One light sample per point, chosen by estimated strength.

    Gives diffuse and gloss reflected radiance (3, N) with the balance heuristic of Veach (1995)
    applied, and the chances (lights, N) with which each light is chosen.
    """
    strength = np.stack([light.strength(p, s["normal"]) for light in scene.lights])
    chances = strength / np.maximum(strength.sum(axis=0), 1e-20)
    chosen, chance = pick(chances, u[0])
    d, reach = np.zeros_like(p), np.ones_like(chance)
    pdf, glow = np.zeros_like(chance), np.zeros_like(p)
    for i, light in enumerate(scene.lights):
        rays = np.flatnonzero(chosen == i)
        if rays.size:
            at = p[:, rays]
            toward, far, density = light.sample(at, u[1][rays], u[2][rays])
            d[:, rays], reach[rays], pdf[rays] = toward, far, density * chance[rays]
            glow[:, rays] = light.radiance(at + far * toward, toward)
    facing = (dot(s["normal"], d) > 0) & (dot(s["face"], d) > 0) & (glow.max(axis=0) > 0)
    rays = np.flatnonzero(facing & (pdf > 0))
    diffuse, gloss = np.zeros_like(p), np.zeros_like(p)
    t, which = closest(scene, p[:, rays] + s["face"][:, rays] * EPSILON, d[:, rays])
    seen = (which == np.array(scene.light_ids)[chosen[rays]]) | (t > reach[rays] * 0.999)
    a, b, other = lobes(s, rays, d[:, rays])
    light = glow[:, rays] * (seen / (pdf[rays] + other))
    diffuse[:, rays], gloss[:, rays] = a * light, b * light
    return diffuse, gloss, chances

"""Materials: what a hit reflects and emits, and how a direction is chosen from that."""

import numpy as np

from .geometry import EPSILON, column, dot, unit

DEFAULTS = {
    "albedo": (3, 0.0),  # diffuse reflectance, 0 ... 1
    "emission": (3, 0.0),  # radiance, relative units
    "tint": (3, 1.0),  # colour of the gloss or of the glass
    "f0": (1, 0.0),  # reflectance of the gloss at normal incidence; 1 for metal
    "gloss": (1, 1e6),  # exponent of the power lobe; above 1e5 a perfect mirror
}


def shade(scene, which, p, d):
    """Evaluate the materials at hits: a dict of arrays (3, N) or (N,).

    'normal' is the shading and 'face' the true normal, both on the ray's side; 'outward' is the
    shape's own normal, which glass needs.
    """
    n = which.size
    s = {
        k: np.full((3, n) if rows == 3 else n, value, np.float32)
        for k, (rows, value) in DEFAULTS.items()
    }
    s["glass"] = np.zeros(n, bool)
    s["outward"], s["normal"] = np.zeros((3, n), np.float32), np.zeros((3, n), np.float32)
    s["face"] = s["normal"].copy()
    for ident in np.unique(which):
        rays = np.flatnonzero(which == ident)
        at, toward = p[:, rays], d[:, rays]
        outward = scene.shapes[ident].normal(at)
        face = outward * np.where(dot(outward, toward) > 0, -1, 1)
        s["outward"][:, rays], s["face"][:, rays] = outward, face
        s["normal"][:, rays] = face
        for key, value in scene.shapes[ident].material(at, face, toward).items():
            s[key][..., rays] = value
    # Bumps must not turn a visible point away from the eye.
    behind = dot(s["normal"], d)
    fix = np.flatnonzero(behind > -1e-3)
    s["normal"][:, fix] = unit(s["normal"][:, fix] - d[:, fix] * (behind[fix] + 2e-3))
    s["direction"] = d
    return s


def lobes(s, rays, toward):
    """Diffuse and gloss parts of (reflectance x cosine) towards a direction, and the pdf.

    The surface is a diffuse base under a coat with Schlick's Fresnel term (1994); the coat's
    lobe is a normalised power about the mirror direction (Phong 1975, Lafortune and Willems
    1994). Perfect mirrors give 0 here, because no sampled direction can meet them.
    """
    n, d = s["normal"][:, rays], s["direction"][:, rays]
    view = np.maximum(-dot(n, d), 1e-3)
    f0, gloss = s["f0"][rays], s["gloss"][rays]
    fresnel = f0 + (1 - f0) * (1 - view) ** 5 * (f0 > 0)
    cosine = np.maximum(dot(n, toward), 0) / np.float32(np.pi)
    power = np.maximum(dot(unit(d + 2 * view * n), toward), 0)
    lobe = (gloss + 1) / np.float32(2 * np.pi) * power ** np.minimum(gloss, 1e5)
    lobe = np.where(gloss > 1e5, 0, lobe) * (dot(s["face"][:, rays], toward) > 0)
    pdf = (1 - fresnel) * cosine + fresnel * lobe
    return (
        s["albedo"][:, rays] * ((1 - fresnel) * cosine),
        s["tint"][:, rays] * (fresnel * lobe),
        pdf,
    )


def pick(chances, u):
    """Index of one of the rows of chances (K, N) for uniform numbers u (N,), and its chance."""
    total = np.cumsum(chances, axis=0)
    chosen = np.minimum((u * total[-1] >= total).sum(axis=0), chances.shape[0] - 1)
    return chosen, chances[chosen, np.arange(u.size)]


def glass_bounce(outward, d, u, index=1.5):
    """Reflect or refract directions (3, N) at glass with a random choice by Schlick's term."""
    cosine = dot(outward, d)
    entering = cosine < 0
    n = outward * np.where(entering, 1, -1)
    ratio = np.where(entering, 1 / index, index)
    c = np.abs(cosine)
    under = 1 - ratio**2 * (1 - c * c)
    f0 = ((index - 1) / (index + 1)) ** 2
    c2 = np.where(entering, c, np.sqrt(np.maximum(under, 0)))
    fresnel = np.where(under <= 0, 1, f0 + (1 - f0) * (1 - c2) ** 5)
    bent = ratio * d + (ratio * c - np.sqrt(np.maximum(under, 0))) * n
    return unit(np.where(u < fresnel, d + 2 * c * n, bent)).astype(np.float32)


def scatter(s, p, d, u):
    """Sample the next direction: origin, direction, weight (3, N), pdf (0 for mirrors), gloss."""
    n, face = s["normal"], s["face"]
    view = np.maximum(-dot(n, d), 1e-3)
    fresnel = s["f0"] + (1 - s["f0"]) * (1 - view) ** 5 * (s["f0"] > 0)
    glossy = u[0] < fresnel
    mirror = d + 2 * view * n
    exponent = np.where(glossy, s["gloss"], 1)
    # A power lobe about the mirror direction, or with exponent 1 the cosine about the normal.
    cosine = np.where(glossy & (exponent > 1e5), 1, u[1] ** (1 / (exponent + 1)))
    sine, turn = np.sqrt(np.maximum(1 - cosine * cosine, 0)), 2 * np.pi * u[2]
    axis = unit(np.where(glossy, mirror, n))
    side = np.where(np.abs(axis[0]) > 0.7, column([0, 1, 0]), column([1, 0, 0]))
    side = unit(side - axis * dot(side, axis))
    third = np.stack(
        [
            axis[1] * side[2] - axis[2] * side[1],
            axis[2] * side[0] - axis[0] * side[2],
            axis[0] * side[1] - axis[1] * side[0],
        ]
    )
    new = side * (np.cos(turn) * sine) + third * (np.sin(turn) * sine) + axis * cosine
    new = new.astype(np.float32)
    weight = np.where(glossy, s["tint"], s["albedo"])
    low = dot(new, face)
    weight = weight * (glossy | (low > 0))
    below = glossy & (low <= 0)  # a bumpy mirror that looks into its own surface: fold back
    new = np.where(below, unit(new + face * (np.abs(low) * 2 + 1e-3)), new)
    _, _, pdf = lobes(s, np.arange(p.shape[1]), new)
    pdf = np.where(glossy & (s["gloss"] > 1e5), 0, pdf)
    o = p + face * EPSILON
    glass = np.flatnonzero(s["glass"])
    if glass.size:
        bent = glass_bounce(s["outward"][:, glass], d[:, glass], u[0][glass])
        new[:, glass], weight[:, glass], pdf[glass] = bent, s["tint"][:, glass], 0
        o[:, glass] = p[:, glass] + EPSILON * bent
    return o, new, weight, pdf.astype(np.float32), glossy

"""Path tracing (Kajiya 1986) of batches of rays with next-event estimation."""

import numpy as np

from .colour import LUMINANCE
from .direct import lamplight, sunlight
from .scene import closest
from .surface import lobes, scatter, shade


def trace(scene, o, d, rng, quasi):
    """Trace one path per ray; quasi (8, N) drives the first bounce, rng the others.

    Gives a dict of (3, N) arrays: 'sharp' (light seen directly or through mirrors, and the
    sun's first hit), 'diffuse' and 'gloss' (all that may be denoised), and the guides 'albedo',
    'normal' and 'position' of the first surface that scatters.
    """
    n = o.shape[1]
    out = {
        k: np.zeros((3, n), np.float32)
        for k in ("sharp", "diffuse", "gloss", "albedo", "normal", "position")
    }
    ids, beta = np.arange(n), np.ones((3, n), np.float32)
    lane = np.zeros(n, np.int8)  # 0 not scattered yet, 1 diffuse first, 2 gloss first
    pdf, chances = np.zeros(n, np.float32), None

    def add(name, rays, light):
        out[name][:, rays] += light

    def spread(rays, where, light):
        limit = np.float32(scene.clamp) / np.maximum(LUMINANCE @ light, 1e-9)
        light = light * np.where(where > 0, np.minimum(limit, 1), 1)
        for code, name in enumerate(("sharp", "diffuse", "gloss")):
            chosen = where == code
            add(name, rays[chosen], light[:, chosen])

    for bounce in range(scene.depth + 3):
        t, which = closest(scene, o, d)
        missed = np.flatnonzero(which < 0)
        if missed.size:
            sky = scene.sky(d[:, missed], lane[missed] == 0)
            spread(ids[missed], lane[missed], beta[:, missed] * sky)
        if bounce == 0 and scene.fog is not None:
            out["fog"] = scene.fog(scene, o, d, np.minimum(t, 60), quasi[7])
        keep = np.flatnonzero(which >= 0)
        if not keep.size:
            break
        ids, beta, lane, pdf = ids[keep], beta[:, keep], lane[keep], pdf[keep]
        t, which, o, d = t[keep], which[keep], o[:, keep], d[:, keep]
        p = o + t * d
        s = shade(scene, which, p, d)
        glow = np.ones_like(t)
        if chances is not None:
            chances = chances[:, keep]
            for i, ident in enumerate(scene.light_ids):
                hit = np.flatnonzero((which == ident) & (pdf > 0))
                other = chances[i, hit] * scene.lights[i].pdf(o[:, hit], d[:, hit], t[hit])
                glow[hit] = pdf[hit] / (pdf[hit] + other)
        spread(ids, lane, beta * s["emission"] * glow)
        new = lane == 0
        scatters = new & ~s["glass"] & ~((s["f0"] >= 1) & (s["gloss"] > 1e5))
        out["albedo"][:, ids[scatters]] = (beta * s["albedo"])[:, scatters]
        out["normal"][:, ids[scatters]] = s["normal"][:, scatters]
        out["position"][:, ids[scatters]] = p[:, scatters]
        if bounce >= scene.depth:  # only mirrors and glass may go on
            live = np.flatnonzero(new & ~scatters)
        else:
            live = np.flatnonzero((s["albedo"].max(axis=0) > 0) | (s["f0"] > 0) | s["glass"])
        if not live.size:
            break
        ids, beta, lane, o, d, p = (a[..., live] for a in (ids, beta, lane, o, d, p))
        s, new, scatters = {k: v[..., live] for k, v in s.items()}, new[live], scatters[live]
        u = quasi[:, ids] if bounce == 0 else rng.random((8, ids.size), np.float32)
        everything = np.arange(ids.size)
        if scene.sun is not None:
            toward, light = sunlight(scene, p, s["face"], u[0], u[1])
            a, b, _ = lobes(s, everything, toward)
            spread(ids, np.where(new, 0, lane), beta * light * (a + b))
        if scene.lights:
            a, b, chances = lamplight(scene, s, p, u[2:5])
            spread(ids, np.where(new, 1, lane), beta * a)
            spread(ids, np.where(new, 2, lane), beta * b)
        o, d, weight, pdf, glossy = scatter(s, p, d, u[5:8])
        beta = beta * weight
        lane = np.where(scatters, np.where(glossy, 2, 1), lane).astype(np.int8)
        alive = beta.max(axis=0) > 0
        if bounce >= 2:  # Russian roulette (Arvo and Kirk 1990)
            stay = np.clip(beta.max(axis=0), 0.05, 1)
            alive &= rng.random(ids.size, np.float32) < stay
            beta = beta / stay
        live = np.flatnonzero(alive)
        ids, beta, lane, pdf, o, d = (a[..., live] for a in (ids, beta, lane, pdf, o, d))
        chances = None if chances is None else chances[:, live]
        if not live.size:
            break
    return out

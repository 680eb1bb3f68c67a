"""The evening sky with clouds lit from below, and the haze under it."""

import numpy as np

from .geometry import column, dot, unit
from .noise import fbm, mix, smoothstep, solid

TO_SUN = unit(column([-0.10, 0.062, -1.0]))
DISC, RADIUS = (9000, 3900, 900), 0.0085  # radiance and angular radius of the sun


def clear_sky(d):
    """The sky without clouds: a horizon band, a zenith colour and the sun's aureole."""
    lift = np.clip(d[1], 0, 1)
    near = np.clip(dot(d, TO_SUN), -1, 1)
    flat = np.clip((near + 1) / 2, 0, 1)
    zenith, horizon = (
        mix([0.05, 0.10, 0.24], [0.11, 0.17, 0.34], flat),
        mix([0.36, 0.22, 0.30], [1.9, 0.72, 0.26], flat**3),
    )
    light = zenith + (horizon - zenith) * np.exp(-lift * 5.5)
    light = light + solid([0.55, 0.30, 0.30], lift) * (
        np.exp(-(((lift - 0.22) / 0.14) ** 2)) * flat**3
    )
    turn = np.arccos(near)
    light = light + solid([4.6, 1.7, 0.32], lift) * np.exp(-turn / 0.16)
    return light + solid([26, 13, 3.6], lift) * np.exp(-turn / 0.035)


def sky(d, disc):
    """Radiance (3, N) of the evening sky; clouds are lit from below by the sun."""
    d = np.where(np.array([[0], [1], [0]], bool), np.abs(d), d)
    light = clear_sky(d)
    near = np.clip(dot(d, TO_SUN), -1, 1)
    lift = np.maximum(d[1], 0.004)
    u, v = d[0] / (lift + 0.07), -d[2] / (lift + 0.07)
    x, y = u * 0.34 + 0.25 * v * 0.34, v * 0.62

    def density(dx, dy, octaves):
        big = fbm(x * 0.55 + dx * 0.5 + 8, y * 0.5 + dy * 0.5 + 5, 2, 2)
        return fbm(x + dx, y + dy, octaves, 4, 0.54) + 0.55 * big

    here, soft = density(0, 0, 6), density(0, 0, 4)
    relief = np.clip(
        (0.3 * here + 0.7 * soft - density(0.02 + TO_SUN[0] * 0.1, 0.11, 4)) * 3.0, -1, 1
    )
    cover = smoothstep(-0.1, 0.26, here) * smoothstep(0.0, 0.05, d[1])
    glow = np.exp(-np.arccos(near) / 0.42)
    dark = mix([0.10, 0.10, 0.17], [0.42, 0.17, 0.14], glow)
    lit = mix([0.75, 0.28, 0.30], [7.5, 2.5, 0.55], glow)
    cloud = mix(dark, lit, np.clip(0.35 + 0.75 * relief + 0.25 * (1 - cover), 0, 1) ** 1.5)
    light = light + (cloud - light) * (cover * 0.92)
    # Thin streaks near the horizon.
    streak = smoothstep(0.1, 0.5, fbm(d[0] * 2.2, d[1] * 46, 5, 30)) * np.exp(
        -(((d[1] - 0.11) / 0.05) ** 2)
    )
    light = light + (mix([0.5, 0.2, 0.22], [9.0, 2.9, 0.5], glow) - light) * (0.6 * streak)
    shown = disc * smoothstep(RADIUS * 1.04, RADIUS * 0.96, np.arccos(near))
    light = light + column(DISC) * shown
    return light.astype(np.float32)


def hazy(surface, p, eye, length):
    """Aerial perspective: fade a far surface into the sky behind it over a length in metres."""
    away = p - eye
    distance = np.sqrt(dot(away, away))
    d = away / distance
    d[1] = 0.035
    clear = np.exp(-distance / length)
    surface["albedo"] = surface["albedo"] * clear
    surface["emission"] = np.minimum(clear_sky(unit(d)), 2.6) * (0.5 * (1 - clear))
    return surface

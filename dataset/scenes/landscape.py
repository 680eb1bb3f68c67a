"""The sunlit view from the window of the living room."""

import numpy as np

from .noise import fbm, gradient_noise, mix, smoothstep, solid


def landscape(d, disc):
    """Radiance (3, N) of sky, hills and trees in directions d (3, N); sunlit white is near 30."""
    lift = np.clip(d[1], 0.0, 1)
    sky = mix([9.0, 12.5, 17.0], [1.6, 4.2, 11.5], np.sqrt(lift))
    u, v = d[0] / (lift + 0.12), -d[2] / (lift + 0.12)
    cloud = fbm(u * 0.55 + 3, v * 0.8 + 1, 6, 11)
    shade = fbm(u * 0.55 + 3.12, v * 0.8 + 1.1, 6, 11)
    white = mix([14, 15, 18], [40, 38, 34], smoothstep(-0.2, 0.25, cloud - shade + 0.08))
    light = mix(sky, white, smoothstep(-0.08, 0.2, cloud))
    turn = np.arctan2(d[0], -d[2])
    for k, (far, high, colour) in enumerate(
        (
            (0.0, 0.115, [5.2, 7.0, 9.5]),
            (0.35, 0.06, [3.4, 5.2, 4.8]),
            (0.7, 0.012, [3.3, 5.0, 1.5]),
        )
    ):
        ridge = high + 0.05 * (1.2 - far) * fbm(turn * (3 + 3 * k) + 4 * k, turn * 0, 5, 20 + k)
        field = fbm(turn * 14, d[1] * 60 + k, 4, 25 + k)
        tone = solid(colour, turn) * (1 + 0.45 * far * field)
        light = np.where(d[1] < ridge, tone, light)
    meadow = mix([3.8, 5.2, 0.9], [7.5, 7.0, 1.6], 0.5 + fbm(turn * 9, d[1] * 40, 4, 31))
    light = np.where(d[1] < -0.03, meadow, light)
    # Trees at the edge of the garden: crowns of noise over a varying height.
    crown = -0.02 + 0.17 * np.clip(gradient_noise(turn * 2.4 + 2.2, turn * 0, 40) + 0.22, 0, 1)
    crown = crown + 0.03 * fbm(turn * 26, d[1] * 22, 4, 41)
    leaf = fbm(turn * 42, d[1] * 42, 4, 42)
    leaf = leaf + 0.8 * fbm(turn * 11 - 0.1, d[1] * 11 - 0.2, 3, 43) + 2.2 * (d[1] - crown + 0.06)
    tree = mix([0.25, 0.6, 0.18], [3.6, 5.6, 0.8], smoothstep(-0.5, 0.6, leaf))
    return np.where((d[1] < crown) & (d[1] > -0.09), tree, light).astype(np.float32)

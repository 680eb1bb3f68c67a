"""Edge-avoiding a-trous wavelet filter for the indirect light of a rendering.

After Dammertz et al., "Edge-Avoiding A-Trous Wavelet Transform" (2010), with the luminance
weight scaled by the samples' own variance as in Schied et al., "Spatiotemporal
Variance-Guided Filtering" (2017). Only light that surfaces have scattered is filtered, divided
by their albedo, so textures, shadows of the sun and light sources stay as they were sampled.
"""

import numpy as np

from .colour import LUMINANCE

KERNEL = np.array([1, 4, 6, 4, 1], np.float32) / 16


def shifted(image, dy, dx):
    """The image (..., H, W) moved by dy, dx pixels, with repeated borders."""
    rows = np.clip(np.arange(image.shape[-2]) + dy, 0, image.shape[-2] - 1)
    columns = np.clip(np.arange(image.shape[-1]) + dx, 0, image.shape[-1] - 1)
    return image[..., rows[:, None], columns[None]]


def atrous(light, variance, normal, position, mixed, scale, passes):
    """Filter light (3, H, W) given the variance (H, W) of its luminance.

    normal and position (3, H, W) are the guides; mixed (H, W) marks pixels that average several
    surfaces, for which the guides say little; scale (H, W) is the size of a pixel on the
    surface in metres. Each pass doubles the reach.
    """
    power, loose = np.where(mixed, 2, 64), np.where(mixed, 100, 2)
    for level in range(passes):
        step = 2**level
        lum = np.tensordot(LUMINANCE, light, 1)
        blurred = sum(
            shifted(variance, dy, dx) * (2 - abs(dy)) * (2 - abs(dx)) / 16
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
        )
        sigma = 3 * np.sqrt(np.maximum(blurred, 0)) + 1e-6
        total, spread = np.zeros_like(light), np.zeros_like(variance)
        weights = np.zeros_like(variance)
        for j in range(-2, 3):
            for i in range(-2, 3):
                dy, dx = j * step, i * step
                facing = np.sum(shifted(normal, dy, dx) * normal, axis=0)
                away = shifted(position, dy, dx) - position
                plane = np.abs(np.sum(away * normal, axis=0)) / (scale * loose)
                other = shifted(light, dy, dx)
                gap = np.abs(np.tensordot(LUMINANCE, other, 1) - lum) / sigma
                w = KERNEL[j + 2] * KERNEL[i + 2] * np.exp(-np.minimum(gap + plane, 50))
                w = w * np.maximum(facing, 0) ** power
                w = w + (KERNEL[2] ** 2 if i == j == 0 else 0) * 1e-3
                total += w * other
                spread += w * w * shifted(variance, dy, dx)
                weights += w
        light, variance = total / weights, spread / weights**2
    return light


def despeckle(light, limit=1.5):
    """Pull pixels of light (3, H, W) down to limit times the second-largest neighbour."""
    lum = np.tensordot(LUMINANCE, light, 1)
    around = np.stack([shifted(lum, dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx])
    ceiling = np.sort(around, axis=0)[-2] * limit
    return light * np.minimum(1, (ceiling + 1e-6) / np.maximum(lum, 1e-6))

"""Luminance of scene-linear BT.709 colours."""

import numpy as np

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709


def luminance_stops(image, low=1.0, high=99.9):
    """log2 of the ratio of two luminance percentiles of an (H, W, 3) BT.709 image."""
    dark, bright = np.percentile(image @ LUMINANCE, [low, high])
    return float(np.log2(bright / max(dark, 1e-12)))

"""Operators of OpenCV's photo module, with its defaults but for what is said.

Each takes H×W×3 linear RGB in any unit and returns H×W×3 uint8 display-encoded RGB,
and raises InputError for another shape, non-finite samples or a black picture. OpenCV
scales a picture to 0..1 first and takes what is below 1e-4 of the range for 1e-4.
"""

import cv2
import numpy as np

from metrics.operators.display import GAMMA, scene
from system.errors import InputError


def drago(hdr, bias=0.85, saturation=1.0):
    """Adaptive logarithmic mapping.

    F. Drago, K. Myszkowski, T. Annen and N. Chiba, "Adaptive Logarithmic Mapping for
    Displaying High Contrast Scenes", Computer Graphics Forum 22(3), 2003.

    Args:
        hdr: see above.
        bias: 0..1, the paper's b; 0.85 is its choice.
        saturation: exponent of the colour ratios, 1 keeps them.
    """
    return _process(cv2.createTonemapDrago(GAMMA, saturation, bias), hdr)


def reinhard_devlin(hdr, intensity=0.0, light_adapt=0.0, color_adapt=0.0):
    """Model of photoreceptors.

    E. Reinhard and K. Devlin, "Dynamic Range Reduction Inspired by Photoreceptor
    Physiology", IEEE TVCG 11(1), 2005.

    Args:
        hdr: see above.
        intensity: -8..8, greater is brighter.
        light_adapt: 1 adapts each pixel to itself, 0 to the picture. OpenCV's default is 1,
            which leaves photographs bright and flat.
        color_adapt: 1 adapts each channel by itself, 0 all alike.
    """
    operator = cv2.createTonemapReinhard(GAMMA, intensity, light_adapt, color_adapt)
    return _process(operator, hdr)


def mantiuk(hdr, scale=0.7, saturation=1.0):
    """Perceptual contrast compression in the gradient domain.

    R. Mantiuk, K. Myszkowski and H.-P. Seidel, "A Perceptual Framework for Contrast
    Processing of High Dynamic Range Images", ACM Trans. Applied Perception 3(3), 2006.

    Args:
        hdr: see above.
        scale: 0..1, factor on the perceived contrast.
        saturation: exponent of the colour ratios, 1 keeps them.

    Raises:
        InputError: also for a picture of one pixel or of constant luminance.

    """
    try:
        return _process(cv2.createTonemapMantiuk(GAMMA, scale, saturation), hdr)
    except cv2.error as error:
        # It solves for luminance from contrasts and stops where there are none.
        raise InputError("Mantiuk's operator needs a picture whose luminance varies.") from error


def _process(operator, hdr):
    rgb, _ = scene(hdr)
    # RGB as it is: these operators, unlike most of OpenCV, take the first channel for red.
    encoded = operator.process(rgb.astype(np.float32))
    # A flat picture can come back as NaN, from 0 / 0.
    return np.rint(np.clip(np.nan_to_num(encoded), 0, 1) * 255).astype(np.uint8)

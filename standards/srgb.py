"""BT.709 luminance, the sRGB curve, and colors at another luminance.

Every function takes NumPy arrays and Keras tensors alike and returns the same kind and
precision. For tensors all gradients are finite.
"""

import math

import numpy as np

# Row Y of the linear sRGB / BT.709 to CIE XYZ matrix (ITU-R BT.709-6, item 3.2).
LUMINANCE = (0.2126, 0.7152, 0.0722)
MAX_CODE = 255  # of 8-bit pictures
_MIN_DIVISOR = 1e-30


def luminance(rgb):
    """Return the luminance ...×1 of linear RGB ...×3, or luma of display codes, in its unit."""
    red, green, blue = rgb[..., 0:1], rgb[..., 1:2], rgb[..., 2:3]
    return LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue


def srgb_decode(code):
    """Return the linear light in [0, 1] of sRGB codes in [0, 1] (IEC 61966-2-1)."""
    xp = namespace(code)
    return xp.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def srgb_decode_8bit(codes):
    """Return the linear light in [0, 1], float64, of sRGB codes, a uint8 array."""
    return srgb_decode(np.arange(MAX_CODE + 1) / MAX_CODE)[codes]


def srgb_encode(light):
    """Return the sRGB codes in [0, 1] of linear light; what lies outside [0, 1] is cut off."""
    xp = namespace(light)
    light = xp.clip(light, 0.0, 1.0)
    bright = light > 0.0031308
    # No power of 0, whose gradient is infinite.
    power = 1.055 * xp.where(bright, light, 1.0) ** (1 / 2.4) - 0.055
    return xp.where(bright, power, 12.92 * light)


def srgb_steepness(code):
    """Return by how much a code rises, at most, where its light doubles: d code / d log2 light."""
    xp = namespace(code)
    power = (code + 0.055) / 2.4  # of the curve's upper part; 0.04045 at its start
    return math.log(2) * xp.where(code <= 0.04045, xp.maximum(code, 0.0), power)


def recolor(rgb, target, saturation=1.0, gamut="desaturate"):
    """Give the colors of a scene another luminance, inside the display's gamut.

    The ratio formula (C / L)^s · Y of classical operators (C. Schlick, "Quantization Techniques
    for Visualization of High Dynamic Range Pictures", 1994). A black pixel has no chromaticity
    and becomes gray.

    Args:
        rgb: ...×3 linear RGB of the scene, any unit, not negative.
        target: ...×1 luminance wanted, in [0, 1].
        saturation: exponent of the color ratios; 1 keeps the scene's.
        gamut: of a color that would leave [0, 1]. "desaturate" moves it towards the gray of its
            luminance, just far enough: luminance and hue stay, saturation gives way. "clip" cuts
            each channel at 1: some of all three gives way. "darken" goes two thirds of the way from
            there to the color made darker until it fits, whose hue and saturation stay.

    Returns:
        ...×3 linear RGB in [0, 1].
    """
    xp = namespace(rgb, target)
    black = xp.max(rgb, axis=-1, keepdims=True) <= 0
    ratios = rgb / xp.maximum(luminance(rgb), _MIN_DIVISOR)
    if saturation != 1:
        ratios = ratios**saturation
        # The power changes the luminance of the ratios themselves.
        ratios = ratios / xp.maximum(luminance(ratios), _MIN_DIVISOR)
    color = xp.where(black, 1.0, ratios) * target
    if gamut in ("clip", "darken"):
        cut = xp.minimum(color, 1.0)
        darker = color / xp.maximum(xp.max(color, axis=-1, keepdims=True), 1.0)
        return cut if gamut == "clip" else (cut + 2 * darker) / 3
    excess = xp.max(color, axis=-1, keepdims=True) - target
    room = 1.0 - target
    outside = excess > room
    share = xp.where(outside, room / xp.where(outside, excess, 1.0), 1.0)
    return target + share * (color - target)


def namespace(*arrays):
    """Return NumPy where all are its arrays, else keras.ops."""
    if all(isinstance(array, (np.ndarray, np.generic)) for array in arrays):
        return np
    from keras import ops  # a program without tensors needs no backend

    return ops

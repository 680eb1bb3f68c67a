"""PU21, a code of luminance in which equal steps look about equal, and the display it is seen on.

R. K. Mantiuk and M. Azimi, "PU21: A novel perceptually uniform encoding for adapting existing
quality metrics for HDR", Picture Coding Symposium 2021; the parameters for banding and glare.
"""

from standards.srgb import luminance, namespace, srgb_decode

PARAMETERS = (
    *(0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627),
    *(0.09150303166, 0.9099517204, 596.3148142),
)
LEAST, MOST = 0.005, 10_000.0  # cd/m², the range that the code holds for
DISPLAY_BLACK, DISPLAY_WHITE = 0.4, 200.0  # cd/m² of a display in a lit room
SCENE_WHITE = 4000.0  # cd/m², the brightest that a scene beside it is shown at
MIN_LIGHT = 1e-30  # has a logarithm
DARKEST = 1e-6  # of a scene's greatest luminance: what is darker counts as this


def pu21(light):
    """Return the PU21 codes, 0 to about 600, of luminance in cd/m²; what is out of range is cut."""
    xp = namespace(light)
    p = PARAMETERS
    power = xp.clip(light, LEAST, MOST) ** p[3]
    ratio = (p[0] + p[1] * power) / (1 + p[2] * power)
    return p[6] * (ratio ** p[4] - p[5])


def displayed_luminance(codes):
    """Return the luminance ...×H×W×1 in cd/m² of display codes ...×H×W×3 in [0, 1]."""
    xp = namespace(codes)
    light = luminance(srgb_decode(xp.clip(codes, 0.0, 1.0)))
    return light * (DISPLAY_WHITE - DISPLAY_BLACK) + DISPLAY_BLACK


def scene_luminance(rgb, displayed):
    """Return a scene's luminance in cd/m², exposed so that its log-mean is the displayed one's.

    Args:
        rgb: ...×H×W×3 linear RGB, any unit, not negative.
        displayed: ...×H×W×1 of displayed_luminance.
    """
    xp, light = namespace(rgb, displayed), luminance(rgb)
    least = xp.max(light, axis=(-3, -2, -1), keepdims=True) * DARKEST
    light = xp.maximum(light, least)
    return xp.clip(light * exposure(light, displayed), LEAST, SCENE_WHITE)


def exposure(light, displayed):
    """Return the factor, ...×1×1×1, that brings the log-mean of `light` to that of `displayed`.

    What is below DARKEST of the greatest luminance counts as that.

    Args:
        light, displayed: ...×H×W×1 luminance, not negative.
    """
    xp, axes = namespace(light, displayed), {"axis": (-3, -2, -1), "keepdims": True}
    light = xp.maximum(light, xp.maximum(DARKEST * xp.max(light, **axes), MIN_LIGHT))
    return xp.exp(xp.mean(xp.log(displayed), **axes) - xp.mean(xp.log(light), **axes))

"""RGB primaries and whites: from their chromaticities to linear BT.709.

SMPTE RP 177-1993 leads from chromaticities to CIE XYZ. The Bradford adaptation between whites is
that of ICC.1:2022, annex E.
"""

import numpy as np

# x and y of red, green, blue and white: ITU-R BT.709-6, item 1.
BT709 = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, 0.3127, 0.3290)
# Radiance's own, color.h: their white is the equal-energy one.
RADIANCE = (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, 1 / 3, 1 / 3)
D50 = (0.9642, 1.0, 0.8249)  # CIE XYZ of the ICC's profile connection space
_CONE_RESPONSE = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def rgb_to_xyz(chromaticities):
    """Return the 3×3 matrix from linear RGB to CIE XYZ, in which white has Y = 1.

    Args:
        chromaticities: x and y of red, green, blue and white, 8 numbers.

    Raises:
        ValueError: they are no finite numbers, or span no colors.
    """
    xy = np.asarray(chromaticities, np.float64).reshape(4, 2)
    if not np.isfinite(xy).all() or abs(xy).max() > 10 or xy[3, 1] <= 0:
        raise ValueError(f"{chromaticities} are no chromaticities")
    xyz = np.column_stack([xy, 1 - xy.sum(axis=1)])
    primaries = xyz[:3].T
    if abs(np.linalg.det(primaries)) < 1e-4:
        raise ValueError(f"{chromaticities} span no colors")
    return primaries * np.linalg.solve(primaries, xyz[3] / xy[3, 1])


def xyz_of_white(x, y):
    """Return CIE XYZ with Y = 1 of a chromaticity; ValueError where there is none."""
    if not (np.isfinite([x, y]).all() and 0 < x < 1 and 0 < y < 1):
        raise ValueError(f"{x}, {y} is no white")
    return np.array([x, y, 1 - x - y]) / y


def xyz_to_bt709(white=None):
    """Return the 3×3 matrix from CIE XYZ to linear BT.709 RGB.

    Args:
        white: XYZ that becomes 1, 1, 1 by Bradford's adaptation; None adapts nothing.
    """
    matrix = np.linalg.inv(rgb_to_xyz(BT709))
    if white is None:
        return matrix
    from_cones, to_cones = _CONE_RESPONSE @ white, _CONE_RESPONSE @ xyz_of_white(*BT709[6:])
    return matrix @ np.linalg.solve(
        _CONE_RESPONSE, (to_cones / from_cones)[:, None] * _CONE_RESPONSE
    )


def to_bt709(chromaticities, neutral=None):
    """Return the 3×3 matrix from linear RGB of other primaries to BT.709.

    Args:
        chromaticities: as for rgb_to_xyz.
        neutral: x and y of the white that becomes 1, 1, 1, or None: colors stay as they are.

    Raises:
        ValueError: as rgb_to_xyz, or `neutral` is no white.
    """
    white = None if neutral is None else xyz_of_white(*neutral)
    return xyz_to_bt709(white) @ rgb_to_xyz(chromaticities)

"""Lights that next-event estimation can aim at."""

import numpy as np

from .colour import LUMINANCE
from .geometry import column, dot, unit


def frame(axis):
    """Two unit vectors across the unit vectors axis (3, N)."""
    side = np.where(np.abs(axis[0]) > 0.7, column([0, 1, 0]), column([1, 0, 0]))
    side = unit(side - axis * dot(side, axis))
    other = np.stack(
        [
            axis[1] * side[2] - axis[2] * side[1],
            axis[2] * side[0] - axis[0] * side[2],
            axis[0] * side[1] - axis[1] * side[0],
        ]
    )
    return side, other


class Sun:
    """A distant disc: direction to it, irradiance (3,) across it, angular radius in radians.

    filters maps id(shape) to a function of points that gives the transmitted share (3, N), for
    the shapes that let sunlight through; only_filters shuts out the sun where a ray meets nothing,
    so that hairline gaps between a building's shapes do not sparkle.
    """

    def __init__(self, direction, irradiance, radius=0.0047, filters=None, only_filters=False):
        self.direction = unit(column(direction))
        self.irradiance, self.radius = column(irradiance), np.float32(radius)
        self.filters, self.only_filters = filters or {}, only_filters
        self.side, self.other = frame(self.direction)

    def sample(self, u, v):
        """Directions (3, N) towards random points of the disc."""
        r, turn = self.radius * np.sqrt(u), 2 * np.pi * v
        offset = self.side * (r * np.cos(turn)) + self.other * (r * np.sin(turn))
        return unit(self.direction + offset).astype(np.float32)


class SphereLight:
    """A ball (an Ellipsoid with equal radii) that emits the same radiance (3,) everywhere."""

    def __init__(self, shape, radiance):
        self.shape, self.colour = shape, column(radiance)
        self.radius = float(shape.radii[0, 0])
        self.power = float(LUMINANCE @ self.colour[:, 0]) * self.radius**2

    def strength(self, p, n):
        """Rough irradiance at points, for choosing among lights."""
        v = self.shape.centre - p
        square = dot(v, v)
        lift = np.clip(dot(v, n) / np.sqrt(square) + 0.15, 0.02, 1)
        return self.power * lift / np.maximum(square, self.radius**2)

    def cone(self, p):
        """Unit vectors to the centre, distances to it and 1 - cosine of the half angle."""
        v = self.shape.centre - p
        square = np.maximum(dot(v, v), self.radius**2 * 1.0001)
        sine2 = self.radius**2 / square
        return v / np.sqrt(square), np.sqrt(square), sine2 / (1 + np.sqrt(1 - sine2))

    def sample(self, p, u, v):
        """Directions in the ball's cone, distances to the ball and the pdf (solid angle)."""
        axis, distance, rest = self.cone(p)
        side, other = frame(axis)
        cosine = 1 - u * rest
        sine, turn = np.sqrt(np.maximum(1 - cosine * cosine, 0)), 2 * np.pi * v
        d = side * (np.cos(turn) * sine) + other * (np.sin(turn) * sine) + axis * cosine
        across = distance * sine
        reach = distance * cosine - np.sqrt(np.maximum(self.radius**2 - across**2, 0))
        return d.astype(np.float32), reach.astype(np.float32), 1 / (2 * np.pi * rest)

    def pdf(self, p, d, t):
        """Density (solid angle) with which sample would give these directions."""
        return 1 / (2 * np.pi * self.cone(p)[2])

    def radiance(self, at, d):
        """Emitted radiance (3, N) at points of the light."""
        return np.broadcast_to(self.colour, at.shape)


class RectLight:
    """A Rect whose material emits; the emission may vary over it and with the direction."""

    def __init__(self, shape, mean):
        self.shape, self.mean = shape, float(mean)
        self.size = (shape.high - shape.low)[shape.others]
        self.area = float(np.prod(self.size))

    def strength(self, p, n):
        """Rough irradiance at points, for choosing among lights."""
        v = (self.shape.low + self.shape.high) / 2 - p
        square = dot(v, v)
        lift = np.clip(dot(v, n) / np.sqrt(square) + 0.5, 0.02, 1)
        return self.mean * self.area * lift / np.maximum(square, self.area * 0.3)

    def sample(self, p, u, v):
        """Directions to uniform points, distances to them and the pdf (solid angle)."""
        q = np.empty_like(p)
        q[self.shape.axis] = self.shape.level
        for row, (axis, share) in enumerate(zip(self.shape.others, (u, v), strict=True)):
            q[axis] = self.shape.low[axis] + share * self.size[row]
        d = q - p
        reach = np.sqrt(np.maximum(dot(d, d), 1e-12))
        d = d / reach
        return d, reach, self.pdf(p, d, reach)

    def pdf(self, p, d, t):
        """Density (solid angle) with which sample would give these directions."""
        return t * t / (self.area * np.maximum(np.abs(d[self.shape.axis]), 1e-4))

    def radiance(self, at, d):
        """Emitted radiance (3, N) at points of the light."""
        return self.shape.material(at, None, d)["emission"]

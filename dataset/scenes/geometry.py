"""Shapes that a batch of rays can be tested against.

Points and directions are float32 arrays (3, N); y is up and lengths are metres. ``hit`` gives
the ray parameter of the first hit, (N,), infinite without one; ``normal`` the outward unit
normal at points on the surface. ``material`` maps (points, normals, directions) to a dict, see
surface.shade.
"""

import numpy as np

EPSILON = np.float32(2e-4)
INFINITE = np.float32(np.inf)


def dot(a, b):
    """Scalar products of two (3, N) arrays, (N,)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(a):
    """Vectors (3, N) scaled to length 1."""
    return a / np.sqrt(np.maximum(dot(a, a), 1e-20))


def column(values):
    """A triple as a (3, 1) float32 array."""
    return np.asarray(values, np.float32).reshape(3, 1)


def safe(d):
    """Directions without zeros, so that dividing by them stays finite."""
    return np.where(np.abs(d) < 1e-8, np.float32(1e-8), d)


def slabs(low, high, o, inverse):
    """Entry and exit parameters of rays in an axis-aligned box (Kay and Kajiya 1986)."""
    a, b = (low - o) * inverse, (high - o) * inverse
    near, far = np.minimum(a, b), np.maximum(a, b)
    return np.maximum(np.maximum(near[0], near[1]), near[2]), np.minimum(
        np.minimum(far[0], far[1]), far[2]
    )


def first(near, far):
    """The first parameter in front of the ray, given where it enters and leaves a solid."""
    t = np.where(near > EPSILON, near, far)
    return np.where((near <= far) & (t > EPSILON), t, INFINITE)


class Box:
    """A box between two corners, turned by yaw radians about the vertical through its centre."""

    def __init__(self, low, high, material, yaw=0.0):
        self.centre = (column(low) + column(high)) / 2
        self.half = np.abs(column(high) - column(low)) / 2
        self.material, self.yaw = material, yaw
        reach = self.half.copy()
        if yaw:
            reach[[0, 2]] = np.hypot(self.half[0], self.half[2])
        self.low, self.high = self.centre - reach, self.centre + reach

    def turn(self, v, sign):
        """Vectors (3, N) into (sign 1) or out of (sign -1) the box's own axes."""
        if not self.yaw:
            return v
        c, s = np.float32(np.cos(self.yaw)), np.float32(sign * np.sin(self.yaw))
        return np.stack([c * v[0] - s * v[2], v[1], s * v[0] + c * v[2]])

    def hit(self, o, d):
        """First hit of each ray."""
        local, direction = self.turn(o - self.centre, 1), self.turn(d, 1)
        return first(*slabs(-self.half, self.half, local, 1 / safe(direction)))

    def normal(self, p):
        """The normal of the nearest face."""
        local = self.turn(p - self.centre, 1)
        face = np.argmax(np.abs(local) - self.half, axis=0)
        lanes = np.arange(p.shape[1])
        n = np.zeros_like(p)
        n[face, lanes] = np.sign(local[face, lanes])
        return self.turn(n, -1)


class Ellipsoid:
    """An ellipsoid with its axes along x, y and z; radii is a number or a triple."""

    def __init__(self, centre, radii, material):
        self.centre = column(centre)
        self.radii = column(np.broadcast_to(np.asarray(radii, np.float32), (3,)))
        self.material = material
        self.low, self.high = self.centre - self.radii, self.centre + self.radii

    def hit(self, o, d):
        """First hit of each ray."""
        local, direction = (o - self.centre) / self.radii, d / self.radii
        a, b = dot(direction, direction), dot(local, direction)
        gap = local - direction * (b / a)  # the closest approach loses less precision than c
        under = (1 - dot(gap, gap)) / a
        root = np.sqrt(np.maximum(under, 0))
        return np.where(under > 0, first(-b / a - root, -b / a + root), INFINITE)

    def normal(self, p):
        """Outward normals."""
        return unit((p - self.centre) / self.radii**2)


class Cylinder:
    """A round bar along axis (0, 1 or 2) between two corners' levels; shell gives a thin tube.

    For a shell, cut(points) tells where the surface is missing, so a half pipe is a vault.
    """

    def __init__(self, centre, radius, start, stop, material, axis=1, cut=None):
        self.centre, self.radius, self.axis = column(centre), np.float32(radius), axis
        self.start, self.stop, self.material, self.cut = start, stop, material, cut
        self.others = [i for i in range(3) if i != axis]
        reach = np.full((3, 1), radius, np.float32)
        self.low, self.high = self.centre - reach, self.centre + reach
        self.low[axis], self.high[axis] = start, stop

    def hit(self, o, d):
        """First hit of each ray."""
        i, j = self.others
        x, z = o[i] - self.centre[i], o[j] - self.centre[j]
        a = np.maximum(d[i] ** 2 + d[j] ** 2, 1e-12)
        b = (x * d[i] + z * d[j]) / a
        under = self.radius**2 / a - (x * x + z * z) / a + b * b
        root = np.sqrt(np.maximum(under, 0))
        inverse = 1 / safe(d[self.axis])
        s, e = (self.start - o[self.axis]) * inverse, (self.stop - o[self.axis]) * inverse
        if self.cut is None:
            near = np.maximum(-b - root, np.minimum(s, e))
            far = np.minimum(-b + root, np.maximum(s, e))
            return np.where(under > 0, first(near, far), INFINITE)
        best = np.full(o.shape[1], INFINITE)
        for t in (-b + root, -b - root):
            inside = (under > 0) & (t > EPSILON) & (t > np.minimum(s, e)) & (t < np.maximum(s, e))
            best = np.where(inside & ~self.cut(o + t * d), t, best)
        return best

    def normal(self, p):
        """Outward normals, of the side or of the caps."""
        n = p - self.centre
        n[self.axis] = 0
        n /= self.radius
        if self.cut is None:
            end = dot(n, n) < 0.998
            n[:, end] = 0
            n[self.axis, end] = np.where(p[self.axis, end] > (self.start + self.stop) / 2, 1, -1)
        return unit(n)


class Rect:
    """A rectangle across axis at a level; low and high bound the other two axes, in order.

    cut(u, v), if given, tells which points (of those two axes) are missing.
    """

    def __init__(self, axis, level, low, high, material, cut=None):
        self.axis, self.level, self.material, self.cut = axis, np.float32(level), material, cut
        self.others = [i for i in range(3) if i != axis]
        self.low, self.high = column([level] * 3), column([level] * 3)
        self.low[self.others, 0], self.high[self.others, 0] = low, high
        self.low[axis] -= 1e-3
        self.high[axis] += 1e-3

    def hit(self, o, d):
        """First hit of each ray."""
        t = (self.level - o[self.axis]) / safe(d[self.axis])
        i, j = self.others
        u, v = o[i] + t * d[i], o[j] + t * d[j]
        inside = (t > EPSILON) & (u >= self.low[i]) & (u <= self.high[i])
        inside &= (v >= self.low[j]) & (v <= self.high[j])
        if self.cut is not None:
            some = np.flatnonzero(inside)
            inside[some] = ~self.cut(u[some], v[some])
        return np.where(inside, t, INFINITE)

    def normal(self, p):
        """The axis; the tracer turns normals towards the ray."""
        n = np.zeros_like(p)
        n[self.axis] = 1
        return n

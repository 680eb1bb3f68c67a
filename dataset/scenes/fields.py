"""Shapes that are found by marching along the ray: signed distances and height maps."""

import numpy as np

from .geometry import EPSILON, INFINITE, column, safe, slabs, unit


class Implicit:
    """The surface distance(p) = 0 of a signed distance function inside a box (Hart 1996)."""

    def __init__(self, low, high, distance, material, steps=48):
        self.low, self.high, self.distance = column(low), column(high), distance
        self.material, self.steps = material, steps

    def hit(self, o, d):
        """First hit of each ray; rays that run out of steps count as misses."""
        near, far = slabs(self.low, self.high, o, 1 / safe(d))
        near = np.maximum(near, EPSILON * 5)
        result = np.full(o.shape[1], INFINITE)
        live = np.flatnonzero(near < far)
        t = near[live]
        for _ in range(self.steps):
            if not live.size:
                break
            gap = self.distance(o[:, live] + t * d[:, live])
            done = np.abs(gap) < 8e-4
            result[live[done]] = t[done]
            t = t + gap
            keep = ~done & (t < far[live])
            live, t = live[keep], t[keep]
        return result

    def normal(self, p):
        """Normals by central differences of the distance."""
        n = np.empty_like(p)
        for axis in range(3):
            step = np.zeros((3, 1), np.float32)
            step[axis] = 1e-3
            n[axis] = self.distance(p + step) - self.distance(p - step)
        return unit(n)


class HeightField:
    """The surface y = height(x, z), given on a grid (rows along z, columns along x)."""

    def __init__(self, grid, low, high, material, steps=96):
        self.grid = np.asarray(grid, np.float32)
        self.low = column([low[0], float(self.grid.min()) - 0.01, low[1]])
        self.high = column([high[0], float(self.grid.max()) + 0.01, high[1]])
        self.material, self.steps = material, steps

    def height(self, x, z):
        """Bilinear height at points of the plane, (N,)."""
        rows, columns = self.grid.shape
        u = (x - self.low[0]) / (self.high[0] - self.low[0]) * (columns - 1)
        v = (z - self.low[2]) / (self.high[2] - self.low[2]) * (rows - 1)
        u, v = np.clip(u, 0, columns - 1.001), np.clip(v, 0, rows - 1.001)
        i, j = u.astype(np.int32), v.astype(np.int32)
        u, v = u - i, v - j
        g = self.grid
        near = g[j, i] * (1 - u) + g[j, i + 1] * u
        return near * (1 - v) + (g[j + 1, i] * (1 - u) + g[j + 1, i + 1] * u) * v

    def hit(self, o, d):
        """First crossing from above to below between evenly spaced steps, refined by a secant.

        The steps of each ray are shifted by a number drawn from its direction, so that what
        they miss on sharp ridges is noise that many rays average out, and not a pattern.
        """
        near, far = slabs(self.low, self.high, o, 1 / safe(d))
        near = np.maximum(near, EPSILON * 5)
        result = np.full(o.shape[1], INFINITE)
        live = np.flatnonzero(near < far)
        start, step = near[live], (far[live] - near[live]) / self.steps
        phase = np.mod(d[0, live] * 7919 + d[1, live] * 6007, 1)
        before, last = np.zeros_like(start), start
        for k in range(self.steps + 2):
            if not live.size:
                break
            t = start + step * np.maximum(k - phase, 0)
            p = o[:, live] + t * d[:, live]
            gap = p[1] - self.height(p[0], p[2])
            found = (gap <= 0) & (before > 0)
            share = before / np.maximum(before - gap, 1e-9)
            result[live[found]] = (last + (t - last) * share)[found]
            keep = ~found
            live, start, step, phase = live[keep], start[keep], step[keep], phase[keep]
            before, last = gap[keep], t[keep]
        return result

    def normal(self, p):
        """Normals from differences over one grid cell."""
        e = (self.high[0] - self.low[0]) / self.grid.shape[1]
        dx = self.height(p[0] + e, p[2]) - self.height(p[0] - e, p[2])
        dz = self.height(p[0], p[2] + e) - self.height(p[0], p[2] - e)
        return unit(np.stack([-dx, np.broadcast_to(2 * e, dx.shape), -dz]).astype(np.float32))


def rounded(p, centre, half, radius):
    """Signed distance to a box with round edges (3, N) -> (N,)."""
    q = np.abs(p - column(centre)) - (column(half) - radius)
    out = np.maximum(q, 0)
    return np.sqrt((out * out).sum(axis=0)) + np.minimum(q.max(axis=0), 0) - np.float32(radius)

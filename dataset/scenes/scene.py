"""The scene that the tracer walks through, and the nearest hit of rays in it."""

from dataclasses import dataclass, field

import numpy as np

from .geometry import INFINITE, safe, slabs
from .lights import Sun


@dataclass
class Scene:
    """All that the tracer needs: groups of shapes, lights, the sky and the camera.

    A group is (list of shapes) that is skipped for rays that miss its bounding box. sky maps
    (directions, whether the sun's disc shows) to radiance (3, N). clamp limits what one path
    may add after its first scattering, which removes fireflies at the price of a small loss.
    """

    groups: list
    camera: object
    sky: object
    lights: list = field(default_factory=list)
    sun: Sun | None = None
    fog: object = None
    depth: int = 5
    clamp: float = 50.0

    def __post_init__(self):
        self.shapes = [shape for group in self.groups for shape in group]
        self.index = {id(shape): i for i, shape in enumerate(self.shapes)}
        self.bounds = [
            (np.min([s.low for s in g], axis=0), np.max([s.high for s in g], axis=0))
            for g in self.groups
        ]
        self.light_ids = [self.index[id(light.shape)] for light in self.lights]


def closest(scene, o, d):
    """Parameter (N,) and shape index (N,) of the first hits; infinite and -1 for misses."""
    best = np.full(o.shape[1], INFINITE)
    which = np.full(o.shape[1], -1, np.int32)
    inverse = 1 / safe(d)
    number = 0
    for group, (low, high) in zip(scene.groups, scene.bounds, strict=True):
        if len(group) > 1:
            near, far = slabs(low, high, o, inverse)
            rays = np.flatnonzero((near <= far) & (far > 0) & (near < best))
        else:
            rays = slice(None)
        if len(group) == 1 or rays.size:
            ro, rd, t, w = o[:, rays], d[:, rays], best[rays], which[rays]
            for offset, shape in enumerate(group):
                hit = shape.hit(ro, rd)
                closer = hit < t
                t = np.where(closer, hit, t)
                w = np.where(closer, np.int32(number + offset), w)
            best[rays], which[rays] = t, w
        number += len(group)
    return best, which

"""From a scene to a picture: camera, sample loop, and Radiance files."""

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np

from .colour import LUMINANCE
from .denoise import atrous, despeckle
from .geometry import column, unit
from .tracer import trace

CHUNK = 1 << 15  # rays per batch: the temporaries of a batch then stay in the cache
BUFFERS = ("sharp", "diffuse", "gloss", "albedo", "normal", "position", "fog")


class Camera:
    """A pinhole camera at eye looking at target; field is the horizontal angle in degrees.

    shift moves the picture up (in half widths) like a view camera, so that verticals stay.
    """

    def __init__(self, eye, target, field, shift=0.0):
        self.eye = column(eye)
        self.forward = unit(column(target) - self.eye)
        right = np.array([-self.forward[2, 0], 0, self.forward[0, 0]])
        self.right = unit(column(right))
        up = np.cross(self.right[:, 0], self.forward[:, 0])
        self.up = unit(column(up))
        self.reach, self.shift = np.float32(np.tan(np.radians(field) / 2)), np.float32(shift)

    def rays(self, x, y, width, height):
        """Origins and directions (3, N) for pixel coordinates x, y (N,)."""
        u = (2 * x / width - 1) * self.reach
        v = ((1 - 2 * y / height) * (height / width) + self.shift) * self.reach
        d = unit(self.forward + self.right * u + self.up * v).astype(np.float32)
        return np.repeat(self.eye, x.size, axis=1), d


def quasi_offsets(count, dimensions, seed):
    """Random start points (dimensions, count) of the per-pixel sample sequences."""
    return np.random.default_rng(seed).random((dimensions, count), np.float32)


def steps(dimensions):
    """Increments of the additive recurrence of Roberts (2018), which spreads samples evenly."""
    phi = 2.0
    for _ in range(30):
        phi = (1 + phi) ** (1 / (dimensions + 1))
    return (phi ** -np.arange(1.0, dimensions + 1))[:, None]


def render(scene, width, height, samples, seed=0, progress=None):
    """Render to (height, width, 3) float32, scene-linear BT.709 RGB in relative units.

    samples is the number of paths per pixel; progress, if given, is called after each pass.
    """
    count = width * height
    buffers = {name: np.zeros((3, count), np.float32) for name in BUFFERS}
    squares = {name: np.zeros(count, np.float32) for name in ("diffuse", "gloss", "position")}
    offsets, step = quasi_offsets(count, 10, seed), steps(10)
    for sample in range(samples):
        for start in range(0, count, CHUNK):
            ids = np.arange(start, min(start + CHUNK, count))
            rng = np.random.default_rng([seed, sample, start])
            u = ((offsets[:, ids] + sample * step) % 1).astype(np.float32)
            o, d = scene.camera.rays(ids % width + u[8], ids // width + u[9], width, height)
            for name, light in trace(scene, o, d, rng, u[:8]).items():
                buffers[name][:, ids] += light
                if name in squares:
                    squares[name][ids] += (
                        (light**2).sum(axis=0) if name == "position" else (LUMINANCE @ light) ** 2
                    )
        if progress:
            progress()
    images = {k: v.reshape(3, height, width) / samples for k, v in buffers.items()}
    squares = {k: v.reshape(height, width) / samples for k, v in squares.items()}
    return compose(scene, images, squares, samples)


def compose(scene, images, squares, samples):
    """Denoise the scattered light of the mean images and add everything up."""
    normal, position = images["normal"], images["position"]
    away = np.sqrt(np.sum((position - scene.camera.eye[:, :, None]) ** 2, axis=0))
    scale = away * (2 * scene.camera.reach / normal.shape[2]) + 1e-4
    length = np.sqrt(np.sum(normal**2, axis=0))
    spread = np.sqrt(np.maximum(squares["position"] - np.sum(position**2, axis=0), 0))
    mixed = (length < 0.97) | (spread > 6 * scale)
    normal = normal / np.maximum(length, 1e-3)
    result = images["sharp"].copy()
    for name in ("diffuse", "gloss"):
        light = images[name]
        spread = np.maximum(squares[name] - np.tensordot(LUMINANCE, light, 1) ** 2, 0) / samples
        base = np.maximum(images["albedo"], 0.01) if name == "diffuse" else np.float32(1)
        grey = np.tensordot(LUMINANCE, base, 1) if name == "diffuse" else np.float32(1)
        bright = despeckle(light / base)
        passes = 4 if name == "diffuse" else 3
        clean = atrous(bright, spread / grey**2, normal, position, mixed, scale, passes)
        result += clean * base
    if images["fog"].any():
        result += smooth_fog(images["fog"], scale)
    return np.ascontiguousarray(np.maximum(result, 0).transpose(1, 2, 0))


def smooth_fog(fog, scale):
    """Blur the light (3, H, W) that the dust scatters.

    It has no edges of its own, so the guides are constant, and the variance is set so high that
    the filter does not stop at differences of luminance either.
    """
    flat = np.full_like(fog, 3**-0.5)
    spread = np.full(fog.shape[1:], (99 * np.tensordot(LUMINANCE, fog, 1).mean()) ** 2, np.float32)
    mixed = np.zeros(spread.shape, bool)
    return atrous(despeckle(fog), spread, flat, flat * 0, mixed, scale, 4)


def write_hdr(path, image):
    """Write an (H, W, 3) RGB image as Radiance RGBE, aside first and then moved into place."""
    ok, data = cv2.imencode(".hdr", image[..., ::-1])
    if not ok:
        raise OSError(f"{path}: the picture cannot be encoded as Radiance RGBE")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.tobytes())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)

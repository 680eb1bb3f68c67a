"""House fronts of the night street: brick walls with windows, shops and neon signs."""

from dataclasses import dataclass

import numpy as np

from .geometry import Box, Rect, column
from .lights import RectLight
from .materials import bump
from .neon import Sign, neon_image
from .noise import bricks, fbm, gradient_noise, hash01, mix, smoothstep, solid

FRONT = 7.0  # distance of the fronts from the middle of the street
GROUND, STOREY, PITCH = 3.9, 3.1, 1.9  # heights of the storeys, spacing of the windows


@dataclass
class House:
    """A house on one side (-1 or 1) of the street, between two z, with the colours of its front."""

    side: int
    near: float
    far: float
    height: float
    brick: tuple
    trim: tuple
    shop: tuple
    word: str = ""
    neon: tuple = (0, 0, 0)
    frame: tuple = (0, 0, 0)

    def cell(self, y, z):
        """Window coordinates -1 ... 1 of points, and the window's column and row."""
        count = np.floor((self.near - self.far - 0.6) / PITCH)
        start = (self.near + self.far - count * PITCH) / 2
        i, j = np.floor((z - start) / PITCH), np.floor((y - GROUND) / STOREY)
        u = (z - start - (i + 0.5) * PITCH) / 0.55
        v = (y - GROUND - j * STOREY - 1.55) / 0.9
        valid = (i >= 0) & (i < count) & (j >= 0) & (y < self.height - 0.6)
        valid &= GROUND + (j + 1) * STOREY < self.height + 0.3
        return np.where(valid, u, 9), v, i, j

    def opening(self, y, z):
        """Where the front is open: windows, the shop and the door."""
        u, v, _, _ = self.cell(y, z)
        arch = v < 1 - 0.18 * u * u
        shop = (y > 0.55) & (y < 2.95) & (z > self.far + 2.1) & (z < self.near - 0.5)
        door = (y < 2.6) & (z > self.far + 0.5) & (z < self.far + 1.6)
        return ((np.abs(u) < 1) & (v > -1) & arch) | shop | door

    def front(self, p, n, d):
        """Bricks with lighter lintels and sills, and a painted ground floor."""
        y, z = p[1], p[2]
        joint, tone = bricks(z, y, 0.24, 0.085, 0.012)
        soot = fbm(z * 0.7, y * 0.5, 4, 3)
        albedo = solid(self.brick, y) * (0.65 + 0.6 * tone + 0.35 * soot)
        albedo = mix(albedo, [0.22, 0.2, 0.18], joint)
        u, v, _, _ = self.cell(y, z)
        edge = (np.abs(u) < 1.28) & (v > -1.16) & (v < 1.2)
        band = edge | (np.abs(y - GROUND) < 0.16) | (y > self.height - 0.45)
        low = y < GROUND - 0.16
        panel = smoothstep(0.03, 0.01, np.abs((z * 1.1) % 1 - 0.5))
        painted = solid(self.shop, y) * (1 - 0.5 * panel * (y < 0.5))
        albedo = np.where(band, solid(self.trim, y) * (0.9 + 0.3 * soot), albedo)
        albedo = np.where(low, painted * (0.9 + 0.3 * soot), albedo)
        flat = band | low
        slope = np.where(flat, 0.04, 0.25) * gradient_noise(z * 24, y * 24, 4)
        slope = slope + np.where(flat, 0, 0.5) * joint * np.sign(gradient_noise(z * 9, y * 9, 6))
        return {
            "albedo": np.clip(albedo, 0.003, 0.9),
            "normal": bump(n, slope, slope, (0, 1, 0), (0, 0, 1)),
            "f0": np.where(low, 0.04, 0.015),
            "gloss": 60.0,
        }

    def rooms(self, p, n, d):
        """What shows in the windows: lamp light behind curtains, or dark glass."""
        y, z = p[1], p[2]
        u, v, i, j = self.cell(y, z)
        inside = (np.abs(u) < 1) & (np.abs(v) < 1)
        salt = int(abs(self.near) * 3) + (self.side > 0)
        chance, kind = hash01(i, j, salt), hash01(i, j, salt + 50)
        glow = mix([1.5, 0.72, 0.2], [1.7, 1.15, 0.6], hash01(i, j, salt + 9))
        for low, colour in (
            (0.68, [0.25, 0.55, 1.5]),
            (0.8, [1.5, 0.25, 0.5]),
            (0.9, [0.4, 1.3, 0.5]),
        ):
            glow = np.where(kind > low, column(colour), glow)
        lamp = np.exp(-((u - 0.5 * (kind - 0.5)) ** 2 + (v - 0.3) ** 2) * 1.3)
        fold = 0.75 + 0.25 * np.sin(u * 22 + 3 * kind)
        open_ = 0.25 + 0.6 * hash01(i, j, salt + 3)
        drape = np.where(np.abs(u) > open_, 0.4 * fold, 1.0)
        ceiling = np.where(v > 0.72, 0.6, 1.0) * np.where(
            v < -0.55 + 0.2 * (np.abs(u - 0.2) < 0.3), 0.25, 1
        )
        bars = (np.abs(u) < 0.05) | (np.abs(v - 0.25) < 0.035) | (np.abs(u) > 0.92)
        lit = inside & (chance < 0.55) & ~bars
        light = glow * (lit * lamp * drape * ceiling * (0.8 + 4.5 * hash01(i, j, salt + 5) ** 2))
        albedo = np.where(inside & bars, column([0.3, 0.28, 0.25]), column([0.02, 0.02, 0.025]))
        wall = np.abs(n[0]) < 0.5  # the gables
        gable = np.where(wall, solid(self.brick, y) * (0.8 + 0.5 * fbm(z + p[0], y, 3, 6)), albedo)
        return {
            "emission": light * ~wall,
            "albedo": np.clip(gable, 0.003, 0.9),
            "f0": np.where(wall, 0.0, 0.06),
            "gloss": 8000.0,
        }

    def window_display(self, p, n, d):
        """The lit shop: a bright back wall with shelves of coloured goods."""
        y, z = p[1], p[2]
        i, j = np.floor(z / 0.21), np.floor((y - 0.6) / 0.48)
        local, tall = (y - 0.6) / 0.48 - j, 0.4 + 0.5 * hash01(i, j, 2)
        goods = np.stack([hash01(i, j, k) ** 2 for k in (5, 6, 7)]) * 1.2 + 0.03
        lamp = 0.55 + 0.45 * np.cos(z * 2 * np.pi / 1.4)
        base = solid(np.array(self.shop) * 4 + np.array([1.0, 0.75, 0.45]), y)
        wall = base * (0.35 + 0.5 * smoothstep(0.6, 2.9, y) * lamp)
        item = (local < tall) & (np.abs((z / 0.21) % 1 - 0.5) < 0.42) & (y < 2.3)
        light = np.where(item, goods * base * 0.8, wall) * (0.75 + 0.25 * lamp)
        light = np.where((local > 0.93) & (y < 2.4), light * 0.15, light)
        frame = np.abs((z - self.far) / 1.5 % 1 - 0.5) < 0.02
        door = z < self.far + 1.8
        light = np.where(
            door, solid([1.1, 0.6, 0.25], y) * (0.3 + 0.2 * np.cos((y - 1.6) * 2)), light
        )
        door_frame = door & (
            (np.abs(z - self.far - 1.05) > 0.42) | (y < 0.9) | (np.abs(y - 2.1) < 0.05)
        )
        off = frame | door_frame | (y > 2.88) | (np.abs(y - 2.45) < 0.03)
        return {"emission": light * ~off * 0.75, "albedo": np.float32(0.05)}

    def build(self):
        """Shapes, and lights to aim at."""
        s, near, far = self.side, self.near, self.far
        back, deep = s * (FRONT + 0.3), s * (FRONT + 9)
        shop = Rect(0, s * (FRONT + 0.28), (0, far + 0.4), (3.0, near - 0.4), self.window_display)
        trim = solid(self.trim, np.zeros(1))
        plain = {"albedo": trim}
        ledges = [
            (GROUND - 0.1, GROUND + 0.08, 0.16),
            (self.height - 0.18, self.height + 0.12, 0.34),
        ]
        shapes = [
            Rect(0, s * FRONT, (0, far), (self.height, near), self.front, self.opening),
            shop,
            Box((min(back, deep), 0, far), (max(back, deep), self.height, near), self.rooms),
        ]
        for low, high, out in ledges:
            a, b = sorted((s * (FRONT - out), s * (FRONT + 0.3)))
            shapes.append(Box((a, low, far), (b, high, near), lambda p, n, d: plain))
        lights = [RectLight(shop, 0.8)]
        if self.word:
            a, b = sorted((s * (FRONT - 0.25), s * (FRONT - 1.35)))
            tall = len(self.word) * 0.85 + 0.2
            image = neon_image(self.word, (b - a, tall), self.neon, self.frame)
            z, y = near - 0.9, GROUND + 0.6
            sign = Rect(
                2,
                z + 0.09,
                (a, y),
                (b, y + tall),
                Sign(image, (0, 1), (a, y), (b, y + tall)).material,
            )
            shapes += [
                sign,
                Box(
                    (a, y, z - 0.08),
                    (b, y + tall, z + 0.08),
                    lambda p, n, d: {"albedo": np.float32(0.03)},
                ),
            ]
            lights.append(RectLight(sign, float(image.mean())))
        return shapes, lights

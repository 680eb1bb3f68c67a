"""Procedural patterns on the plane, all without state: the same point gives the same value."""

import numpy as np


def hash_bits(ix, iy, salt=0):
    """Well mixed 32-bit integers for integer-valued lattice points, uint32, shape of ix."""
    h = np.asarray(ix).astype(np.int32).view(np.uint32) * np.uint32(374761393)
    h += np.asarray(iy).astype(np.int32).view(np.uint32) * np.uint32(668265263)
    h += np.uint32((salt * 2246822519) & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    return h ^ (h >> np.uint32(16))


def hash01(ix, iy, salt=0):
    """Pseudo-random numbers in [0, 1) for integer-valued lattice points, float32."""
    bits = hash_bits(np.atleast_1d(ix), np.atleast_1d(iy), salt)
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(1 / (1 << 24))


def gradient_noise(x, y, salt=0):
    """Gradient noise with the quintic fade of Perlin, "Improving Noise" (2002); about -1 ... 1."""
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    ix, iy = np.floor(x), np.floor(y)
    fx, fy = x - ix, y - iy
    sx = fx * fx * fx * (fx * (fx * 6 - 15) + 10)
    sy = fy * fy * fy * (fy * (fy * 6 - 15) + 10)
    jx, jy = ix.astype(np.int32), iy.astype(np.int32)

    def corner(dx, dy):
        # The two halves of the hash are the gradient's components, -1 ... 1.
        bits = hash_bits(jx + dx, jy + dy, salt)
        gx = (bits & np.uint32(0xFFFF)).astype(np.float32) - 32767.5
        gy = (bits >> np.uint32(16)).astype(np.float32) - 32767.5
        return gx * (fx - dx) + gy * (fy - dy)

    low, high = corner(0, 0), corner(0, 1)
    low += (corner(1, 0) - low) * sx
    high += (corner(1, 1) - high) * sx
    return (low + (high - low) * sy) * np.float32(1.9 / 32768)


def fbm(x, y, octaves=5, salt=0, gain=0.5):
    """Fractional Brownian motion: octaves of gradient noise, about -1 ... 1."""
    total, weight, norm = 0.0, 1.0, 0.0
    for octave in range(octaves):
        total = total + weight * gradient_noise(x, y, salt + octave)
        norm += weight
        weight *= gain
        x, y = x * 2.03 + 17.3, y * 2.03 - 9.1
    return total / np.float32(norm)


def ridged(x, y, octaves=6, salt=0):
    """Ridged multifractal of Musgrave (Texturing and Modeling, ch. 16), about 0 ... 1."""
    total, weight, norm, previous = 0.0, 1.0, 0.0, 1.0
    for octave in range(octaves):
        ridge = (1 - np.abs(gradient_noise(x, y, salt + octave))) ** 2
        total = total + weight * ridge * previous
        norm += weight
        weight *= 0.5
        previous = ridge
        x, y = x * 2.07 + 5.1, y * 2.07 + 3.7
    return total / np.float32(norm)


def smoothstep(low, high, x):
    """Hermite step from 0 at low to 1 at high."""
    s = np.clip((x - low) / (high - low), 0, 1)
    return s * s * (3 - 2 * s)


def mix(a, b, weight):
    """Linear blend of two colours (3,) or (3, N) with a weight (N,); gives (3, N)."""
    a, b = (np.asarray(c, np.float32) for c in (a, b))
    a, b = (c[:, None] if c.ndim == 1 else c for c in (a, b))
    return a + (b - a) * np.asarray(weight, np.float32)


def solid(colour, like):
    """Colour (3,) repeated for the points like (N,) or (3, N); gives (3, N) float32."""
    return np.repeat(np.asarray(colour, np.float32)[:, None], np.shape(like)[-1], axis=1)


def cells(x, y):
    """Voronoi cells on a jittered grid (Worley 1996): distance to the nearest border, cell id."""
    ix, iy = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    best = np.full(np.shape(x), 9.0, np.float32)
    second, ident = best.copy(), np.zeros(np.shape(x), np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            px = ix + dx + 0.1 + 0.8 * hash01(ix + dx, iy + dy, 51)
            py = iy + dy + 0.1 + 0.8 * hash01(ix + dx, iy + dy, 52)
            dist = np.hypot(px - x, py - y)
            closer = dist < best
            second = np.where(closer, best, np.minimum(second, dist))
            ident = np.where(closer, hash01(ix + dx, iy + dy, 53), ident)
            best = np.minimum(best, dist)
    return 0.5 * (second - best), ident


def bricks(x, y, width, height, joint):
    """Running-bond bricks: depth below the face (1 in the joints), and a random id per brick."""
    row = np.floor(y / height)
    shifted = x / width + 0.5 * np.mod(row, 2)
    column = np.floor(shifted)
    edge = np.minimum(
        np.minimum(shifted - column, column + 1 - shifted) * width,
        np.minimum(y / height - row, row + 1 - y / height) * height,
    )
    return 1 - smoothstep(0.4 * joint, joint, edge), hash01(column, row, 7)


def planks(along, across, width, length, salt=0):
    """Wooden planks: albedo (3, N), gap mask (1 in the gaps) and a random id per plank."""
    row = np.floor(across / width)
    shift = hash01(row, row * 0, salt) * length
    part = np.floor((along + shift) / length)
    tone = hash01(row, part, salt + 1)
    edge = np.minimum(
        np.minimum(across / width - row, row + 1 - across / width) * width,
        np.minimum((along + shift) / length - part, part + 1 - (along + shift) / length) * length,
    )
    gap = 1 - smoothstep(0.001, 0.006, edge)
    warp = fbm(along * 1.3 + tone * 71, across * 9, 3, salt + 2)
    ring = 0.5 + 0.5 * np.sin(across / width * 14 + warp * 9 + tone * 40)
    fibre = gradient_noise(along * 6 + tone * 31, across * 160, salt + 9)
    light = 0.25 + 0.45 * tone + 0.22 * ring + 0.13 * fibre
    albedo = mix([0.16, 0.065, 0.025], [0.52, 0.29, 0.13], np.clip(light, 0, 1))
    return albedo * (1 - 0.85 * gap), gap, tone

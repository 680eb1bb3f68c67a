"""Pictures of 16 bits, packed without further loss: what training records are made of.

A sample is rounded to the next multiple of 1/32768, so it is at most 1/65536
off. Red and blue then become differences to green, and each sample the
difference to what its left, upper and upper left neighbours say (the plane
through them). The differences' low and high bytes lie apart, because the high
ones are mostly 0, and Zstandard packs both. Imports no TensorFlow.
"""

import cv2
import numpy as np
import zstandard

STEP = np.float32(2**-15)
# Sums of steps below this stay exact in float32, with all the differences between.
LARGEST = 16
# Differences of -128 to 127 are stored as 0 to 255, with a high byte of 0.
CENTRE = 128
# Small remainders are stored as signed bytes; finer steps leave room for the rounding of a sum.
REST_STEP = STEP * np.float32(63 / 64)
LARGEST_REST = 127
# Higher levels took twice the time and more for 1 to 3 % of the bytes.
LEVEL = 1


def pack(array):
    """Return the bytes of an H×W×3 float32 array.

    Raises:
        ValueError: a sample is not finite, or -16 or less, or 16 or more.
    """
    if not np.all(np.abs(array) < LARGEST):  # NaN fails too
        raise ValueError(f"samples must be finite and within ±{LARGEST}")
    planar = np.ascontiguousarray(np.moveaxis(array, -1, 0))
    steps = np.rint(planar / STEP).astype(np.int32)
    steps[[0, 2]] -= steps[1]
    steps[:, :, 1:] = np.diff(steps, axis=2)
    steps[:, 1:] = np.diff(steps, axis=1)
    steps += CENTRE
    planes = 2 if steps.min() >= -(2**15) and steps.max() < 2**15 else 3
    low_first = [(steps >> 8 * plane).astype(np.uint8) for plane in range(planes)]
    return zstandard.ZstdCompressor(level=LEVEL).compress(b"".join(low_first))


def unpack(data, shape, out=None):
    """Return the H×W×3 float32 array of packed bytes.

    Args:
        data: what pack() made.
        shape: of the array.
        out: the float32 array of that shape to fill, None for a new one.

    Raises:
        ValueError: the bytes are not those of such an array.
    """
    height, width, channels = shape
    size = height * width * channels
    unpacked = _unpacked(data, shape, (2 * size, 3 * size) if channels == 3 else ())
    planes = np.frombuffer(unpacked, np.uint8).reshape(-1, 3, height, width)
    array = np.empty(shape, np.float32) if out is None else out
    # One channel at a time, which stays in the processor's cache.
    red, green, blue = (_samples(planes[:, channel]) for channel in range(3))
    red += green
    blue += green
    return cv2.merge([red, green, blue], array)


def pack_rest(array):
    """Return the bytes of a float32 array of what a good guess leaves over.

    Raises:
        ValueError: a sample is over 127 steps of about 1/33000 from 0.
    """
    steps = np.rint(array / REST_STEP)
    if not np.all(np.abs(steps) <= LARGEST_REST):  # NaN fails too
        raise ValueError(f"what is left over must be within ±{LARGEST_REST * REST_STEP:.4f}")
    return zstandard.ZstdCompressor(level=LEVEL).compress(steps.astype(np.int8).tobytes())


def unpack_rest(data, guess, out):
    """Fill `out` with the samples that pack_rest() was given, added to the guess.

    Args:
        data: what pack_rest() made.
        guess, out: float32 arrays of one shape.

    Raises:
        ValueError: the bytes are not those of such an array.
    """
    steps = np.frombuffer(_unpacked(data, out.shape, (out.size,)), np.int8)
    np.multiply(steps.reshape(out.shape), REST_STEP, out=out)
    out += guess


def _unpacked(data, shape, lengths):
    """Return the bytes behind `data`, of one of the lengths that an array of `shape` can take."""
    try:
        claimed = zstandard.frame_content_size(data)
        if claimed not in lengths:
            raise ValueError(f"{claimed} bytes are packed here, not an array of {tuple(shape)}")
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise ValueError(f"these bytes are not packed samples ({error})") from error


def _samples(planes):
    """Return the H×W float32 samples of one channel's low, high (and highest) bytes."""
    if len(planes) == 2:
        steps = cv2.merge([*planes]).view("<i2").reshape(planes.shape[1:])
    else:
        steps = planes[2].view(np.int8).astype(np.int32)
        for plane in planes[1::-1]:
            steps = steps << 8 | plane
    differences = np.multiply(steps, STEP, dtype=np.float32)
    differences -= CENTRE * STEP
    # The differences' sums over all rows above and columns left are the samples; the
    # integral image has an empty first row and column.
    return cv2.integral(differences, sdepth=cv2.CV_32F)[1:, 1:]

"""16-bit pictures packed without further loss: what training records are made of.

Samples are rounded to multiples of a step. Red and blue become differences to green, and each
sample the difference to what its left, upper and upper left neighbours say (the plane through
them), all modulo the code's size. The differences' low and high bytes lie apart, because the high
ones are mostly 0, and zlib packs both: of photographs to about half of their 16 bits. With its
run-length strategy it takes half the time of the default one, and fewer bytes. Imports no
TensorFlow.
"""

import struct
import zlib

import cv2
import numpy as np

PATCH_STEP = np.float32(1 / 65535)  # of samples in [0, 1]
LAYER_STEP = np.float32(2**-15)  # of layers, which take up to twice that range
MAX_SAMPLE = 16  # multiples of a step below this are exact in float32
HEADER = struct.Struct("<Bi")  # bytes of a code, least code
CENTER = 128  # differences of -128 to 127 are stored as 0 to 255, with a high byte of 0
ZLIB_LEVEL = 1


def pack(array, step):
    """Return the bytes of an H×W×3 float32 array, whose samples come back within step / 2.

    Raises:
        ValueError: a sample is not finite, or -16 or less, or 16 or more.
    """
    if not np.all(np.abs(array) < MAX_SAMPLE):  # NaN fails too
        raise ValueError(f"samples must be finite and within ±{MAX_SAMPLE}")
    codes = np.rint(np.ascontiguousarray(np.moveaxis(array, -1, 0)) / step).astype(np.int32)
    least = codes.min()
    codes -= least
    codes = codes.astype("<u2" if codes.max() < 2**16 else "<u4")
    codes[[0, 2]] -= codes[1]
    codes[:, :, 1:] = np.diff(codes, axis=2)
    codes[:, 1:] = np.diff(codes, axis=1)
    codes += CENTER
    planes = codes.reshape(-1, 1).view(np.uint8).T
    packer = zlib.compressobj(ZLIB_LEVEL, strategy=zlib.Z_RLE)
    header = HEADER.pack(codes.itemsize, least)
    return header + packer.compress(planes.tobytes()) + packer.flush()


def unpack(data, shape, step):
    """Return the H×W×3 float32 array of the given shape that pack() was given.

    Raises:
        ValueError: the bytes are not those of such an array.
    """
    height, width, channels = shape
    size = height * width * channels
    unpacker = zlib.decompressobj()
    try:
        code_bytes, least = HEADER.unpack_from(data)
        unpacked = unpacker.decompress(data[HEADER.size :], 4 * size + 1)
    except (struct.error, zlib.error) as error:
        raise ValueError(f"these bytes are not packed samples ({error})") from error
    if code_bytes not in (2, 4) or len(unpacked) != code_bytes * size or not unpacker.eof:
        raise ValueError(f"these bytes are not a packed array of {tuple(shape)}")
    planes = np.frombuffer(unpacked, np.uint8).reshape(-1, height * channels, width)
    codes = cv2.merge([*planes]).view(f"<u{code_bytes}").reshape(channels, height, width)
    codes -= CENTER
    for axis in (1, 2):
        np.cumsum(codes, axis, codes.dtype, codes)
    codes[[0, 2]] += codes[1]
    samples = cv2.merge([*codes.astype(np.float32)])
    samples += least
    samples *= step
    return samples

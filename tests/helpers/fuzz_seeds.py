"""Small valid files of every kind that the readers take, and ways to damage them."""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import imagecodecs
import numpy as np
import OpenEXR
import tifffile
from PIL import Image, ImageCms

from helpers.hdr_files import (
    channel_runs,
    encode_exr,
    encode_pfm,
    radiance,
    saved_exr,
    subsampled_exr,
    tiff,
)
from helpers.photo_files import dng, gain_map_jpeg

# Samples that RGBE holds exactly, with highlights far over 1.
IMAGE = np.random.default_rng(0).integers(128, 256, (6, 20, 3)).astype(np.float32)
CODES = IMAGE.astype(np.uint8)
GREY = np.ascontiguousarray(IMAGE[:, :, 0])


class Seed(NamedTuple):
    """A file's reader ("hdr", "sdr" or "record"), its name and its bytes.

    The bytes of a record are one serialized record; its name is the kind of record.
    """

    reader: str
    name: str
    data: bytes


def picture_seeds() -> Iterator[Seed]:
    """Yield HDR and SDR files."""
    for data in _radiance():
        yield Seed("hdr", "a.hdr", data)
    for data in _exr():
        yield Seed("hdr", "a.exr", data)
    yield Seed("hdr", "a.pfm", encode_pfm(IMAGE))
    yield Seed("hdr", "a.pfm", b"Pf\r\n20 6\r\n1.0\r\n" + GREY.astype(">f4").tobytes())
    yield Seed("hdr", "a.pfm", b"PF4\n# text\n6\n5\n-1 \n" + IMAGE.tobytes())
    for array in (IMAGE, IMAGE.astype(">f8"), np.asfortranarray(IMAGE.astype("f2")), GREY):
        stream = io.BytesIO()
        np.save(stream, array)
        yield Seed("hdr", "a.npy", stream.getvalue())
    for data in _tiff(IMAGE):
        yield Seed("hdr", "a.tif", data)
    for data in _tiff_of_tifffile():
        yield Seed("hdr", "a.tif", data)
    for order, dtype in (("<", np.float16), (">", np.float64)):
        yield Seed("hdr", "a.tiff", tiff(IMAGE.astype(dtype), order))
    light = np.repeat(IMAGE / 256, 4, axis=0)
    yield Seed("hdr", "a.dng", dng(light))
    gain = np.repeat(GREY, 4, axis=0).astype(np.uint8)
    yield Seed("hdr", "a.jpg", gain_map_jpeg(np.repeat(CODES, 4, axis=0), gain, 2))
    half = np.dstack([light * 4, light[:, :, :1]]).astype(np.float16)
    yield Seed("hdr", "a.jpg", imagecodecs.ultrahdr_encode(half))
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "IM")
    yield Seed("hdr", "a.im", stream.getvalue())
    for suffix in (".jpg", ".png", ".bmp", ".webp"):
        for array in (CODES, CODES[:, :, 0]):
            yield Seed("sdr", f"a{suffix}", cv2.imencode(suffix, array)[1].tobytes())
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1]
    yield Seed("sdr", "a.jpg", cv2.imencode(".jpg", CODES, progressive)[1].tobytes())
    lossless = [cv2.IMWRITE_WEBP_QUALITY, 101]
    yield Seed("sdr", "a.webp", cv2.imencode(".webp", CODES, lossless)[1].tobytes())
    deep = np.dstack([CODES, CODES[:, :, 0]]).astype(np.uint16) * 257
    yield Seed("sdr", "a.png", cv2.imencode(".png", deep)[1].tobytes())
    for data in _tiff(CODES):
        yield Seed("sdr", "a.tif", data)


def _radiance():
    rgbe = np.dstack([CODES, np.full((6, 20), 136, np.uint8)])
    rgbe[:, 5:12] = rgbe[:, 5:6]
    runs = b"".join(channel_runs(row) for row in rgbe)
    yield radiance(rgbe.tobytes(), 6, 20)
    yield radiance(runs, 6, 20)
    header = b"EXPOSURE=0\nPRIMARIES=.7 .3 .2 .7 .1 .1 .3 .3\n"
    yield radiance(runs, 6, 20, header)[11:]  # without the magic line
    header = b"EXPOSURE=2\nCOLORCORR=1 .5 2\nFORMAT=32-bit_rle_xyze\n"
    yield radiance(runs, 0, 0, header, b"+X 6 -Y 20")
    yield radiance(b"\5\6\7\x80\1\1\1\x08" * 2 + b"\5\6\7\x80\1\1\1\x44\1\1\1\1" * 2, 2, 9)


def _exr():
    yield encode_exr(IMAGE)
    for codec in ("NO", "RLE", "ZIPS", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"):
        yield saved_exr({"RGB": IMAGE.astype(np.float16)}, codec)
    yield saved_exr({"Y": GREY, "A": GREY, "left.Z": GREY}, "PIZ")
    odd = {"chromaticities": (0.7, 0.3, 0.2, 0.7, 0.1, 0.1, 0.3, 0.3), "comment": "text"}
    corners = np.array([2, 1], np.int32), np.array([24, 9], np.int32)
    yield saved_exr({"RGB": IMAGE}, "ZIP", displayWindow=corners, **odd).replace(
        b"text", b"t\xe9xt"
    )
    planes = {"Y": (GREY, 1), "RY": (GREY[::2, ::2], 2), "BY": (GREY[::2, ::2], 2)}
    yield subsampled_exr(6, 20, planes)
    tiles = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    yield saved_exr({"RGB": IMAGE}, "ZIP", **tiles)
    samples = np.empty((2, 2), object)
    for index in np.ndindex(2, 2):
        samples[index] = np.ones(2, np.float32)
    yield saved_exr(dict.fromkeys("RGB", samples), "ZIPS", type=OpenEXR.deepscanline)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    parts = [
        OpenEXR.Part({**header, "name": "depth"}, {"Z": GREY}),
        OpenEXR.Part({**header, "name": "beauty"}, {"RGB": IMAGE}),
    ]
    stream = io.BytesIO()
    OpenEXR.File(parts).write(stream)
    yield stream.getvalue()


def _tiff(image):
    for codec in ("NONE", "LZW", "ADOBE_DEFLATE", "PACKBITS"):
        setting = [cv2.IMWRITE_TIFF_COMPRESSION, getattr(cv2, f"IMWRITE_TIFF_COMPRESSION_{codec}")]
        yield cv2.imencode(".tif", image, setting)[1].tobytes()


def _tiff_of_tifffile():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for how in (
        {"compression": "adobe_deflate", "predictor": 3, "iccprofile": icc},
        {"compression": "lzw", "planarconfig": "separate", "bigtiff": True},
        {"compression": "zstd", "predictor": 3, "tile": (16, 16), "byteorder": ">"},
    ):
        stream, image = io.BytesIO(), IMAGE.astype(np.float16)
        image = np.moveaxis(image, 2, 0) if "planarconfig" in how else image
        tifffile.imwrite(stream, image, photometric="rgb", metadata=None, **how)
        yield stream.getvalue()
    setting = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_SGILOG]
    yield cv2.imencode(".tif", IMAGE, setting)[1].tobytes()


# Numbers at which sizes, counts and offsets go wrong.
NUMBERS = (0, 1, 2, 7, 127, 128, 255, 256, 30000, 32767, 32768, 65535, 65536, 2**24)
NUMBERS += (2**28, 2**31 - 1, 2**31, 2**32 - 1)
_PNG = b"\x89PNG\r\n\x1a\n"


def damaged(data: bytes, partner: bytes, rng: np.random.Generator) -> bytes:
    """Return `data` with one to four kinds of damage; `partner` is a file to splice with."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not out:
            break
        damage = _KINDS[rng.integers(len(_KINDS))]
        damage(out, partner, rng)
    # A checksum that fails would end the reading of a PNG before anything else is tried.
    return _with_checksums(bytes(out)) if out[:8] == _PNG and rng.random() < 0.7 else bytes(out)


def _position(out, rng):
    # Half of the damage goes to the first bytes, where the headers are.
    reach = len(out) if rng.random() < 0.5 else min(len(out), 120)
    return int(rng.integers(reach))


def _flip(out, partner, rng):
    for _ in range(rng.integers(1, 5)):
        out[_position(out, rng)] ^= 1 << int(rng.integers(8))


def _byte(out, partner, rng):
    out[_position(out, rng)] = int(rng.integers(256))


def _number(out, partner, rng):
    layout = "<>"[rng.integers(2)] + "HIQ"[rng.integers(3)]
    value = NUMBERS[rng.integers(len(NUMBERS))] & (2 ** (8 * struct.calcsize(layout)) - 1)
    raw = struct.pack(layout, value)
    position = _position(out, rng)
    out[position : position + len(raw)] = raw[: max(1, len(out) - position)]


def _decimal(out, partner, rng):
    found = list(re.finditer(rb"\d+", bytes(out[:300])))
    if found:
        match = found[rng.integers(len(found))]
        sign = b"-" if rng.random() < 0.1 else b""
        out[match.start() : match.end()] = sign + b"%d" % NUMBERS[rng.integers(len(NUMBERS))]


def _cut(out, partner, rng):
    del out[rng.integers(len(out)) :]


def _remove(out, partner, rng):
    position = _position(out, rng)
    del out[position : position + int(rng.integers(1, 33))]


def _insert(out, partner, rng):
    position = _position(out, rng)
    out[position:position] = rng.bytes(int(rng.integers(1, 17)))


def _repeat(out, partner, rng):
    position = _position(out, rng)
    out[position:position] = out[position : position + int(rng.integers(1, 65))] * int(
        rng.integers(1, 9)
    )


def _fill(out, partner, rng):
    position, count = _position(out, rng), int(rng.integers(1, 33))
    count = min(count, len(out) - position)
    out[position : position + count] = bytes([(0, 1, 127, 128, 255)[rng.integers(5)]]) * count


def _splice(out, partner, rng):
    position = _position(out, rng)
    out[position:] = partner[int(rng.integers(len(partner))) :]


_KINDS = (_flip, _flip, _byte, _number, _number, _decimal, _cut, _remove, _insert, _repeat)
_KINDS += (_fill, _splice)


def _with_checksums(data):
    out, position = bytearray(data), 8
    while position + 12 <= len(out):
        (length,) = struct.unpack_from(">I", out, position)
        end = position + 8 + length
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[position + 4 : end]))
        position = end + 4
    return bytes(out)

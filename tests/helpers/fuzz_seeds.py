"""Small valid files of every kind that the readers take: what fuzz_readers.py damages."""

import io
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import OpenEXR
from test_data_pictures_radiance import channel_runs, picture
from test_data_pictures_tiff import tiff

from data.pictures.exr import encode_exr
from data.pictures.pfm import encode_pfm
from data.preparation.prepare import Preparation

# Samples that RGBE holds exactly, with highlights far over 1.
IMAGE = np.random.default_rng(0).integers(128, 256, (6, 20, 3)).astype(np.float32)
CODES = IMAGE.astype(np.uint8)
GREY = np.ascontiguousarray(IMAGE[:, :, 0])
PREPARATION = Preparation("gamma", "bilateral", False, 1)


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
    for array in (IMAGE, IMAGE.astype(">f8"), np.asfortranarray(IMAGE.astype("f2")), GREY):
        stream = io.BytesIO()
        np.save(stream, array)
        yield Seed("hdr", "a.npy", stream.getvalue())
    for data in _tiff(IMAGE):
        yield Seed("hdr", "a.tif", data)
    for order, dtype in (("<", np.float16), (">", np.float64)):
        yield Seed("hdr", "a.tiff", tiff(IMAGE.astype(dtype), order))
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


def record_seeds() -> Iterator[Seed]:
    """Yield one record of each kind; imports TensorFlow."""
    import tensorflow as tf

    from data.records.examples import pack_patch
    from data.records.test_records import bytes_feature, encode

    bot, black_offset = IMAGE[:3, :10], np.zeros((1, 1, 1), np.float32)
    arrays = {"hdr": IMAGE, "high": IMAGE, "bot": bot, "black_offset": black_offset}
    yield Seed("record", "test", encode(arrays, "first", PREPARATION))
    for kind in ("dual", "ft"):
        packed = pack_patch(kind, IMAGE / 256, IMAGE / 256, PREPARATION)
        features = {name: bytes_feature(data) for name, data in packed.items()}
        features = tf.train.Features(feature={"stem": bytes_feature(b"first"), **features})
        record = tf.train.Example(features=features).SerializeToString(deterministic=True)
        yield Seed("record", kind, record)


def _radiance():
    rgbe = np.dstack([CODES, np.full((6, 20), 136, np.uint8)])
    rgbe[:, 5:12] = rgbe[:, 5:6]
    runs = b"".join(channel_runs(row) for row in rgbe)
    yield picture(rgbe.tobytes(), 6, 20)
    yield picture(runs, 6, 20)
    header = b"EXPOSURE=2\nCOLORCORR=1 .5 2\nFORMAT=32-bit_rle_xyze\n"
    yield picture(runs, 0, 0, header, b"+X 6 -Y 20")
    yield picture(b"\5\6\7\x80\1\1\1\x08" * 2 + b"\5\6\7\x80\1\1\1\x44\1\1\1\1" * 2, 2, 9)


def _exr():
    yield encode_exr(IMAGE)
    for codec in ("NO", "RLE", "ZIPS", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"):
        yield saved_exr({"RGB": IMAGE.astype(np.float16)}, codec)
    yield saved_exr({"Y": GREY, "A": GREY, "left.Z": GREY}, "PIZ")
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


def saved_exr(channels, codec, **header):
    """Return the bytes of an EXR file."""
    compression = getattr(OpenEXR, f"{codec}_COMPRESSION")
    header = {"type": OpenEXR.scanlineimage, "compression": compression, **header}
    stream = io.BytesIO()
    OpenEXR.File(header, channels).write(stream)
    return stream.getvalue()


def _tiff(image):
    for codec in ("NONE", "LZW", "ADOBE_DEFLATE", "PACKBITS"):
        setting = [cv2.IMWRITE_TIFF_COMPRESSION, getattr(cv2, f"IMWRITE_TIFF_COMPRESSION_{codec}")]
        yield cv2.imencode(".tif", image, setting)[1].tobytes()

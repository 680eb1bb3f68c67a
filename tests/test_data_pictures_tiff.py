import struct

import cv2
import numpy as np
import pytest

from data.pictures.tiff import decode_tiff
from system.errors import InputError

IMAGE = (np.random.default_rng(0).random((5, 7, 3)) * 4).astype(np.float32)


def tiff(image, order="<", sample_format=3, planar=1, **changed):
    """A file with one strip and its directory behind it; `changed` overrides tags."""
    height, width, channels = image.shape
    data = image.astype(image.dtype.newbyteorder(order)).tobytes()
    tags = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [image.itemsize * 8] * channels),
        259: ("H", [1]),
        262: ("H", [2 if channels > 2 else 1]),
        273: ("I", [8]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(data)]),
        284: ("H", [planar]),
        338: ("H", [2] if channels == 4 else []),
        339: ("H", [sample_format] * channels),
    }
    for tag, value in changed.items():
        tags[int(tag[1:])] = value
    tags = {tag: value for tag, value in tags.items() if value[1]}
    start = 8 + len(data)
    extra_at = start + 2 + 12 * len(tags) + 4
    directory, extra = struct.pack(order + "H", len(tags)), b""
    for tag, (code, values) in tags.items():
        raw = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(raw) > 4:
            raw, extra = struct.pack(order + "I", extra_at + len(extra)), extra + raw
        directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[code], len(values))
        directory += raw.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", start) + data + directory + bytes(4) + extra


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_float(order, dtype, channels):
    image = np.dstack([IMAGE, IMAGE[:, :, :1]])[:, :, :channels].astype(dtype)
    decoded = decode_tiff(tiff(image, order), "a")
    assert decoded.dtype == np.float32
    assert decoded.flags.c_contiguous
    expected = np.broadcast_to(image[:, :, :3], (5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(decoded, expected)


@pytest.mark.parametrize("codec", ["NONE", "LZW", "ADOBE_DEFLATE", "PACKBITS"])
def test_opencv_files(codec):
    for image in (IMAGE, np.zeros((700, 900, 3), np.float32)):
        setting = [cv2.IMWRITE_TIFF_COMPRESSION, getattr(cv2, f"IMWRITE_TIFF_COMPRESSION_{codec}")]
        data = cv2.imencode(".tif", image[:, :, ::-1], setting)[1].tobytes()
        np.testing.assert_array_equal(decode_tiff(data, "a"), image)


def test_half_compressed():
    halves = IMAGE.astype(np.float16)
    data = cv2.imencode(".tif", halves.view(np.uint16)[:, :, ::-1])[1].tobytes()
    mark = struct.pack("<HHI", 339, 3, 3)  # SampleFormat, in a place of its own
    entry = data.index(mark)
    place = int.from_bytes(data[entry + 8 : entry + 12], "little")
    data = data[:place] + struct.pack("<HHH", 3, 3, 3) + data[place + 6 :]
    np.testing.assert_array_equal(decode_tiff(data, "a"), halves.astype(np.float32))


def test_float64_over_float32():
    assert np.isinf(decode_tiff(tiff(np.full((1, 1, 3), 1e300)), "a")).all()


@pytest.mark.parametrize(
    "data, words",
    [
        (tiff((IMAGE * 60).astype(np.uint8), sample_format=1), "8-bit integer"),
        (tiff((IMAGE * 60).astype(np.uint16), sample_format=1), "16-bit integer"),
        (tiff(IMAGE, t339=("H", [])), "integer or unknown"),
        (tiff(IMAGE, planar=2), "apart"),
        (tiff(IMAGE, t256=("I", [30000]), t257=("I", [30000])), "claims"),
        (tiff(IMAGE, t256=("I", [0])), "5×0"),
        (tiff(IMAGE, t322=("I", [2**30]), t323=("I", [2**30])), "claims"),
        (tiff(IMAGE, t279=("I", [10**6])), "cut short"),
        (tiff(IMAGE, t279=("I", [])), "cut short"),
        (b"II+\0" + bytes(100), "classic"),
        (b"II*\0\xff\xff\xff\xff", "cut short"),
    ],
)
def test_refused(data, words):
    with pytest.raises(InputError, match=f"^a: .*{words}"):
        decode_tiff(data, "a")


def test_truncation():
    hand_made = tiff(IMAGE)
    by_opencv = cv2.imencode(".tif", IMAGE)[1].tobytes()
    for data in (hand_made, by_opencv):
        for end in range(len(data)):
            try:
                # OpenCV pads its files; without the padding they are whole.
                np.testing.assert_array_equal(decode_tiff(data[:end], "a"), decode_tiff(data, "a"))
            except InputError:
                continue
            assert end >= len(data) - 8


def test_fuzz_half():
    rng = np.random.default_rng(0)
    seed = tiff(IMAGE.astype(np.float16))
    start = int.from_bytes(seed[4:8], "little")
    for _ in range(300):
        data = bytearray(seed)
        for _ in range(rng.integers(1, 5)):
            data[rng.integers(start, len(data))] ^= 1 << int(rng.integers(8))
        try:
            assert decode_tiff(bytes(data), "a").dtype == np.float32
        except InputError as error:
            assert str(error).startswith("a: ")

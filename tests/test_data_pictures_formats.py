import io
import struct

import cv2
import numpy as np
import pytest
from helpers.hdr_files import encode_pfm

from data.pictures.npy import decode_npy
from data.pictures.pfm import decode_pfm
from data.pictures.tiff import decode_tiff
from system.errors import InputError

TIFF_IMAGE = (np.random.default_rng(0).random((5, 7, 3)) * 4).astype(np.float32)


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
    image = np.dstack([TIFF_IMAGE, TIFF_IMAGE[:, :, :1]])[:, :, :channels].astype(dtype)
    decoded = decode_tiff(tiff(image, order), "a")
    assert decoded.dtype == np.float32
    assert decoded.flags.c_contiguous
    expected = np.broadcast_to(image[:, :, :3], (5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(decoded, expected)


@pytest.mark.parametrize("codec", ["NONE", "LZW", "ADOBE_DEFLATE", "PACKBITS"])
def test_opencv_files(codec):
    for image in (TIFF_IMAGE, np.zeros((700, 900, 3), np.float32)):
        setting = [cv2.IMWRITE_TIFF_COMPRESSION, getattr(cv2, f"IMWRITE_TIFF_COMPRESSION_{codec}")]
        data = cv2.imencode(".tif", image[:, :, ::-1], setting)[1].tobytes()
        np.testing.assert_array_equal(decode_tiff(data, "a"), image)


def test_half_compressed():
    halves = TIFF_IMAGE.astype(np.float16)
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
        (tiff((TIFF_IMAGE * 60).astype(np.uint8), sample_format=1), "8-bit integer"),
        (tiff((TIFF_IMAGE * 60).astype(np.uint16), sample_format=1), "16-bit integer"),
        (tiff(TIFF_IMAGE, t339=("H", [])), "integer or unknown"),
        (tiff(TIFF_IMAGE, planar=2), "apart"),
        (tiff(TIFF_IMAGE, t256=("I", [30000]), t257=("I", [30000])), "claims"),
        (tiff(TIFF_IMAGE, t256=("I", [0])), "5×0"),
        (tiff(TIFF_IMAGE, t322=("I", [2**30]), t323=("I", [2**30])), "claims"),
        (tiff(TIFF_IMAGE, t279=("I", [10**6])), "cut short"),
        (tiff(TIFF_IMAGE, t279=("I", [])), "cut short"),
        (b"II+\0" + bytes(100), "classic"),
        (b"II*\0\xff\xff\xff\xff", "cut short"),
    ],
)
def test_refused_tiff(data, words):
    with pytest.raises(InputError, match=f"^a: .*{words}"):
        decode_tiff(data, "a")


def test_truncation_tiff():
    hand_made = tiff(TIFF_IMAGE)
    by_opencv = cv2.imencode(".tif", TIFF_IMAGE)[1].tobytes()
    for data in (hand_made, by_opencv):
        for end in range(len(data)):
            try:
                # OpenCV pads its files; without the padding they are whole.
                np.testing.assert_array_equal(decode_tiff(data[:end], "a"), decode_tiff(data, "a"))
            except InputError:
                continue
            assert end >= len(data) - 8


def saved(array, **settings):
    stream = io.BytesIO()
    np.save(stream, array, **settings)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f2", "f8", "longdouble"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_layouts(dtype, shape, order):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype, order=order)
    image = decode_npy(saved(array), "a")
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, np.broadcast_to(np.atleast_3d(array)[..., :3], (2, 3, 3)))


def test_over_float32():
    assert np.isinf(decode_npy(saved(np.full((1, 1), 1e300)), "a")).all()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 3), np.uint8),
        np.zeros((2, 3, 3), complex),
        np.zeros((2, 3), [("x", "f4")]),
        np.zeros(3),
        np.zeros((2, 3, 2)),
        np.zeros((0, 3, 3)),
        np.zeros((1, 1, 1, 3)),
        np.float64(1),
    ],
)
def test_refused_npy(array):
    with pytest.raises(InputError, match=r"^a: "):
        decode_npy(saved(array), "a")


def test_pickle_is_refused():
    with pytest.raises(InputError):
        decode_npy(saved(np.full((2, 2), None), allow_pickle=True), "a")


def test_truncation():
    data = saved(np.ones((2, 3, 3), np.float32))
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_npy(data[:end], "a")


IMAGE = np.arange(18, dtype=np.float32).reshape(2, 3, 3)


@pytest.mark.parametrize("scale, order", [("-1.0", "<"), ("1", ">"), ("-2e3", "<")])
def test_orders(scale, order):
    data = f"PF\n3 2\n{scale}\n".encode() + IMAGE[::-1].astype(order + "f4").tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)


def test_pfm_grey():
    data = b"Pf 3 2 -1 " + IMAGE[::-1, :, 0].tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE[:, :, :1].repeat(3, 2))


def test_dos_line_ends():
    data = b"PF\r\n3 2\r\n-1\r\n" + IMAGE[::-1].tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)


def test_round_trip_and_truncation():
    data = encode_pfm(IMAGE)
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_pfm(data[:end], "a")


@pytest.mark.parametrize("scale", ["0", "nan", "inf", "x"])
def test_bad_scale(scale):
    with pytest.raises(InputError):
        decode_pfm(f"PF\n3 2\n{scale}\n".encode() + bytes(72), "a")


@pytest.mark.parametrize("shape", [b"(-2, 3, 3)", b"(True, 3, 3)", b"(" * 400, b"(2, 3, 3"])
def test_hostile_npy_headers(shape):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + b", }"
    with pytest.raises(InputError):
        decode_npy(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(99), "a")


@pytest.mark.parametrize("size", ["0 2", "3 0", "-3 2", "99999999999 1"])
def test_bad_pfm_size(size):
    with pytest.raises(InputError):
        decode_pfm(f"PF\n{size}\n-1\n".encode() + bytes(72), "a")

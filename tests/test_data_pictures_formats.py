"""TIFF, NumPy, PFM and OpenEXR files."""

import io
import struct

import cv2
import numpy as np
import OpenEXR
import pytest
from helpers.hdr_files import encode_exr, encode_pfm, saved_exr, tiff

from data.pictures.exr import decode_exr
from data.pictures.npy import decode_npy
from data.pictures.pfm import decode_pfm
from data.pictures.tiff import decode_tiff
from system.errors import InputError

TIFF_IMAGE = (np.random.default_rng(0).random((5, 7, 3)) * 4).astype(np.float32)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_float_tiff(order, dtype, channels):
    image = np.dstack([TIFF_IMAGE, TIFF_IMAGE[:, :, :1]])[:, :, :channels].astype(dtype)
    decoded = decode_tiff(tiff(image, order), "a")
    assert decoded.dtype == np.float32
    assert decoded.flags.c_contiguous
    expected = np.broadcast_to(image[:, :, :3], (5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(decoded, expected)


@pytest.mark.parametrize("codec", ["NONE", "LZW", "ADOBE_DEFLATE", "PACKBITS"])
def test_tiff_of_opencv(codec):
    for image in (TIFF_IMAGE, np.zeros((700, 900, 3), np.float32)):
        setting = [cv2.IMWRITE_TIFF_COMPRESSION, getattr(cv2, f"IMWRITE_TIFF_COMPRESSION_{codec}")]
        data = cv2.imencode(".tif", image[:, :, ::-1], setting)[1].tobytes()
        np.testing.assert_array_equal(decode_tiff(data, "a"), image)


def test_half_tiff_compressed():
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
def test_npy_layouts(dtype, shape, order):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype, order=order)
    image = decode_npy(saved(array), "a")
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, np.broadcast_to(np.atleast_3d(array)[..., :3], (2, 3, 3)))


def test_float64_npy_over_float32():
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


def test_npy_pickle_is_refused():
    with pytest.raises(InputError):
        decode_npy(saved(np.full((2, 2), None), allow_pickle=True), "a")


def test_truncation_npy():
    data = saved(np.ones((2, 3, 3), np.float32))
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_npy(data[:end], "a")


IMAGE = np.arange(18, dtype=np.float32).reshape(2, 3, 3)


@pytest.mark.parametrize("scale, order", [("-1.0", "<"), ("1", ">"), ("-2e3", "<")])
def test_pfm_orders(scale, order):
    data = f"PF\n3 2\n{scale}\n".encode() + IMAGE[::-1].astype(order + "f4").tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)


def test_pfm_grey():
    data = b"Pf 3 2 -1 " + IMAGE[::-1, :, 0].tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE[:, :, :1].repeat(3, 2))


def test_pfm_with_dos_line_ends():
    data = b"PF\r\n3 2\r\n-1\r\n" + IMAGE[::-1].tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)


def test_pfm_round_trip_and_truncation():
    data = encode_pfm(IMAGE)
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_pfm(data[:end], "a")


@pytest.mark.parametrize("scale", ["0", "nan", "inf", "x"])
def test_bad_pfm_scale(scale):
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


EXR_IMAGE = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32) * 4
R, G, B = (np.ascontiguousarray(EXR_IMAGE[:, :, i]) for i in range(3))
PART = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


@pytest.mark.parametrize(
    "channels",
    [
        {"R": R, "G": G, "B": B},
        {"RGB": EXR_IMAGE},
        {"R": R, "G": G, "B": B, "A": G, "Z": R},
        {"R": R, "G": G, "B": B, "left.R": G, "left.G": G, "left.B": G},
        {"view.R": R, "view.G": G, "view.B": B, "depth.Z": B},
        {"R": R, "G": G, "B": B, "Y": R},
    ],
)
def test_exr_channels(channels):
    image = decode_exr(saved_exr(channels), "a")
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, EXR_IMAGE)


def test_exr_grey():
    np.testing.assert_array_equal(decode_exr(saved_exr({"Y": R}), "a"), R[:, :, None].repeat(3, 2))


def test_exr_half():
    image = decode_exr(saved_exr({"RGB": EXR_IMAGE.astype(np.float16)}), "a")
    np.testing.assert_array_equal(image, EXR_IMAGE.astype(np.float16))


@pytest.mark.parametrize("name", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44A", "DWAB"])
def test_blank_exr_pictures_are_not_taken_for_bombs(name):
    blank = np.zeros((600, 900, 3), np.float32)
    data = saved_exr({"RGB": blank}, name)
    assert decode_exr(data, "a").shape == blank.shape


def test_tiled_exr():
    data = saved_exr({"RGB": EXR_IMAGE}, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
    np.testing.assert_array_equal(decode_exr(data, "a"), EXR_IMAGE)
    size = (32).to_bytes(4, "little") * 2
    assert data.count(size) == 1
    with pytest.raises(InputError):
        decode_exr(data.replace(size, (1 << 20).to_bytes(4, "little") * 2), "a")


def test_exr_data_window_is_taken():
    window = (np.array([2, -1], np.int32), np.array([7, 2], np.int32))
    display = (np.array([0, 0], np.int32), np.array([99, 99], np.int32))
    data = saved_exr({"RGB": EXR_IMAGE}, dataWindow=window, displayWindow=display)
    np.testing.assert_array_equal(decode_exr(data, "a"), EXR_IMAGE)


def test_first_part_of_an_exr_with_a_picture():
    stream = io.BytesIO()
    parts = [
        OpenEXR.Part({**PART, "name": "depth"}, {"Z": R}),
        OpenEXR.Part({**PART, "name": "beauty"}, {"R": R, "G": G, "B": B}),
        OpenEXR.Part({**PART, "name": "other"}, {"RGB": EXR_IMAGE * 2}),
    ]
    OpenEXR.File(parts).write(stream)
    np.testing.assert_array_equal(decode_exr(stream.getvalue(), "a"), EXR_IMAGE)


@pytest.mark.parametrize(
    "data, words",
    [
        (
            saved_exr(
                {"R": R.astype(np.uint32), "G": R.astype(np.uint32), "B": R.astype(np.uint32)}
            ),
            "integer",
        ),
        (saved_exr({"Y": R, "RY": G, "BY": B}), "luminance"),
        (saved_exr({"Z": R}), "neither"),
        (saved_exr({"R": R, "G": G}), "neither"),
        (saved_exr({"a.Y": R, "b.Y": G}), "layers a, b"),
        (b"v/1\x01 and no more", "header"),
    ],
)
def test_refused_exr(data, words):
    with pytest.raises(InputError, match=f"^a: .*{words}"):
        decode_exr(data, "a")


def test_subsampled_exr():
    data = saved_exr({"Y": R})
    # The entry in the channel list: name, type (float), linear flag, x and y sampling.
    entry = b"Y\0" + np.array([2, 0, 1, 1], "<i4").tobytes()
    assert entry in data
    data = data.replace(entry, b"Y\0" + np.array([2, 0, 2, 2], "<i4").tobytes())
    with pytest.raises(InputError, match="subsampled"):
        decode_exr(data, "a")


def test_truncation_exr(capfd):
    data = encode_exr(EXR_IMAGE)
    np.testing.assert_array_equal(decode_exr(data, "a"), EXR_IMAGE)
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_exr(data[:end], "a")
    assert capfd.readouterr().out == ""


def test_damaged_pixels_of_an_exr():
    data = bytearray(saved_exr({"RGB": np.zeros((32, 32, 3), np.float32)}))
    data[-20:] = bytes(20)
    with pytest.raises(InputError, match="pixels are damaged"):
        decode_exr(bytes(data), "a")

"""NumPy and PFM files."""

import io

import numpy as np
import pytest
from helpers.hdr_files import encode_pfm

from data.pictures import npy, pfm
from system.errors import InputError


def quiet(decoder):
    """Return the decoder without its third argument, what hears of remarks."""
    return lambda data, name: decoder(data, name, [].append)


decode_npy, decode_pfm = quiet(npy.decode_npy), quiet(pfm.decode_pfm)


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


@pytest.mark.parametrize(
    "header, samples",
    [
        ("PF\n3 2\n-1.0 \n", IMAGE[::-1]),  # a space after the scale
        ("PF\r\n3 2\r\n-1.0 \t \r\n", IMAGE[::-1]),
        ("PF\n# made by a program\n3 2\n# and another\n-1\n", IMAGE[::-1]),
        ("PF4\n3 2\n-1\n", np.dstack([IMAGE, IMAGE[:, :, :1]])[::-1]),
        ("PF\n3\n2\n-1\n", IMAGE),  # Photoshop's, with the top row first
    ],
)
def test_pfm_headers(header, samples):
    np.testing.assert_array_equal(decode_pfm(header.encode() + samples.tobytes(), "a"), IMAGE)


def test_bytes_behind_the_raster_of_a_pfm():
    remarks = []
    data = encode_pfm(IMAGE) + b"more"
    np.testing.assert_array_equal(pfm.decode_pfm(data, "a", remarks.append), IMAGE)
    assert "4 bytes more" in remarks[0]


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

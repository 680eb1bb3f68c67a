import io

import numpy as np
import pytest

from data.pictures.npy import decode_npy
from system.errors import InputError


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
def test_refused(array):
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


def test_claim_and_hostile_headers():
    data = saved(np.ones((2, 3, 3), np.float32))
    for shape in (b"(30000,30000,3)", b"(-2, 3, 3)", b"(True, 3, 3)", b"(" * 400, b"(2, 3, 3"):
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + b", }"
        length = len(header).to_bytes(2, "little")
        with pytest.raises(InputError):
            decode_npy(b"\x93NUMPY\1\0" + length + header + data[-10:], "a")

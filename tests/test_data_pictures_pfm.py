import numpy as np
import pytest

from data.pictures.pfm import decode_pfm, encode_pfm
from system.errors import InputError

IMAGE = np.arange(18, dtype=np.float32).reshape(2, 3, 3)


@pytest.mark.parametrize("scale, order", [("-1.0", "<"), ("1", ">"), ("-2e3", "<")])
def test_orders(scale, order):
    data = f"PF\n3 2\n{scale}\n".encode() + IMAGE[::-1].astype(order + "f4").tobytes()
    np.testing.assert_array_equal(decode_pfm(data, "a"), IMAGE)


def test_grey():
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


@pytest.mark.parametrize("size", ["0 2", "3 0", "30000 30000", "-3 2", "99999999999 1"])
def test_bad_size(size):
    with pytest.raises(InputError):
        decode_pfm(f"PF\n{size}\n-1\n".encode() + bytes(72), "a")

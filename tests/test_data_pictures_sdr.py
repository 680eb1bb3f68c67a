import struct

import cv2
import numpy as np
import pytest

from data.pictures.sdr import decode_sdr, encode_sdr
from system.errors import InputError

IMAGE = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8), (24, 16))


def encoded(suffix, image=IMAGE, *settings):
    return cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image, settings)[
        1
    ].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_lossless(suffix):
    image = decode_sdr(encoded(suffix, IMAGE, cv2.IMWRITE_WEBP_QUALITY, 101), "a")
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, IMAGE)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy(suffix):
    image = decode_sdr(encoded(suffix, IMAGE), "a")
    assert np.abs(image.astype(int) - IMAGE).mean() < 12


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits(suffix):
    image = IMAGE.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_sdr(encoded(suffix, image), "a"), image)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg"])
def test_grey(suffix):
    image = decode_sdr(encoded(suffix, IMAGE[:, :, 0]), "a")
    assert image.shape == (16, 24, 3)
    assert (image == image[:, :, :1]).all()


def test_alpha_is_dropped():
    with_alpha = np.dstack([IMAGE[:, :, ::-1], IMAGE[:, :, 0]])
    for suffix in (".png", ".tif"):
        data = cv2.imencode(suffix, with_alpha)[1].tobytes()
        np.testing.assert_array_equal(decode_sdr(data, "a"), IMAGE)


def test_exif_orientation_is_not_applied():
    data = encoded(".jpg")
    tiff = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    segment = b"Exif\0\0" + tiff
    rotated = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    assert cv2.imdecode(np.frombuffer(rotated, np.uint8), cv2.IMREAD_COLOR).shape == (24, 16, 3)
    np.testing.assert_array_equal(decode_sdr(rotated, "a"), decode_sdr(data, "a"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_truncation(suffix):
    data = encoded(suffix)
    whole = decode_sdr(data, "a")
    for end in range(1, len(data)):
        try:
            image = decode_sdr(data[:end], "a")
        except InputError as error:
            assert str(error).startswith("a: ")
            continue
        # Only padding, check sums and end markers can go unnoticed.
        assert end >= len(data) - (21 if suffix == ".png" else 8)
        np.testing.assert_array_equal(image, whole)


def test_progressive_truncation():
    data = encoded(".jpg", IMAGE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    decode_sdr(data, "a")
    for end in range(1, len(data)):
        with pytest.raises(InputError):
            decode_sdr(data[:end], "a")


def test_claims():
    png = encoded(".png")
    for side in (0, 30000, 2**31 - 1):
        with pytest.raises(InputError):
            decode_sdr(png[:16] + struct.pack(">II", side, side) + png[24:], "a")
    jpeg = bytearray(encoded(".jpg"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 60000, 4000)
    with pytest.raises(InputError, match="claims"):
        decode_sdr(bytes(jpeg), "a")


def test_blank_pictures_are_not_taken_for_bombs():
    blank = np.zeros((2000, 3000, 3), np.uint8)
    for suffix in (".jpg", ".png", ".webp"):
        assert decode_sdr(encoded(suffix, blank), "a").shape == blank.shape


@pytest.mark.parametrize("data", [b"GIF89a" + bytes(50), b"#?RADIANCE\n", b"x"])
def test_other_formats(data):
    with pytest.raises(InputError, match="is not a JPEG"):
        decode_sdr(data, "a")


def test_float_tiff_is_refused():
    data = encoded(".tif", IMAGE.astype(np.float32))
    with pytest.raises(InputError, match="8 or 16 bits"):
        decode_sdr(data, "a")


def test_encode():
    np.testing.assert_array_equal(decode_sdr(encode_sdr(IMAGE, ".png", 95), "a"), IMAGE)
    jpeg = encode_sdr(IMAGE, ".jpg", 100)
    assert np.abs(decode_sdr(jpeg, "a").astype(int) - IMAGE).max() <= 6
    frame = jpeg.index(b"\xff\xc0")
    assert jpeg[frame + 11] == 0x11  # sampling of luminance: chroma is full size
    assert len(encode_sdr(IMAGE, ".jpg", 20)) < len(jpeg)

"""Float TIFF files."""

import io
import struct

import cv2
import numpy as np
import pytest
import tifffile
from helpers.hdr_files import tiff as hand_made_tiff
from helpers.photo_files import BT709, BT2020, LINEAR, icc_profile
from PIL import ImageCms

from data.pictures import tiff
from data.pictures.sdr import decode_sdr
from standards.srgb import srgb_decode
from system.errors import InputError


def decode_tiff(data, name):
    return tiff.decode_tiff(data, name, [].append)


TIFF_IMAGE = (np.random.default_rng(0).random((5, 7, 3)) * 4).astype(np.float32)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_float_tiff(order, dtype, channels):
    image = np.dstack([TIFF_IMAGE, TIFF_IMAGE[:, :, :1]])[:, :, :channels].astype(dtype)
    decoded = decode_tiff(hand_made_tiff(image, order), "a")
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


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "how",
    [
        {"compression": "adobe_deflate", "predictor": 3},
        {"compression": "zstd", "predictor": 3, "tile": (16, 16)},
        {"compression": "lzw", "planarconfig": "separate"},
        {"bigtiff": True, "rowsperstrip": 2, "predictor": 3, "compression": "lzma"},
        {"bigtiff": True, "planarconfig": "separate", "extrasamples": ["unassalpha"]},
    ],
)
def test_layouts_of_other_programs(order, dtype, how):
    image = TIFF_IMAGE.astype(dtype)
    channels = np.dstack([image, image[:, :, :1]]) if "extrasamples" in how else image
    stored = np.moveaxis(channels, 2, 0) if "planarconfig" in how else channels
    np.testing.assert_array_equal(decode_tiff(saved(stored, byteorder=order, **how), "a"), image)


def saved(array, byteorder="<", bigtiff=False, photometric="rgb", **how):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder=byteorder, bigtiff=bigtiff) as writer:
        writer.write(array, photometric=photometric, metadata=None, **how)
    return stream.getvalue()


def test_logluv():
    setting = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_SGILOG]
    image = np.tile(TIFF_IMAGE + 0.5, (4, 4, 1))
    data = cv2.imencode(".tif", image[:, :, ::-1], setting)[1].tobytes()
    np.testing.assert_allclose(decode_tiff(data, "a"), image, rtol=0.02, atol=0.04)


def test_other_pictures_and_channels_of_a_tiff_are_remarked():
    stream, remarks = io.BytesIO(), []
    with tifffile.TiffWriter(stream) as writer:
        for scale in (1, 2):
            writer.write(TIFF_IMAGE * scale, metadata=None, photometric="rgb")
    image = tiff.decode_tiff(stream.getvalue(), "a", remarks.append)
    np.testing.assert_array_equal(image, TIFF_IMAGE)
    data = saved(np.dstack([TIFF_IMAGE] * 2)[:, :, :5], photometric="minisblack", planarconfig=1)
    image = tiff.decode_tiff(data, "a", remarks.append)
    np.testing.assert_array_equal(image, TIFF_IMAGE[:, :, :1].repeat(3, 2))
    assert "several pictures" in remarks[0] and "5 channels" in remarks[1]


@pytest.mark.parametrize("orientation", range(10))
def test_orientations_are_those_of_opencv(orientation):
    codes = (TIFF_IMAGE * 60).astype(np.uint8)
    tag = {"t274": ("H", [orientation])}
    eight_bits = decode_sdr(hand_made_tiff(codes, sample_format=1, **tag), "a")
    image = decode_tiff(hand_made_tiff(codes.astype(np.float32), **tag), "a")
    np.testing.assert_array_equal(image, eight_bits)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TABLE = b"curv" + struct.pack(">4xI", 1024)
SRGB_TABLE = TABLE + (srgb_decode(np.linspace(0, 1, 1024)) * 65535).round().astype(">u2").tobytes()
POWER_TABLE = TABLE + (np.linspace(0, 1, 1024) ** 1.8 * 65535).round().astype(">u2").tobytes()


@pytest.mark.parametrize(
    "profile, encode",
    [
        (SRGB, lambda light: 1.055 * light ** (1 / 2.4) - 0.055),
        (icc_profile(BT709, SRGB_TABLE), lambda light: 1.055 * light ** (1 / 2.4) - 0.055),
        (icc_profile(BT709, POWER_TABLE), lambda light: light ** (1 / 1.8)),
        (icc_profile(BT709, b"curv" + struct.pack(">4xIH", 1, 563)), lambda x: x ** (256 / 563)),
        (icc_profile(BT709, LINEAR), lambda light: light),
        (icc_profile(BT709, b"para" + struct.pack(">4xHxxi", 0, 65536)), lambda light: light),
    ],
)
def test_icc_profiles_make_a_picture_linear(profile, encode):
    light = TIFF_IMAGE + 0.01  # up to 4: curves go on over 1
    remarks = []
    data = saved(encode(light).astype(np.float32), iccprofile=profile)
    np.testing.assert_allclose(tiff.decode_tiff(data, "a", remarks.append), light, rtol=0.01)
    assert len(remarks) == (encode(0.5) != 0.5)
    assert all("linear by its ICC profile" in remark for remark in remarks)


def test_primaries_of_an_icc_profile():
    image = np.float32([[[1, 1, 1], [1, 0, 0]]])
    decoded = decode_tiff(saved(image, iccprofile=icc_profile(BT2020, LINEAR)), "a")
    # ITU-R BT.2087-0, M2.
    np.testing.assert_allclose(decoded[0], [[1, 1, 1], [1.6605, -0.1246, -0.0182]], atol=2e-3)


@pytest.mark.parametrize("profile", [b"no profile", SRGB[:200], icc_profile(BT709, b"text" * 4)])
def test_icc_profiles_that_cannot_be_applied(profile):
    remarks = []
    data = saved(TIFF_IMAGE, iccprofile=profile)
    np.testing.assert_array_equal(tiff.decode_tiff(data, "a", remarks.append), TIFF_IMAGE)
    assert "ICC profile" in remarks[0]


def test_float64_over_float32():
    assert np.isinf(decode_tiff(hand_made_tiff(np.full((1, 1, 3), 1e300)), "a")).all()


@pytest.mark.parametrize(
    "data, words",
    [
        (hand_made_tiff((TIFF_IMAGE * 60).astype(np.uint8), sample_format=1), "8-bit integer"),
        (hand_made_tiff((TIFF_IMAGE * 60).astype(np.uint16), sample_format=1), "16-bit integer"),
        (hand_made_tiff(TIFF_IMAGE, t339=("H", [])), "integer or unknown"),
        (hand_made_tiff(TIFF_IMAGE, t262=("H", [8])), "neither RGB nor grey"),
        (hand_made_tiff(TIFF_IMAGE, t262=("H", [32803])), "raw"),
        (hand_made_tiff(TIFF_IMAGE, t259=("H", [7])), "compression 7"),
        (hand_made_tiff(TIFF_IMAGE, t258=("H", [32, 16, 32])), "neither RGB"),
        (hand_made_tiff(TIFF_IMAGE, planar=2), "damaged"),
        (hand_made_tiff(TIFF_IMAGE, t256=("I", [30000]), t257=("I", [30000])), "claims"),
        (hand_made_tiff(TIFF_IMAGE, t256=("I", [0])), "5×0"),
        (hand_made_tiff(TIFF_IMAGE, t322=("I", [2**30]), t323=("I", [2**30])), "claims"),
        (hand_made_tiff(TIFF_IMAGE, t279=("I", [10**6])), "cut short"),
        (hand_made_tiff(TIFF_IMAGE, t279=("I", [])), "cut short"),
        (b"II+\0" + bytes(100), "cut short"),
        (b"x" * 100, "is not a TIFF"),
        (b"II*\0\xff\xff\xff\xff", "cut short"),
    ],
)
def test_refused_tiff(data, words):
    with pytest.raises(InputError, match=f"^a: .*{words}"):
        decode_tiff(data, "a")


def test_truncation_tiff():
    hand_made = hand_made_tiff(TIFF_IMAGE)
    by_opencv = cv2.imencode(".tif", TIFF_IMAGE)[1].tobytes()
    for data in (hand_made, by_opencv):
        for end in range(len(data)):
            try:
                # OpenCV pads its files; without the padding they are whole.
                np.testing.assert_array_equal(decode_tiff(data[:end], "a"), decode_tiff(data, "a"))
            except InputError:
                continue
            assert end >= len(data) - 8

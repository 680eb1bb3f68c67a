import io

import numpy as np
import OpenEXR
import pytest
from helpers.hdr_files import encode_exr

from data.pictures.exr import decode_exr
from system.errors import InputError

IMAGE = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32) * 4
R, G, B = (np.ascontiguousarray(IMAGE[:, :, i]) for i in range(3))
PLAIN = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def saved(channels, **header):
    stream = io.BytesIO()
    OpenEXR.File({**PLAIN, **header}, channels).write(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "channels",
    [
        {"R": R, "G": G, "B": B},
        {"RGB": IMAGE},
        {"R": R, "G": G, "B": B, "A": G, "Z": R},
        {"R": R, "G": G, "B": B, "left.R": G, "left.G": G, "left.B": G},
        {"view.R": R, "view.G": G, "view.B": B, "depth.Z": B},
        {"R": R, "G": G, "B": B, "Y": R},
    ],
)
def test_channels(channels):
    image = decode_exr(saved(channels), "a")
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, IMAGE)


def test_grey():
    np.testing.assert_array_equal(decode_exr(saved({"Y": R}), "a"), R[:, :, None].repeat(3, 2))


def test_half():
    image = decode_exr(saved({"RGB": IMAGE.astype(np.float16)}), "a")
    np.testing.assert_array_equal(image, IMAGE.astype(np.float16))


@pytest.mark.parametrize("name", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44A", "DWAB"])
def test_blank_pictures_are_not_taken_for_bombs(name):
    blank = np.zeros((600, 900, 3), np.float32)
    data = saved({"RGB": blank}, compression=getattr(OpenEXR, name + "_COMPRESSION"))
    assert decode_exr(data, "a").shape == blank.shape


def test_tiled():
    data = saved({"RGB": IMAGE}, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
    np.testing.assert_array_equal(decode_exr(data, "a"), IMAGE)
    size = (32).to_bytes(4, "little") * 2
    assert data.count(size) == 1
    with pytest.raises(InputError):
        decode_exr(data.replace(size, (1 << 20).to_bytes(4, "little") * 2), "a")


def test_data_window_is_taken():
    window = (np.array([2, -1], np.int32), np.array([7, 2], np.int32))
    display = (np.array([0, 0], np.int32), np.array([99, 99], np.int32))
    data = saved({"RGB": IMAGE}, dataWindow=window, displayWindow=display)
    np.testing.assert_array_equal(decode_exr(data, "a"), IMAGE)


def test_first_part_with_a_picture():
    stream = io.BytesIO()
    parts = [
        OpenEXR.Part({**PLAIN, "name": "depth"}, {"Z": R}),
        OpenEXR.Part({**PLAIN, "name": "beauty"}, {"R": R, "G": G, "B": B}),
        OpenEXR.Part({**PLAIN, "name": "other"}, {"RGB": IMAGE * 2}),
    ]
    OpenEXR.File(parts).write(stream)
    np.testing.assert_array_equal(decode_exr(stream.getvalue(), "a"), IMAGE)


@pytest.mark.parametrize(
    "data, words",
    [
        (
            saved({"R": R.astype(np.uint32), "G": R.astype(np.uint32), "B": R.astype(np.uint32)}),
            "integer",
        ),
        (saved({"Y": R, "RY": G, "BY": B}), "luminance"),
        (saved({"Z": R}), "neither"),
        (saved({"R": R, "G": G}), "neither"),
        (saved({"a.Y": R, "b.Y": G}), "layers a, b"),
        (b"v/1\x01 and no more", "header"),
    ],
)
def test_refused(data, words):
    with pytest.raises(InputError, match=f"^a: .*{words}"):
        decode_exr(data, "a")


def test_subsampled():
    data = saved({"Y": R})
    # The entry in the channel list: name, type (float), linear flag, x and y sampling.
    entry = b"Y\0" + np.array([2, 0, 1, 1], "<i4").tobytes()
    assert entry in data
    data = data.replace(entry, b"Y\0" + np.array([2, 0, 2, 2], "<i4").tobytes())
    with pytest.raises(InputError, match="subsampled"):
        decode_exr(data, "a")


def test_truncation(capfd):
    data = encode_exr(IMAGE)
    np.testing.assert_array_equal(decode_exr(data, "a"), IMAGE)
    for end in range(len(data)):
        with pytest.raises(InputError, match=r"^a: "):
            decode_exr(data[:end], "a")
    assert capfd.readouterr().out == ""


def test_damaged_pixels():
    data = bytearray(saved({"RGB": np.zeros((32, 32, 3), np.float32)}))
    data[-20:] = bytes(20)
    with pytest.raises(InputError, match="pixels are damaged"):
        decode_exr(bytes(data), "a")

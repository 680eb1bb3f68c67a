"""OpenEXR files."""

import io

import numpy as np
import OpenEXR
import pytest
from helpers.hdr_files import encode_exr, saved_exr, subsampled_exr

from data.pictures import exr
from system.errors import InputError


def decode_exr(data, name):
    return exr.decode_exr(data, name, [].append)


EXR_IMAGE = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32) * 4
R, G, B = (np.ascontiguousarray(EXR_IMAGE[:, :, i]) for i in range(3))


def layer(name, *planes_and_names):
    *planes, names = planes_and_names if len(planes_and_names) == 4 else (*planes_and_names, "RGB")
    return {f"{name}.{last}": plane for last, plane in zip(names, planes, strict=True)}


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
        {"r": R, "g": G, "b": B},
        {"Red": R, "Green": G, "Blue": B, "Alpha": R},
        {"X": G, "Y": B, "Z": R, **layer("beauty", R, G, B)},
        {**layer("V.Combined", R, G, B), "V.Depth.Z": R, **layer("V.Normal", R, G, B, "XYZ")},
        {**layer("Crypto00", G, G, G, "rgb"), **layer("rgba", R, G, B)},
        {"Y": G, **layer("main", R, G, B)},
        {**layer("Mask.AO", G, G, G), **layer("Mask.Combined", R, G, B)},
    ],
)
def test_exr_channels(channels):
    image = decode_exr(saved_exr(channels), "a")
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, EXR_IMAGE)


@pytest.mark.parametrize("channels", ["Y", "R", "L", ["gray"], "YA", "YZ", ["left.Y", "left.A"]])
def test_exr_grey(channels):
    image = decode_exr(saved_exr(dict.fromkeys(channels, G) | {channels[0]: R}), "a")
    np.testing.assert_array_equal(image, R[:, :, None].repeat(3, 2))


def test_a_layer_is_chosen_and_the_others_are_named():
    others = {**layer("V.DiffDir", G, G, G), **layer("V.GlossDir", B, B, B)}
    data, remarks = saved_exr({**layer("V.Combined", R, G, B), **others}), []
    np.testing.assert_array_equal(exr.decode_exr(data, "a", remarks.append), EXR_IMAGE)
    names = "V.Combined, V.DiffDir, V.GlossDir"
    assert remarks == [
        f"has the layers {names}; V.Combined was read, and --layer NAME reads another"
    ]
    image = exr.decode_exr(data, "a", remarks.append, "V.GlossDir")
    np.testing.assert_array_equal(image, B[:, :, None].repeat(3, 2))
    assert len(remarks) == 1
    with pytest.raises(InputError, match=f"^a: has no layer 'V'; give one of {names}"):
        exr.decode_exr(data, "a", remarks.append, "V")


@pytest.mark.parametrize(
    "names", [("left", "right"), ("N", "left"), ("ObjectID", "left"), ("albedo_mask", "spec")]
)
def test_the_first_layer_that_is_no_vector_and_no_mask(names):
    first, second = (layer(name, *(plane,) * 3) for name, plane in zip(names, (R, G), strict=True))
    remarks = []
    image = exr.decode_exr(saved_exr({**first, **second}), "a", remarks.append)
    chosen = R if names[0] == "left" else G
    np.testing.assert_array_equal(image, chosen[:, :, None].repeat(3, 2))
    assert len(remarks) == (names[0] == "left")


def test_the_only_layer_may_be_called_a_normal():
    remarks = []
    data = saved_exr(layer("Normal", R, G, B))
    np.testing.assert_array_equal(exr.decode_exr(data, "a", remarks.append), EXR_IMAGE)
    assert "Normal was read" in remarks[0]


AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
# From ACEScg to linear BT.709 with Bradford's adaptation, as the ACES documents give it.
AP1_TO_BT709 = [[1.70505, -0.62179, -0.08326], [-0.13026, 1.14080, -0.01055]]
AP1_TO_BT709 += [[-0.02400, -0.12897, 1.15297]]


def test_exr_primaries():
    adapted = saved_exr({"RGB": EXR_IMAGE}, chromaticities=AP1, adoptedNeutral=np.float32(AP1[6:]))
    expected = EXR_IMAGE @ np.transpose(AP1_TO_BT709)
    np.testing.assert_allclose(decode_exr(adapted, "a"), expected, atol=2e-4)
    # XYZ as primaries: ITU-R BT.709's matrix, and nothing is adapted.
    xyz = np.float32([[[0.9505, 1, 1.0891], [0.4124, 0.2126, 0.0193]]])
    data = saved_exr({"RGB": xyz}, chromaticities=(1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3))
    np.testing.assert_allclose(decode_exr(data, "a")[0], [[1, 1, 1], [1, 0, 0]], atol=1e-3)


@pytest.mark.parametrize("chromaticities", [(0.0,) * 8, (0.3,) * 8, (np.nan,) * 8, (1e30,) * 8])
def test_exr_primaries_without_sense(chromaticities):
    remarks = []
    data = saved_exr({"RGB": EXR_IMAGE}, chromaticities=chromaticities)
    np.testing.assert_array_equal(exr.decode_exr(data, "a", remarks.append), EXR_IMAGE)
    assert "primaries" in remarks[0]


def test_luminance_and_chroma():
    # R = (RY + 1) Y and so on; chroma that is linear comes back but for the last row and column.
    luminance = 1 + R[:4, :6]
    red, blue = (np.mgrid[:4, :6][i] / 8 - 0.2 for i in (0, 1))
    planes = {"Y": (luminance, 1), "RY": (red[::2, ::2], 2), "BY": (blue[::2, ::2], 2)}
    image = decode_exr(subsampled_exr(4, 6, planes), "a")[:3, :5]
    luminance, red, blue = (plane[:3, :5] for plane in (luminance, red, blue))
    np.testing.assert_allclose(image[:, :, 0], (red + 1) * luminance, rtol=1e-5)
    np.testing.assert_allclose(image[:, :, 2], (blue + 1) * luminance, rtol=1e-5)
    np.testing.assert_allclose(image @ [0.2126, 0.7152, 0.0722], luminance, rtol=1e-4)


def window(left, top, right, bottom):
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)


def test_the_display_window_is_taken():
    cropped = saved_exr(
        {"RGB": EXR_IMAGE}, dataWindow=window(2, -1, 7, 2), displayWindow=window(0, 0, 9, 8)
    )
    remarks = []
    expected = np.zeros((9, 10, 3), np.float32)
    expected[:3, 2:8] = EXR_IMAGE[1:]
    np.testing.assert_array_equal(exr.decode_exr(cropped, "a", remarks.append), expected)
    assert "rest is black" in remarks.pop()
    overscan = saved_exr(
        {"RGB": EXR_IMAGE}, dataWindow=window(-2, -1, 3, 2), displayWindow=window(0, 0, 2, 1)
    )
    image = exr.decode_exr(overscan, "a", remarks.append)
    assert image.flags.c_contiguous and not remarks
    np.testing.assert_array_equal(image, EXR_IMAGE[1:3, 2:5])
    apart = saved_exr(
        {"RGB": EXR_IMAGE}, dataWindow=window(90, 90, 95, 93), displayWindow=window(0, 0, 2, 1)
    )
    assert not exr.decode_exr(apart, "a", remarks.append).any()


def test_pixels_that_are_not_square_are_remarked():
    remarks = []
    exr.decode_exr(saved_exr({"RGB": EXR_IMAGE}, pixelAspectRatio=2.0), "a", remarks.append)
    assert remarks == ["has pixels 2 times as wide as high and is not resized"]


def test_texts_that_are_no_utf8():
    texts = {"comment": "hello", "other": ["hello", "hello"]}
    data = saved_exr(layer("hello", R, G, B), **texts)
    damaged = data.replace(b"hello", b"h\xe9llo").replace(b"comment", b"comm\xe9nt")
    np.testing.assert_array_equal(decode_exr(damaged, "a"), EXR_IMAGE)
    with pytest.raises(InputError, match=r"'x'; give one of h.?llo"):
        exr.decode_exr(damaged, "a", [].append, "x")
    for end in range(8, damaged.index(b"screenWindowWidth")):
        with pytest.raises(InputError, match=r"^a: "):
            decode_exr(damaged[:end], "a")


def test_parts_with_texts_that_are_no_utf8():
    stream = io.BytesIO()
    parts = [
        OpenEXR.Part({**PART, "name": "zhello"}, {"Z": R}),
        OpenEXR.Part({**PART, "name": "ahello", "owner": "hello"}, {"RGB": EXR_IMAGE}),
    ]
    OpenEXR.File(parts).write(stream)
    data = stream.getvalue().replace(b"hello", b"h\xe9llo")
    np.testing.assert_array_equal(decode_exr(data, "a"), EXR_IMAGE)


def test_deep_data_are_called_deep():
    samples = np.empty((4, 6), object)
    for index in np.ndindex(4, 6):
        samples[index] = np.ones(1, np.float32)
    deep = saved_exr(dict.fromkeys("RGB", samples), "ZIPS", type=OpenEXR.deepscanline)
    for data in (deep, deep[:200]):
        with pytest.raises(InputError, match=r"^a: holds deep"):
            decode_exr(data, "a")


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


def test_first_part_of_an_exr_with_a_picture():
    stream = io.BytesIO()
    parts = [
        OpenEXR.Part({**PART, "name": "depth"}, {"Z": R}),
        OpenEXR.Part({**PART, "name": "beauty"}, {"R": R, "G": G, "B": B}),
        OpenEXR.Part({**PART, "name": "other"}, {"RGB": EXR_IMAGE * 2}),
    ]
    OpenEXR.File(parts).write(stream)
    np.testing.assert_array_equal(decode_exr(stream.getvalue(), "a"), EXR_IMAGE)
    image = exr.decode_exr(stream.getvalue(), "a", [].append, "other")
    np.testing.assert_array_equal(image, EXR_IMAGE * 2)


@pytest.mark.parametrize(
    "data, words",
    [
        (
            saved_exr(
                {"R": R.astype(np.uint32), "G": R.astype(np.uint32), "B": R.astype(np.uint32)}
            ),
            "integer",
        ),
        (saved_exr({"Z": R}), "neither .* but Z"),
        (saved_exr({"R": R, "G": G}), "neither .* but G, R"),
        (saved_exr({"X": R, "Y": G, "Z": B}), "neither .* but X, Y, Z"),
        (b"v/1\x01 and no more", "header"),
    ],
)
def test_refused_exr(data, words):
    with pytest.raises(InputError, match=f"^a: .*{words}"):
        decode_exr(data, "a")


def test_subsampled_exr():
    with pytest.raises(InputError, match="subsampled"):
        decode_exr(subsampled_exr(4, 6, {"Y": (R[::2, ::2], 2)}), "a")


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

"""What cameras and phones write, what imageio reads, and which of it a folder gives."""

import imagecodecs
import imageio.v3 as iio
import numpy as np
import pytest
from helpers.hdr_files import write_hdr
from helpers.photo_files import BT2020, LINEAR, dng, gain_map_jpeg, icc_profile
from PIL import Image

from data.pictures import find_hdr, list_hdr, raw, read_hdr, read_hdr_with_remarks
from standards.srgb import srgb_decode
from system.errors import InputError

FEW_VALUES = "looks display-encoded; scene-linear light is expected"
# A ramp under colored light: demosaicing gives it back away from the borders.
RAMP = np.linspace(0.05, 0.9, 96)[None, :, None] * np.ones((64, 1, 1)) * [1, 0.5, 0.25]


@pytest.mark.parametrize("to_half", [False, True])
@pytest.mark.parametrize("neutral", [(1, 1, 1), (0.5, 1, 0.8)])
def test_raw_is_linear_and_balanced(tmp_path, to_half, neutral):
    path = tmp_path / "a.dng"
    path.write_bytes(dng(RAMP, neutral))
    image, remarks = read_hdr_with_remarks(path, to_half=to_half)
    expected = RAMP[::2, ::2] if to_half else RAMP
    assert image.shape == expected.shape and image.dtype == np.float32
    assert not [remark for remark in remarks if remark != FEW_VALUES]
    ratio = (image / expected)[4:-4, 4:-4]  # one scale for all: LibRaw makes the white 1
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=0.08)
    np.testing.assert_allclose(np.median(ratio, axis=(0, 1)), np.median(ratio), rtol=0.02)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.nef").write_bytes(dng(RAMP))
    monkeypatch.setattr(raw, "rawpy", None)
    with pytest.raises(InputError, match=r"rawpy; pip install -r requirements-formats\.txt"):
        read_hdr(tmp_path / "a.nef")


@pytest.mark.parametrize("name", ["a.dng", "a.cr2", "a.jpg"])
def test_damaged_photos(tmp_path, name):
    data = gain_map_jpeg(CODES, GAIN, 2) if name == "a.jpg" else dng(RAMP)
    for end in (4, 50, len(data) // 2, len(data) * 3 // 4):
        (tmp_path / name).write_bytes(data[:end])
        with pytest.raises(InputError, match=name):
            read_hdr(tmp_path / name)


CODES = np.full((64, 80, 3), (200, 120, 60), np.uint8)
GAIN = np.zeros((64, 80), np.uint8)
GAIN[32:] = 255


def test_a_gain_map_of_the_xmp_form(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(gain_map_jpeg(CODES, GAIN, 2))
    image, remarks = read_hdr_with_remarks(path)
    assert image.shape == (64, 80, 3) and remarks == (FEW_VALUES,)
    light = srgb_decode(CODES[0, 0] / 255)
    np.testing.assert_allclose(image[8, 8], light, rtol=0.03)
    np.testing.assert_allclose(image[56, 8], 4 * light, rtol=0.03)


# SMPTE EG 432-1; ITU-R BT.2087-0, M2.
P3_TO_BT709 = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)


@pytest.mark.parametrize("gamut", ["BT_709", "DISPLAY_P3", "BT_2100"])
def test_a_gain_map_of_iso_21496(tmp_path, gamut):
    ramp = np.ones((64, 96, 4), np.float16)
    ramp[:, :, :3] = 6 * RAMP
    gamuts = imagecodecs.ULTRAHDR.CG
    path = tmp_path / "a.jpeg"
    path.write_bytes(imagecodecs.ultrahdr_encode(ramp, gamut=gamuts[gamut], level=100))
    matrix = {"BT_709": np.eye(3), "DISPLAY_P3": P3_TO_BT709, "BT_2100": BT2020_TO_BT709}[gamut]
    expected = 6 * RAMP @ np.transpose(matrix)
    np.testing.assert_allclose(read_hdr(path), expected.clip(0), rtol=0.05, atol=0.12)


def test_the_profile_and_orientation_of_a_gain_map_jpeg(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    profile = icc_profile(BT2020, LINEAR)
    path = tmp_path / "a.jpg"
    path.write_bytes(gain_map_jpeg(CODES, GAIN, 2, icc_profile=profile, exif=exif))
    image = read_hdr(path)
    light = BT2020_TO_BT709 @ srgb_decode(CODES[0, 0] / 255)
    np.testing.assert_allclose(image[56, 8], light, rtol=0.05, atol=0.01)
    np.testing.assert_allclose(image[8, 8], 4 * light, rtol=0.05, atol=0.04)


def test_a_plain_jpeg_is_no_hdr_picture(tmp_path):
    Image.fromarray(CODES).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"'\.jpg' is no HDR suffix|uint8 samples"):
        read_hdr(tmp_path / "a.jpg")


def test_a_folder_gives_no_partners_and_results(tmp_path):
    image = RAMP.astype(np.float32)
    write_hdr(tmp_path / "a.pfm", image)
    (tmp_path / "b.DNG").write_bytes(dng(RAMP))
    (tmp_path / "c.jpg").write_bytes(gain_map_jpeg(CODES, GAIN, 2))
    Image.fromarray(CODES).save(tmp_path / "d.jpg")
    (tmp_path / "e.jpg").mkdir()
    iio.imwrite(tmp_path / "f.im", image[:, :, 0])
    expected = [tmp_path / name for name in ("a.pfm", "b.DNG", "c.jpg")]
    assert list_hdr([tmp_path]) == expected
    named = [tmp_path / "d.jpg", tmp_path / "f.im"]  # the reader tells
    assert find_hdr([tmp_path, *named]) == [*expected, *named]


@pytest.mark.parametrize("suffix", [".im", ".npz", ".lsm"])
def test_what_imageio_reads_as_floats(tmp_path, suffix):
    path, image = tmp_path / f"a{suffix}", RAMP[:, :, 0].astype(np.float32)
    if suffix == ".npz":
        np.savez(path, image)
    elif suffix == ".lsm":
        iio.imwrite(tmp_path / "a.tif", image)
        (tmp_path / "a.tif").rename(path)
    else:
        Image.fromarray(image).save(path)
    read, remarks = read_hdr_with_remarks(path)
    np.testing.assert_array_equal(read, np.dstack([image] * 3))
    assert "imageio" in remarks[0]


@pytest.mark.parametrize("suffix", [".gif", ".ppm", ".bmp", ".png", ".webp"])
def test_integers_of_imageio_are_refused(tmp_path, suffix):
    Image.fromarray(CODES).save(tmp_path / f"a{suffix}")
    with pytest.raises(InputError, match=r"uint8 samples, no scene-linear ones; give one of \.hdr"):
        read_hdr(tmp_path / f"a{suffix}")

"""Reading and writing by name, SDR files, and what every picture goes through."""

import os
import struct
import tracemalloc

import cv2
import numpy as np
import pytest
from helpers.hdr_files import saved_exr, write_hdr

from data.pictures import HDR_SUFFIXES, SDR_SUFFIXES, read_hdr, read_sdr, write_sdr
from data.pictures.sanitize import as_rgb, check_size, clean, looks_display_encoded
from data.pictures.sdr import decode_sdr, encode_sdr
from system import quiet
from system.errors import InputError

# Samples that RGBE holds exactly, with highlights far over 1.
IMAGE = np.random.default_rng(0).integers(128, 256, (6, 20, 3)).astype(np.float32)
CODES = IMAGE.astype(np.uint8)
NAMES = ["plain", "with space", "ünïcødé 写真", "-dash", "x" * 245, "two.dots"]


@pytest.mark.parametrize("suffix", [".hdr", ".exr", ".pfm", ".npy", ".HDR"])
@pytest.mark.parametrize("name", NAMES)
def test_hdr_round_trip(tmp_path, monkeypatch, suffix, name):
    monkeypatch.chdir(tmp_path)
    write_hdr(name + suffix, IMAGE)
    image = read_hdr(name + suffix)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, IMAGE)
    assert os.listdir() == [name + suffix]


@pytest.mark.parametrize("suffix", [".tif", ".tiff"])
def test_float_tiff(tmp_path, suffix):
    path = tmp_path / f"ü{suffix}"
    path.write_bytes(cv2.imencode(suffix, IMAGE[:, :, ::-1])[1].tobytes())
    np.testing.assert_array_equal(read_hdr(path), IMAGE)


def test_remarks_are_logged_once_and_name_the_file(tmp_path, caplog):
    path = tmp_path / "odd.npy"
    np.save(path, np.array([[[np.nan, 1, -2]]], np.float32))
    for _ in range(2):
        np.testing.assert_array_equal(read_hdr(path), [[[0, 1, 0]]])
    (text,) = caplog.messages
    assert text.startswith(f"{path}: 1 NaN, 0 infinite and 1 negative")


def test_pic_is_radiance(tmp_path):
    write_hdr(tmp_path / "a.hdr", IMAGE)
    (tmp_path / "a.hdr").rename(tmp_path / "a.pic")
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.pic"), IMAGE)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".PNG"])
@pytest.mark.parametrize("name", NAMES)
def test_sdr_round_trip(tmp_path, monkeypatch, suffix, name):
    monkeypatch.chdir(tmp_path)
    write_sdr(name + suffix, np.full((9, 11, 3), (250, 120, 10), np.uint8))
    image = read_sdr(name + suffix)
    assert image.shape == (9, 11, 3)
    assert np.abs(image.astype(int) - (250, 120, 10)).max() <= (0 if "png" in suffix.lower() else 2)
    assert os.listdir() == [name + suffix]


@pytest.mark.parametrize("read", [read_hdr, read_sdr])
def test_bad_files(tmp_path, read):
    suffix = ".tif"
    (tmp_path / f"empty{suffix}").touch()
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"loop{suffix}").symlink_to(f"loop{suffix}")
    (tmp_path / f"text{suffix}").write_text("not a picture")
    (tmp_path / "a.txt").write_text("not a picture")
    (tmp_path / suffix).write_text("a hidden file without a suffix")
    names = ["empty.tif", "folder.tif", "loop.tif", "text.tif", "a.txt", ".tif", "missing.tif"]
    for name in [*names, "x" * 300 + ".tif"]:
        with pytest.raises(InputError) as caught:
            read(tmp_path / name)
        message = str(caught.value)
        assert message.startswith(str(tmp_path / name))
        assert message.endswith(".")
        assert "\n" not in message


def test_libraries_print_nothing(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(quiet, "_streams_are_apart", True)  # pytest-xdist has threads
    (tmp_path / "a.exr").write_bytes(saved_exr({"RGB": IMAGE})[:-40])
    with pytest.raises(InputError):
        read_hdr(tmp_path / "a.exr")
    os.write(2, b"afterwards")
    assert capfd.readouterr() == ("", "afterwards")


def test_unsupported_suffixes_name_the_supported(tmp_path):
    for read, suffixes in ((read_hdr, HDR_SUFFIXES), (read_sdr, SDR_SUFFIXES)):
        (tmp_path / "a.txt").write_text("a")
        with pytest.raises(InputError, match=", ".join(suffixes).replace(".", r"\.")):
            read(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"use \.jpg"):
        write_sdr(tmp_path / "a.webp", CODES)


def test_the_writer_checks_the_array(tmp_path):
    for image in (IMAGE, CODES[:, :, 0], CODES[:0], CODES[:, :, :2]):
        with pytest.raises(ValueError):
            write_sdr(tmp_path / "a.png", image)
    assert os.listdir(tmp_path) == []


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for name in ("missing/a.png", "folder.png", "x" * 300 + ".png"):
        with pytest.raises(InputError, match=name):
            write_sdr(tmp_path / name, CODES)
    assert os.listdir(tmp_path) == ["folder.png"]


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.hdr", b"#?RADIANCE\n\n-Y 30000 +X 30000\n"),
        ("a.pfm", b"PF\n30000 30000\n-1\n"),
        (
            "a.npy",
            b"\x93NUMPY\1\0\x4e\0"
            + b"{'descr': '<f4', 'fortran_order': False, 'shape': (30000, 30000, 3), }".ljust(78),
        ),
    ],
)
def test_claims_are_refused_without_allocation(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.ljust(100, b"\0"))
    tracemalloc.start()
    with pytest.raises(InputError, match="claims"):
        read_hdr(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_clean():
    nan, inf = np.nan, np.inf
    image = np.array([[[nan, inf, -inf], [-1, 3, 0]]], np.float32)
    mended, counts = clean(image)
    np.testing.assert_array_equal(mended, [[[0, 3, 0], [0, 3, 0]]])
    assert counts == (1, 1, 2)
    assert np.isnan(image[0, 0, 0])  # the input is left alone


def test_clean_leaves_a_good_picture():
    image = np.ones((2, 2, 3), np.float32)
    mended, counts = clean(image)
    assert mended is image
    assert counts == (0, 0, 0)


def test_clean_infinity_over_negatives():
    mended, _ = clean(np.array([np.inf, -2], np.float32))
    np.testing.assert_array_equal(mended, [0, 0])


def test_clean_refuses_nothing_finite():
    with pytest.raises(InputError, match=r"a\.hdr: no sample"):
        clean(np.full((2, 2, 3), np.inf, np.float32), "a.hdr")


def test_as_rgb():
    grey = np.arange(6.0).reshape(2, 3)
    for image in (grey, grey[:, :, None]):
        rgb = as_rgb("a", image)
        assert rgb.shape == (2, 3, 3)
        assert (rgb == grey[:, :, None]).all()
    assert as_rgb("a", np.zeros((2, 3, 4))).shape == (2, 3, 3)
    with pytest.raises(InputError, match="2×3×2"):
        as_rgb("a", np.zeros((2, 3, 2)))


def test_check_size():
    check_size("a", 1, 2**16)
    for height, width in ((0, 5), (5, 0), (-1, 5), (1, 2**16 + 1), (2**15, 2**14)):
        with pytest.raises(InputError):
            check_size("a", height, width)


def test_looks_display_encoded():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (64, 64, 3)).astype(np.float32)
    for image in (codes, codes / 255, (codes / 255) ** 2.2):
        assert looks_display_encoded(image)
    scene = np.exp(rng.normal(-3, 2, (64, 64, 3))).astype(np.float32)
    assert not looks_display_encoded(scene)
    assert not looks_display_encoded(scene / scene.max())
    assert not looks_display_encoded(codes * 2)
    assert not looks_display_encoded(codes[:8, :8])  # too few to tell


SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8), (24, 16))


def encoded(suffix, image=SMOOTH, *settings):
    return cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image, settings)[
        1
    ].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_lossless(suffix):
    image = decode_sdr(encoded(suffix, SMOOTH, cv2.IMWRITE_WEBP_QUALITY, 101), "a")
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, SMOOTH)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy(suffix):
    image = decode_sdr(encoded(suffix, SMOOTH), "a")
    assert np.abs(image.astype(int) - SMOOTH).mean() < 12


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits(suffix):
    image = SMOOTH.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_sdr(encoded(suffix, image), "a"), image)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg"])
def test_grey_sdr(suffix):
    image = decode_sdr(encoded(suffix, SMOOTH[:, :, 0]), "a")
    assert image.shape == (16, 24, 3)
    assert (image == image[:, :, :1]).all()


def test_alpha_is_dropped():
    with_alpha = np.dstack([SMOOTH[:, :, ::-1], SMOOTH[:, :, 0]])
    for suffix in (".png", ".tif"):
        data = cv2.imencode(suffix, with_alpha)[1].tobytes()
        np.testing.assert_array_equal(decode_sdr(data, "a"), SMOOTH)


@pytest.mark.parametrize("orientation", [*range(10), "damaged"])
def test_exif_orientation_is_applied(orientation):
    data = encoded(".jpg")
    number = b"\xff\xff" if orientation == "damaged" else struct.pack(">H", orientation)
    segment = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1" + number + bytes(6)
    turned = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    expected = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert (expected.shape == (24, 16, 3)) == (orientation in (5, 6, 7, 8))
    difference = np.abs(decode_sdr(turned, "a").astype(int) - expected)
    assert difference.max() <= 8  # two decoders


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_truncation_of_sdr(suffix):
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
    data = encoded(".jpg", SMOOTH, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    decode_sdr(data, "a")
    for end in range(1, len(data)):
        with pytest.raises(InputError):
            decode_sdr(data[:end], "a")


def test_claims_of_sdr():
    png = encoded(".png")
    for side in (0, 30000, 2**31 - 1):
        with pytest.raises(InputError):
            decode_sdr(png[:16] + struct.pack(">II", side, side) + png[24:], "a")
    jpeg = bytearray(encoded(".jpg"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 60000, 4000)
    with pytest.raises(InputError, match="claims"):
        decode_sdr(bytes(jpeg), "a")


def test_a_chunk_of_a_png_that_claims_much_is_refused():
    png = bytearray(encoded(".png", SMOOTH.astype(np.uint16) * 257))
    at = png.index(b"IDAT") - 4
    png[at : at + 2] = b"\xff\xff"
    with pytest.raises(InputError, match="cut short"):
        decode_sdr(bytes(png), "a")


def test_blank_pictures_are_not_taken_for_bombs():
    blank = np.zeros((2000, 3000, 3), np.uint8)
    for suffix in (".jpg", ".png", ".webp"):
        assert decode_sdr(encoded(suffix, blank), "a").shape == blank.shape


@pytest.mark.parametrize("data", [b"GIF89a" + bytes(50), b"#?RADIANCE\n", b"x"])
def test_other_formats(data):
    with pytest.raises(InputError, match="is not a JPEG"):
        decode_sdr(data, "a")


def test_float_tiff_as_sdr_is_refused():
    data = encoded(".tif", SMOOTH.astype(np.float32))
    with pytest.raises(InputError, match="8 or 16 bits"):
        decode_sdr(data, "a")


def test_encode():
    np.testing.assert_array_equal(decode_sdr(encode_sdr(SMOOTH, ".png", 95), "a"), SMOOTH)
    jpeg = encode_sdr(SMOOTH, ".jpg", 100)
    assert np.abs(decode_sdr(jpeg, "a").astype(int) - SMOOTH).max() <= 6
    frame = jpeg.index(b"\xff\xc0")
    assert jpeg[frame + 11] == 0x11  # sampling of luminance: chroma is full size
    assert len(encode_sdr(SMOOTH, ".jpg", 20)) < len(jpeg)

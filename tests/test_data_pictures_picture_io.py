import os
import tracemalloc

import cv2
import numpy as np
import pytest

from data.pictures import (
    HDR_SUFFIXES,
    SDR_SUFFIXES,
    read_hdr,
    read_hdr_counted,
    read_sdr,
    write_hdr,
    write_sdr,
)
from data.pictures.sanitize import MAX_PIXELS
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


def test_pic_is_radiance(tmp_path):
    write_hdr(tmp_path / "a.hdr", IMAGE)
    (tmp_path / "a.hdr").rename(tmp_path / "a.pic")
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.pic"), IMAGE)


@pytest.mark.parametrize("width", [1, 7, 8])
def test_narrow_radiance(tmp_path, width):
    # Under 8 pixels the encoder writes flat scanlines.
    write_hdr(tmp_path / "a.hdr", IMAGE[:, :width])
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.hdr"), IMAGE[:, :width])


def test_radiance_precision(tmp_path):
    scene = np.exp(np.random.default_rng(1).normal(0, 4, (30, 40, 3))).astype(np.float32)
    write_hdr(tmp_path / "a.hdr", scene)
    step = scene.max(axis=2, keepdims=True) / 128
    assert (np.abs(read_hdr(tmp_path / "a.hdr") - scene) <= step).all()


def test_samples_are_mended_and_counted(tmp_path):
    image = IMAGE.copy()
    image[0, 0] = np.nan, np.inf, -np.inf
    image[1, 1, 1] = -1
    np.save(tmp_path / "a.npy", image)
    mended, counts = read_hdr_counted(tmp_path / "a.npy")
    assert counts == (1, 1, 2)
    assert mended[0, 0].tolist() == [0, IMAGE.max(), 0]
    np.testing.assert_array_equal(mended, read_hdr(tmp_path / "a.npy"))
    np.save(tmp_path / "b.npy", np.full((2, 2), np.nan))
    with pytest.raises(InputError, match=r"b\.npy: no sample"):
        read_hdr(tmp_path / "b.npy")


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


@pytest.mark.parametrize("suffix", HDR_SUFFIXES)
@pytest.mark.parametrize("content, kind", [(".jpg", "JPEG"), (".png", "PNG")])
def test_sdr_named_as_hdr(tmp_path, suffix, content, kind):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(content, CODES)[1].tobytes())
    with pytest.raises(InputError, match=f"8-bit picture .{kind}. named {suffix}"):
        read_hdr(path)


def test_hdr_with_another_suffix(tmp_path):
    for written, named in ((".exr", ".hdr"), (".hdr", ".exr"), (".npy", ".pfm"), (".pfm", ".tif")):
        write_hdr(tmp_path / f"a{written}", IMAGE)
        (tmp_path / f"a{written}").rename(tmp_path / f"a{named}")
        with pytest.raises(InputError, match=f"rename it to end in {written}"):
            read_hdr(tmp_path / f"a{named}")


def test_unsupported_suffixes_name_the_supported(tmp_path):
    for read, suffixes in ((read_hdr, HDR_SUFFIXES), (read_sdr, SDR_SUFFIXES)):
        with pytest.raises(InputError, match=", ".join(suffixes).replace(".", r"\.")):
            read(tmp_path / "a.gif")
    with pytest.raises(InputError, match=r"use \.jpg"):
        write_sdr(tmp_path / "a.webp", CODES)
    with pytest.raises(InputError, match=r"use \.hdr"):
        write_hdr(tmp_path / "a.tif", IMAGE)


def test_writers_check_the_array(tmp_path):
    for image in (IMAGE, CODES[:, :, 0], CODES[:0], CODES[:, :, :2]):
        with pytest.raises(ValueError):
            write_sdr(tmp_path / "a.png", image)
    for image in (
        CODES,
        -IMAGE,
        IMAGE * np.float32(np.nan),
        IMAGE + np.float32(np.inf),
        IMAGE * np.float32(1e36),
    ):
        with pytest.raises(ValueError):
            write_hdr(tmp_path / "a.hdr", image)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("write, image", [(write_hdr, IMAGE), (write_sdr, CODES)])
def test_writers_name_the_file(tmp_path, write, image):
    suffix = ".hdr" if write is write_hdr else ".png"
    (tmp_path / f"folder{suffix}").mkdir()
    for name in (f"missing/a{suffix}", f"folder{suffix}", "x" * 300 + suffix):
        with pytest.raises(InputError, match=name):
            write(tmp_path / name, image)
    assert os.listdir(tmp_path) == [f"folder{suffix}"]


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


def fuzz_seeds(tmp_path):
    """Small files of every format, as (reader, name, bytes)."""
    for suffix in (".hdr", ".exr", ".pfm", ".npy"):
        write_hdr(tmp_path / f"seed{suffix}", IMAGE)
        yield read_hdr, f"a{suffix}", (tmp_path / f"seed{suffix}").read_bytes()
    yield read_hdr, "a.hdr", b"#?RGBE\nEXPOSURE=2\n\n+X 3 -Y 2\n" + bytes(range(120, 144))
    yield read_hdr, "a.hdr", b"#?RGBE\n\n-Y 2 +X 9\n" + b"\5\6\7\x80\1\1\1\x08" * 2
    for image in (IMAGE, IMAGE.astype(np.float64)):
        yield read_hdr, "a.tif", cv2.imencode(".tif", image)[1].tobytes()
    for suffix in (".jpg", ".png", ".tif", ".bmp", ".webp"):
        yield read_sdr, f"a{suffix}", cv2.imencode(suffix, CODES)[1].tobytes()


def test_fuzz(tmp_path):
    """Damaged files give InputError or a picture, and nothing else."""
    rng = np.random.default_rng(0)
    for read, name, seed in fuzz_seeds(tmp_path):
        path = tmp_path / name
        for _ in range(160):
            data = bytearray(seed)
            # Half of the damage goes to the first bytes, where the headers are.
            reach = len(data) if rng.random() < 0.5 else min(len(data), 120)
            for _ in range(rng.integers(1, 5)):
                data[rng.integers(reach)] ^= 1 << int(rng.integers(8))
            if rng.random() < 0.2:
                del data[rng.integers(1, len(data)) :]
            path.write_bytes(data)
            try:
                image = read(path)
            except InputError as error:
                assert str(error).startswith(str(path))
            else:
                assert image.ndim == 3
                assert image.shape[2] == 3
                assert 0 < image.size <= 3 * MAX_PIXELS
                assert np.isfinite(image).all()

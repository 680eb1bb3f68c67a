"""Results: sRGB, 16 bits, other people's files; exposure, strength and panoramas."""

import io
import shutil
import struct
import subprocess

import cv2
import imagecodecs
import numpy as np
import pytest
from conftest import GOLDEN, SHIPPED, run_script, scene
from helpers.hdr_files import write_hdr
from PIL import Image, ImageCms

from data.pictures import read_sdr, write_sdr
from data.pictures.ultrahdr import encode_ultrahdr
from data.preparation import normalize
from data.preparation.prepare import prepare_picture
from inference.operator import Operator
from inference.results import FORMATS, Prepared, Results, exposed
from metrics.operators import OPERATORS

RGB = scene(64, 72)
RGB[20:28, 30:38] *= 60


@pytest.fixture(scope="module")
def operator():
    return Operator(SHIPPED)


@pytest.fixture(scope="module")
def written(operator, tmp_path_factory):
    """The file of each format that shows RGB."""
    folder, layers = tmp_path_factory.mktemp("written"), prepare_picture(RGB, operator.preparation)
    for form in FORMATS:
        results = Results(folder, set(), format=form)
        assert [*results.write_all(iter([Prepared(form, layers, RGB)]), operator)] == [None]
    return {form: folder / f"{form}.{ending}" for form, (ending, _) in FORMATS.items()}


@pytest.mark.parametrize("form", FORMATS)
def test_files_say_srgb_and_who_made_them_and_nothing_else(written, form):
    with Image.open(written[form]) as picture:
        texts = {key: text for key, text in picture.getexif().items() if isinstance(text, str)}
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    assert texts == {305: "IQATM for TensorFlow 2"}
    colors = Image.fromarray(np.uint8([[[255, 0, 0], [0, 0, 255], [128, 128, 128]]]))
    lab = ImageCms.createProfile("LAB")
    found = np.asarray(ImageCms.profileToProfile(colors, profile, lab, outputMode="LAB"))[0]
    # Lightness of sRGB's red, blue and a gray under D50, 0 to 100, and red's a* and b*.
    np.testing.assert_allclose(found[:, 0] / 2.55, [54.29, 29.57, 53.59], atol=0.3)
    np.testing.assert_allclose(found[0, 1:].astype(np.int8), [80.8, 69.9], atol=1)
    commands = {
        ("identify", "-format", "%[colorspace] %[profile:icc]"): "sRGB sRGB built-in",
        ("exiftool", "-s3", "-ProfileDescription", "-Warning"): "sRGB built-in",
    }
    for command, says in commands.items():
        if shutil.which(command[0]):
            done = subprocess.run([*command, written[form]], capture_output=True, text=True)
            assert done.stdout.strip() == says
    # Only a JPEG names the block, and once.
    named = written[form].read_bytes().count(b"Exif\0\0")
    assert named == (written[form].suffix == ".jpg")


def test_16_bits_are_of_the_float_picture(written):
    eight = read_sdr(written["png"])
    for form in ("png16", "tif16"):
        sixteen = read_sdr(written[form])
        assert sixteen.dtype == np.uint16 and len(np.unique(sixteen)) > 2000
        assert np.abs(sixteen / 257 - eight).max() <= 0.5 + 1 / 257
    np.testing.assert_array_equal(read_sdr(written["png16"]), read_sdr(written["tif16"]))
    assert np.abs(read_sdr(written["jpg"]) - eight.astype(int)).mean() < 2


def test_ultrahdr_shows_our_picture_and_holds_the_scene(operator, written):
    np.testing.assert_array_equal(read_sdr(written["ultrahdr"]), read_sdr(written["jpg"]))
    light = exposed(RGB, operator(RGB))
    assert light.max() > 32 and np.median(light) < 1
    data = written["ultrahdr"].read_bytes()
    decoded = imagecodecs.ultrahdr_decode(data)[..., :3].astype(float)
    seen = (light > 0.01) & (light < 16)
    np.testing.assert_allclose(decoded[seen], light[seen], rtol=0.05)
    assert np.abs(decoded - light)[light <= 0.01].max(initial=0) < 1e-3
    assert decoded[light >= 16].min() > 15
    # Where the multi-picture format says that the map begins, one does (CIPA DC-007).
    start = data.index(b"MPF\0") + 4
    size, offset = struct.unpack_from("<LL", data, start + 50 + 16 + 4)
    assert data[start + offset :][:3] == b"\xff\xd8\xff" and start + offset + size == len(data)
    black = encode_ultrahdr(np.zeros((8, 8, 3), np.uint8), 0 * RGB[:8, :8], 90)
    assert not imagecodecs.ultrahdr_decode(black)[..., :3].any()


def test_a_file_of_another_program_and_an_input_stay(tmp_path):
    """And what this program wrote before is replaced."""
    for name in ("a.hdr", "b.hdr"):
        write_hdr(tmp_path / name, RGB)
    flags = ("--set", f"model.ckp_path_ft={GOLDEN / 'ftlayer'}", "--output", tmp_path)
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    write_sdr(tmp_path / "b.png", np.zeros((9, 9, 3), np.uint8))
    outcome = run_script("test.py", tmp_path / "a.hdr", tmp_path / "b.hdr", *flags, "--format=png")
    assert outcome.returncode == 1 and outcome.stdout.endswith("1 written, 1 skipped\n")
    assert (
        f"skipped: {tmp_path / 'a.png'}: is there and was not made by this program; move it, name "
        "another folder with --output, or replace it with --overwrite\n"
    ) in outcome.stderr
    assert (tmp_path / "a.png").read_bytes() == before
    assert read_sdr(tmp_path / "b.png").shape == RGB.shape
    tiff = cv2.imencode(".tif", RGB[:, :, ::-1])[1].tobytes()
    (tmp_path / "a.tif").write_bytes(tiff)
    arguments = (tmp_path / "a.hdr", tmp_path / "a.tif", *flags, "--overwrite", "--format")
    assert run_script("test.py", *arguments, "png").returncode == 0
    for name in ("a.hdr", "a.tif"):
        assert (tmp_path / f"{tmp_path.name}_{name}.png").exists()
    outcome = run_script("test.py", tmp_path / "a.tif", *flags, "--overwrite", "--format", "tif16")
    assert outcome.returncode == 1 and "a.tif: is itself to be tone-mapped" in outcome.stderr
    assert (tmp_path / "a.tif").read_bytes() == tiff
    outcome = run_script("test.py", tmp_path / "b.hdr", *flags, "--format", "tif16")
    assert outcome.returncode == 0 and read_sdr(tmp_path / "b.tif").dtype == np.uint16
    again = run_script("test.py", tmp_path, *flags, "--format", "tif16")  # a.hdr, a.tif, b.hdr
    assert again.returncode == 0 and again.stdout.endswith("3 written, 0 skipped\n"), again.stderr


def test_strength_mixes_codes_with_reinhards(operator):
    whole = operator(RGB).astype(int)
    plain = OPERATORS["reinhard_global"](RGB).astype(int)
    np.testing.assert_array_equal(operator(RGB, strength=0), plain)
    half = operator(RGB, strength=0.5)
    assert np.abs(half - (whole + plain) / 2).max() <= 0.5
    sixteen = operator(RGB, strength=0.5, dtype=np.uint16)
    assert np.abs(sixteen / 257 - (whole + plain) / 2).max() <= 0.5
    brighter = operator(RGB, exposure=1, strength=0)
    assert (brighter >= plain).all() and brighter.mean() > plain.mean() + 10
    assert not operator(np.zeros_like(RGB), strength=0.3).any()


def test_exposure_moves_the_limit_of_the_highlights(operator):
    k = int(RGB.size * normalize.CLIPPED_FRACTION)
    limit = np.sort(RGB, axis=None)[-k]
    for stops, top in ((1, limit / 2), (2, limit / 4), (-1, min(2 * limit, RGB.max()))):
        expected = (np.minimum(RGB, top) - RGB.min()) / (top - RGB.min())
        normalized = operator.prepared(RGB, exposure=stops).normalized
        np.testing.assert_allclose(normalized ** (1 / normalize.GAMMA), expected, atol=2e-6)
    assert (operator(RGB, exposure=1) != operator(RGB)).any()


def test_wrapped_pictures_roll(operator):
    panorama = scene(64, 256)
    panorama = np.ascontiguousarray((panorama + panorama[:, ::-1]) / 2)  # without an edge
    wrapped = operator(panorama, wrap=True).astype(int)
    rolled = operator(np.roll(panorama, 104, 1), wrap=True)
    assert np.abs(np.roll(wrapped, 104, 1) - rolled).max() <= 1

    def seam(picture):
        return np.abs(picture[:, 0].astype(int) - picture[:, -1]).mean()

    assert seam(wrapped) < 0.3 * seam(operator(panorama))
    assert operator(scene(57, 101), wrap=True).shape == (57, 101, 3)
    layers = operator.pictures(operator.prepared(RGB, wrap=True), ("bot", "input", "output_high"))
    assert [layer.shape for layer in layers.values()] == [(8, 9, 3), RGB.shape, RGB.shape]

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import GOLDEN, ROOT, scene
from helpers.hdr_files import write_hdr

from data.preparation.prepare import Preparation, prepare_picture
from inference import load_operator
from inference.operator import Operator
from models.tone_mapper import PICTURES
from models.weights import default_checkpoint
from system.errors import InputError

PAPER = Preparation("gamma", "bilateral", False, 3)
SHIPPED = ROOT / "checkpoints" / "pretrained" / "ftlayer"


@pytest.fixture(scope="module")
def operator():
    return Operator(SHIPPED, PAPER)


def test_pictures_are_the_plain_networks(operator):
    layers = prepare_picture(scene(64, 80), operator.preparation)
    batch = {"high": layers.high[None], "bot": layers.bot[None]}
    plain = operator.network.predict_on_batch(batch)
    pictures = operator.pictures(layers, PICTURES)
    assert list(pictures) == list(PICTURES)
    for name in PICTURES:
        np.testing.assert_allclose(pictures[name], plain[name][0], rtol=0, atol=1e-4)
    shown = operator.to_display(pictures["output"], layers).astype(int)
    expected = operator.to_display(plain["output"][0], layers).astype(int)
    assert np.abs(shown - expected).max() <= 1
    assert (shown != expected).mean() < 0.001


def test_tone_map_is_preparation_network_and_display(operator, tmp_path):
    picture = scene(120, 136)
    write_hdr(tmp_path / "a.hdr", picture)
    made, seconds = operator.tone_map(tmp_path / "a.hdr", to_half=True)
    assert made.shape == (56, 64, 3) and made.dtype == np.uint8 and seconds > 0
    assert operator.tone_map(tmp_path / "a.hdr")[0].shape == (120, 136, 3)


def test_content_differs_with_all_that_pictures_depend_on():
    variants = [
        Operator(GOLDEN / "ftlayer", PAPER),
        Operator(GOLDEN / "ftlayer", PAPER, "bfloat16"),
        Operator(GOLDEN / "ftlayer", PAPER._replace(fuse_mid_layers=True)),
        Operator(GOLDEN / "ftlayer", PAPER, no_ft_branch=True),
        Operator(GOLDEN / "ftlayer", PAPER, display_settings={"display_saturation": 1.5}),
        Operator(SHIPPED, PAPER),
    ]
    contents = [repr(variant.content()) for variant in variants]
    assert len(set(contents)) == len(variants)
    assert contents[0] == repr(Operator(GOLDEN / "ftlayer", PAPER).content())


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "")])
def test_too_large_a_picture_names_both_remedies(operator, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("inference.strips._convolved", fail)
    layers = prepare_picture(scene(64, 80), operator.preparation)
    with pytest.raises(InputError) as caught:
        operator.pictures(layers)
    assert str(caught.value) == (
        "80x64 pixels do not fit into the memory; try --precision bfloat16 or --test_resize_to_half"
    )
    with pytest.raises(InputError, match="memory; try --test_resize_to_half"):
        Operator(SHIPPED, PAPER, "bfloat16").pictures(layers)


@pytest.mark.parametrize(
    ("precision", "fast", "says"),
    [
        ("bfloat16", False, True),
        ("bfloat16", True, False),
        ("bfloat16", None, False),
        ("float32", False, False),
    ],
)
def test_slow_bfloat16_is_said(monkeypatch, caplog, precision, fast, says):
    monkeypatch.setattr("inference.bfloat16_is_fast", lambda: fast)
    with caplog.at_level("INFO", "inference"):
        load_operator(GOLDEN / "ftlayer", PAPER, precision)
    assert ("bfloat16 will be slow" in caplog.text) == says
    assert "devices: CPU" in caplog.text and "checkpoint: " in caplog.text


@pytest.mark.parametrize("size", [(61, 83), (64, 80), (40, 120), (1, 1), (5, 3)])
def test_any_array_comes_back_in_its_size(operator, size):
    picture = operator(scene(*size) * 1e30)
    assert picture.shape == (*size, 3) and picture.dtype == np.uint8


def test_an_array_is_tone_mapped_as_its_file(operator, tmp_path):
    picture = scene(120, 136)
    write_hdr(tmp_path / "a.pfm", picture)
    np.testing.assert_array_equal(operator(picture), operator.tone_map(tmp_path / "a.pfm")[0])
    assert operator.tone_map(tmp_path / "a.pfm", True, True)[0].shape == (60, 68, 3)


def test_the_border_changes_little_of_a_picture(operator):
    picture = scene(128, 136)
    inside = operator(np.ascontiguousarray(picture[:123, :133])).astype(int)
    assert np.abs(inside - operator(picture)[:123, :133])[:-16, :-16].mean() < 2


def test_the_unit_of_a_scene_does_not_matter(operator):
    picture = scene(72, 96)
    codes = operator(picture).astype(int)
    for power in (-20, -1, 7, 20):
        assert np.abs(operator(picture * np.float32(2.0**power)) - codes).max() <= 1


def test_one_pixel_of_a_million_times_the_rest_changes_no_other(operator):
    picture = scene(72, 96)
    outlier = picture.copy()
    outlier[20, 30] = 1e6 * picture.max()
    difference = np.abs(operator(outlier) - operator(picture).astype(int))
    difference[20, 30] = 0
    assert difference.max() <= 2


@pytest.mark.parametrize("lit", [0, 2, 20, 60])
def test_black_stays_black_and_a_light_is_seen(operator, lit):
    picture = np.zeros((72, 96, 3), "f4")
    picture[5 : 5 + lit, 30 : 30 + lit] = scene(lit, lit) if lit else 0
    codes = operator(picture)
    assert codes[picture.max(-1) == 0].max() <= 8
    assert not lit or codes.max() > 128


def test_kinds_of_arrays(operator):
    rgb = scene(64, 72)
    expected = operator(rgb)
    gray = rgb[:, :, :1]
    alpha = np.dstack([rgb, np.full((64, 72), np.nan, np.float32)])
    same = [(rgb.astype(np.float64), expected), (alpha, expected), (rgb[None], expected[None])]
    same += [(gray[:, :, 0], operator(np.repeat(gray, 3, 2))), (gray, operator(gray[:, :, 0]))]
    for array, picture in same:
        np.testing.assert_array_equal(operator(array), picture)
    batch = np.stack([rgb, rgb[::-1]])
    np.testing.assert_array_equal(operator(batch), [operator(one) for one in batch])
    mended, broken = rgb.copy(), rgb.astype(np.float64)
    mended[0, :3, 0] = 0, 0, rgb.max()
    broken[0, :3, 0] = np.nan, -1, 1e300
    np.testing.assert_array_equal(operator(broken), operator(mended))


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((64, 64, 3), np.uint8), "the picture is uint8, not float"),
        (np.zeros((64, 64, 3), bool), "the picture is bool, not float"),
        (np.zeros((64, 64, 2)), "the array is 64×64×2"),
        (np.zeros(64), "the array is 64;"),
        (np.zeros((0, 64, 3)), "the picture has no pixels"),
        (np.zeros((0, 64, 64, 3)), "the picture has no pixels"),
        (np.full((64, 64, 3), np.nan), "no sample is a finite number"),
    ],
)
def test_other_arrays_are_refused(operator, array, sentence):
    with pytest.raises(InputError, match=sentence):
        operator(array)


def test_layers_are_what_the_branches_read_and_made(operator):
    layers = operator.layers(scene(61, 83))
    assert list(layers) == ["input", "high", "bot", *PICTURES]
    for name, layer in layers.items():
        small = name in ("bot", "output_bot")
        assert layer.shape == ((8, 11, 3) if small else (61, 83, 3)), name
        assert layer.dtype == np.float32
    np.testing.assert_allclose(
        layers["input_ft"], layers["output_high"] + layers["new_bot"], atol=1e-6
    )
    with pytest.raises(InputError, match="the array is 1×61×83×3"):
        operator.layers(scene(61, 83)[None])


def test_default_checkpoint(monkeypatch, tmp_path):
    monkeypatch.setattr("models.weights.CHECKPOINTS", tmp_path)
    monkeypatch.setattr("models.weights.PRETRAINED", tmp_path / "pretrained")
    own, pretrained = tmp_path / "ftlayer", tmp_path / "pretrained" / "ftlayer"
    assert default_checkpoint() == own
    for folder in (pretrained, own):
        folder.mkdir(parents=True)
        assert default_checkpoint() == (pretrained if folder == own else own)
        (folder / "checkpoint").touch()
        assert default_checkpoint() == folder
    assert default_checkpoint("ft", tmp_path / "mine") == pretrained


@pytest.mark.script
def test_three_lines_from_another_folder(tmp_path):
    code = """
import numpy as np
from inference import load_operator
operator = load_operator()
picture = operator(np.random.default_rng(0).random((61, 83, 3)))
assert picture.shape == (61, 83, 3) and picture.dtype == np.uint8
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_unknown_precision_is_one_sentence():
    with pytest.raises(InputError, match="precision is 'half'; it must be"):
        load_operator(GOLDEN / "ftlayer", precision="half")

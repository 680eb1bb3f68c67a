import numpy as np
import pytest
import tensorflow as tf
from conftest import GOLDEN, ROOT, scene

from data.pictures import write_hdr
from data.preparation.prepare import Preparation, prepare_picture
from inference import load_operator
from inference.operator import Operator
from models.tone_mapper import PICTURES
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

    monkeypatch.setattr("inference.strips._normalized", fail)
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

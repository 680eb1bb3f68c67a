from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import scene

import models.display
from data.preparation.normalize import normalize_hdr
from models.display import Display, displayed, stretched, to_display, to_ground_truth
from standards.srgb import srgb_decode

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def picture(*values):
    return np.array(values, np.float32).reshape(1, -1, 3)


def test_minmax_is_the_papers():
    output = picture(0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert Display() == ("minmax", "network", 1.0, 0, 0.0, 0.0, "desaturate")
    shown = displayed(output, output, "gamma", Display())
    np.testing.assert_array_equal(shown.ravel(), [0, 51, 102, 153, 204, 255])
    assert shown.dtype == np.uint8


def test_linear_domain_is_encoded():
    output = picture(0, 0.25, 1)
    shown = displayed(output, output, "linear", Display())
    np.testing.assert_array_equal(shown.ravel(), [0, round(255 * 0.25**0.4545), 255])


def test_clip_cuts_off():
    output = picture(-0.5, 0.5, 1.5)
    shown = displayed(output, output, "gamma", Display("clip"))
    np.testing.assert_array_equal(shown.ravel(), [0, 128, 255])


def test_constant_output_is_finite():
    assert not displayed(picture(0.4, 0.4, 0.4), picture(1, 1, 1), "gamma", Display()).any()


@pytest.mark.parametrize("domain", ["gamma", "linear"])
def test_source_color_keeps_luminance_and_takes_the_chromaticity(domain):
    generator = np.random.default_rng(0)
    light = generator.uniform(0.2, 0.6, (8, 8, 3)).astype("f4")
    output = generator.uniform(0.3, 0.6, (8, 8, 3)).astype("f4")
    normalized = light**0.4545 if domain == "gamma" else light
    shown = displayed(output, normalized, domain, Display("clip", "source"))
    codes = shown / 255
    encoded = output if domain == "gamma" else output**0.4545
    # The result's light has the network's luminance and the source's ratios.
    np.testing.assert_allclose(
        srgb_decode(codes) @ LUMINANCE, srgb_decode(encoded) @ LUMINANCE, atol=0.01
    )
    ratios = srgb_decode(codes) / (srgb_decode(codes) @ LUMINANCE)[..., None]
    expected = light / (light @ LUMINANCE)[..., None]
    np.testing.assert_allclose(ratios, expected, atol=0.05)


def test_source_colour_stays_in_the_gamut_at_its_luminance():
    normalized = picture(0, 0, 1)  # pure blue cannot be bright
    shown = displayed(picture(0.8, 0.8, 0.8), normalized, "linear", Display("clip", "source"))
    light = srgb_decode(shown / 255).ravel()
    assert light[2] == pytest.approx(1, abs=0.01)
    assert light @ LUMINANCE == pytest.approx(srgb_decode(np.array(0.8**0.4545)), abs=0.01)


def test_black_source_becomes_gray():
    shown = displayed(picture(0.5, 0.2, 0.3), picture(0, 0, 0), "gamma", Display("clip", "source"))
    assert np.ptp(shown) == 0 and shown.max() > 0


def test_saturation_spreads_the_ratios():
    normalized, output = picture(0.5, 0.3, 0.2), picture(0.5, 0.5, 0.5)
    spread = [
        np.ptp(displayed(output, normalized, "linear", Display("clip", "source", s)))
        for s in (0.5, 1.0, 1.5)
    ]
    assert spread[0] < spread[1] < spread[2]


def test_what_is_dark_by_far_stays_dark():
    light = np.repeat(np.array([0.001, 0.01, 0.3], np.float32), 3).reshape(1, 3, 3)
    output = np.full_like(light, 0.5)
    made = [
        srgb_decode(displayed(output, light, "linear", display)[0, :, 0] / 255)
        for display in (Display("clip", "source"), Display("clip", "source", shadow_gain=20.0))
    ]
    np.testing.assert_allclose(made[1], [0.02, 0.2, made[0][2]], atol=2e-3)
    assert made[0].min() == made[0].max() > 0.4


def test_stretched_shows_layers_below_zero():
    np.testing.assert_array_equal(stretched(picture(-1, 0, 1)).ravel(), [0, 128, 255])


def test_the_black_offset_brings_the_scenes_ratios_back():
    scene = picture(0.30, 0.20, 0.10, 0.9, 0.5, 0.4).astype("f8")
    normalized = ((scene - scene.min()) / np.ptp(scene)).astype("f4")
    output = picture(0.5, 0.5, 0.5, 0.6, 0.6, 0.6)
    display = Display("clip", "source")
    shown = displayed(output, normalized, "linear", display, scene.min() / np.ptp(scene))
    light = srgb_decode(shown / 255)
    np.testing.assert_allclose(light[0, 0] / light[0, 0, 0], [1, 2 / 3, 1 / 3], atol=0.02)
    without = srgb_decode(displayed(output, normalized, "linear", display) / 255)
    assert without[0, 0, 2] == 0


def test_guided_takes_noise_away_and_keeps_the_scenes_edges():
    generator = np.random.default_rng(5)
    step = np.where(np.arange(64) < 32, 0.01, 0.8)[None, :, None]
    light = np.broadcast_to(step, (48, 64, 3)).astype("f4").copy()
    codes = np.broadcast_to(np.where(step < 0.1, 0.3, 0.7), light.shape)
    output = (codes + generator.normal(0, 0.03, (48, 64, 1))).astype("f4")
    plain, smooth = (
        displayed(output, light, "linear", Display("clip", "source", 1.0, radius))[..., 1]
        for radius in (0, 4)
    )
    for side in (np.s_[:, 4:28], np.s_[:, 36:60]):
        assert smooth[side].std() < 0.3 * plain[side].std()
        assert smooth[side].mean() == pytest.approx(plain[side].mean(), abs=1)
    across = smooth.mean(axis=0)
    assert across[32] - across[31] > 0.9 * (across[60] - across[4])


def test_detail_limits_the_noise_to_so_many_times_the_scenes():
    generator = np.random.default_rng(5)
    stops = generator.normal(0, 0.05, (64, 64, 1))
    source = np.broadcast_to((0.1 * 2**stops) ** 0.4545, (64, 64, 3)).astype("f4")
    output = (source + 0.2 * stops).astype("f4")  # far steeper than the scene

    def steepness(detail):
        display = Display("clip", "source", 1.0, 3, detail)
        shown = to_display(output, source, "gamma", display)[..., 1]
        found = np.log2(srgb_decode(shown.astype("f8")))
        return np.polyfit(stops[8:-8, 8:-8].ravel(), found[8:-8, 8:-8].ravel(), 1)[0]

    free = steepness(0.0)
    assert free > 1.8
    assert steepness(1.5) == pytest.approx(1.5, abs=0.08)
    assert steepness(1.0) == pytest.approx(1.0, abs=0.05)
    assert steepness(10.0) == pytest.approx(free, rel=1e-3)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize(
    "display",
    [
        Display(),
        Display("clip", "source", 1.2),
        Display("minmax", "source", 0.8, 1),
        Display("clip", "source", 1.0, 50),  # larger than the picture
        Display("clip", "source", 1.0, 3, 1.5, 2.0, "darken"),
    ],
)
def test_bands_of_rows_change_nothing(monkeypatch, domain, display):
    generator = np.random.default_rng(0)
    output = generator.normal(0.5, 0.4, (37, 29, 3)).astype("f4")
    normalized = generator.random((37, 29, 3), dtype="f4")
    whole = displayed(output, normalized, domain, display, 1e-3)
    monkeypatch.setattr(models.display, "BAND_PIXELS", 29 * 5)
    np.testing.assert_array_equal(displayed(output, normalized, domain, display, 1e-3), whole)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize(
    "display",
    [
        *(Display(*fields) for fields in product(("minmax", "clip"), ("network", "source"))),
        Display("clip", "source", 1.7),
        Display("minmax", "source", 0.8, 3),
        Display("clip", "source", 1.0, 90),
        Display("clip", "source", 1.0, 3, 1.5, 0.0, "clip"),
        Display("clip", "source", 1.0, 2, 0.5, 8.0, "darken"),
    ],
)
def test_tensors_become_the_picture_that_is_written(display, domain):
    generator = np.random.default_rng(1)
    # "clip" of the gamma domain is where the network without its merger leaves [0, 1].
    spread = (-0.2, 1.2) if domain == "gamma" else (0, 1)
    output = generator.uniform(*spread, (2, 60, 70, 3)).astype("f4")
    normalized = generator.random((2, 60, 70, 3), dtype="f4") ** 4
    normalized[:, :10] = 0  # black
    normalized[:, 10:20, :, 1:] = 0  # of one color, out of the gamut when bright
    output[1] = 0.5 + 0.3 * (output[1] - 0.5)
    show = tf.function(to_display)
    for black_offset in (0.0, 0.01):
        tensors = tf.constant(output), tf.constant(normalized)
        found = show(*tensors, domain, display, tf.constant(black_offset)).numpy()
        assert found.min() >= 0 and found.max() <= 1 + 1e-6
        for picture, *one in zip(found, output, normalized, strict=True):
            expected = displayed(*one, domain, display, black_offset).astype(int)
            apart = np.abs(expected - np.rint(255 * picture))
            assert np.ptp(expected) > 50
            assert apart.max() <= 1 and np.mean(apart > 0) < 1e-3


@pytest.mark.parametrize("guided", [0, 4])
def test_losses_see_it_encoded_as_the_ground_truth(guided):
    display = Display("clip", "source", 1.0, guided)
    source = normalize_hdr(scene(48, 56), "linear")
    output = np.random.default_rng(0).random((48, 56, 3)).astype("f4")
    light = to_ground_truth(tf.constant(output[None]), source[None], "linear", display)[0]
    expected = displayed(output, source, "linear", display)
    np.testing.assert_allclose(np.array(light) ** (1 / 2.2), expected / 255, atol=0.51 / 255)


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize("name", ["black", "white", "flat", "primaries", "noise"])
@pytest.mark.parametrize(("detail", "gamut"), [(0.0, "desaturate"), (1.5, "darken")])
def test_gradients_are_finite(domain, name, detail, gamut):
    generator = np.random.default_rng(1)
    shape = (1, 32, 32, 3)
    source = {
        "black": np.zeros(shape),
        "white": np.ones(shape),
        "flat": np.full(shape, 0.3),
        "primaries": np.eye(3)[generator.integers(0, 3, shape[:3])],
        "noise": generator.random(shape),
    }[name].astype("f4")
    display = Display("clip", "source", 1.0, 3, detail, 4 * detail, gamut)
    for values in (np.zeros(shape), np.ones(shape), generator.random(shape)):
        output = tf.constant(values.astype("f4"))
        with tf.GradientTape() as tape:
            tape.watch(output)
            shown = to_ground_truth(output, tf.constant(source), domain, display)
            loss = keras.ops.mean(shown**2)
        assert np.isfinite(float(loss))
        assert np.isfinite(tape.gradient(loss, output).numpy()).all()

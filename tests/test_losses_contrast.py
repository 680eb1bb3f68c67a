"""The losses of contrast against the metrics and guards that they stand for."""

import conftest
import keras
import numpy as np
import pytest
import tensorflow as tf

import losses.contrast
from data.preparation.normalize import minmax
from losses.contrast import BANDS, MIN_SIDE, added_contrast, contrast_distortion, halo
from losses.objectives import TERMS
from losses.tmqi import quality
from metrics import contrast as metric
from metrics import guards
from metrics.guards import guard_values
from metrics.operators import OPERATORS
from metrics.tmqi import tmqi

TERMS_OF_SCENE = [name for name, (_, other) in TERMS.items() if other == "scene"]


def scene(height, width, seed=0):
    """A scene with texture: without any, float32 leaves TMQI's deviations no digits."""
    texture = np.random.default_rng(seed).normal(0, 0.3, (height, width, 1))
    return (conftest.scene(height, width, seed) * np.exp(texture)).astype("f4")


def codes(picture):
    return (picture / 255).astype("f4")[None]


@pytest.mark.parametrize("operator", ["reinhard_global", "durand", "gamma"])
def test_distortion_equals_the_metrics(operator, monkeypatch):
    hdr = scene(192, 256)
    shown = OPERATORS[operator](hdr)
    monkeypatch.setattr(losses.contrast, "BANDS", metric.BANDS)
    found = np.exp(float(contrast_distortion(codes(shown), hdr[None])))
    assert found == pytest.approx(metric.contrast_distortion(hdr, shown), rel=2e-3)


@pytest.mark.parametrize("operator", ["reinhard_global", "durand", "gamma"])
def test_quality_is_near_tmqis(operator):
    hdr = scene(208, 272)
    shown = OPERATORS[operator](hdr)
    found = float(quality(codes(shown), minmax(hdr)[None] ** 0.4545))
    # The loss reads complete blocks only and float32 deviations.
    assert found == pytest.approx(tmqi(hdr, shown).Q, abs=0.02)


def test_halo_is_the_guards():
    found = (losses.contrast.CURVE_STEPS, losses.contrast.HALO_REACH, losses.contrast.EDGE_STOPS[1])
    assert found == (guards.CURVE_STEPS, guards.HALO_REACH, guards.STRONG_EDGE_STOPS)
    hdr = np.full((128, 192, 3), 0.01, np.float32)
    hdr[:, 96:] = 1
    hdr *= np.exp(np.random.default_rng(0).normal(0, 0.05, (128, 192, 1)))
    plain = np.where(hdr > 0.1, 180.0, 60.0)
    ringing = plain.copy()
    ringing[:, 92:96] -= 30
    ringing[:, 96:100] += 30
    found = [float(halo(codes(picture), hdr[None])) for picture in (plain, ringing)]
    expected = [guard_values(hdr, picture.astype("u1")).halo for picture in (plain, ringing)]
    assert found[0] < 0.5 and found[1] > 5
    assert found[1] == pytest.approx(expected[1], rel=0.25)


def test_contrast_that_the_scene_has_is_not_added():
    hdr = scene(128, 160, seed=2)
    plain = OPERATORS["gamma"](hdr)  # contrast divided by 2.2
    generator = np.random.default_rng(0)
    noisy = np.clip(plain + generator.normal(0, 12, plain.shape[:2])[..., None], 0, 255)
    negative = 255 - plain
    found = [
        float(added_contrast(codes(picture), hdr[None])) for picture in (plain, noisy, negative)
    ]
    assert found[0] < 0.01 < 5 * found[0] + 0.02 < found[1]
    assert found[2] > 0.04


@pytest.mark.parametrize("name", TERMS_OF_SCENE)
def test_the_scenes_unit_changes_nothing(name):
    hdr, term = scene(128, 160), TERMS[name][0]
    shown = codes(OPERATORS["durand"](hdr))
    found = [float(term(shown, (k * hdr)[None].astype("f4"))) for k in (1, 2.0**-12, 2.0**12)]
    np.testing.assert_allclose(found, found[0], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", [*TERMS_OF_SCENE, "q"])
@pytest.mark.parametrize("kind", ["black", "flat", "one light", "noise"])
def test_gradients_are_finite(name, kind):
    shape, generator = (2, 176, 192, 3), np.random.default_rng(1)
    source = {
        "black": np.zeros(shape),
        "flat": np.full(shape, 0.4),
        "one light": np.pad(np.ones((2, 1, 1, 3)), [(0, 0), (90, 85), (100, 91), (0, 0)]),
        "noise": generator.random(shape),
    }[kind].astype("f4")
    for picture in (np.zeros(shape), np.ones(shape), generator.random(shape)):
        picture = tf.constant(picture.astype("f4"))
        with tf.GradientTape() as tape:
            tape.watch(picture)
            loss = TERMS[name][0](picture, tf.constant(source))
        assert np.isfinite(float(loss))
        assert np.isfinite(tape.gradient(loss, picture).numpy()).all()


@pytest.mark.parametrize("name", TERMS_OF_SCENE)
def test_a_batch_gives_the_mean_over_its_pictures(name):
    hdr = np.stack([scene(MIN_SIDE, 128, seed) for seed in (0, 1)]).astype("f4")
    shown = np.stack([OPERATORS["durand"](picture) for picture in hdr]) / 255
    term = TERMS[name][0]
    alone = [float(term(shown[i : i + 1].astype("f4"), hdr[i : i + 1])) for i in (0, 1)]
    assert float(term(shown.astype("f4"), hdr)) == pytest.approx(np.mean(alone), rel=1e-4)


def test_bands_sum_up_to_the_picture():
    x = np.random.default_rng(0).random((1, 96, 128, 1)).astype("f4")
    flat = keras.ops.ones_like(x)
    assert all(np.abs(band).max() < 1e-6 for band in losses.contrast._bands(flat))
    bands = losses.contrast._bands(keras.ops.convert_to_tensor(x))
    assert len(bands) == BANDS and bands[0].shape == x.shape
    # White noise is in the finest band for the most part.
    energy = [float(keras.ops.mean(band**2)) for band in bands]
    assert energy == sorted(energy, reverse=True)

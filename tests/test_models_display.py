import numpy as np
import pytest

import models.display
from models.display import Display, displayed, srgb_decode, srgb_encode, stretched

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def picture(*values):
    return np.array(values, np.float32).reshape(1, -1, 3)


def test_minmax_is_the_papers():
    output = picture(0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert Display() == ("minmax", "network", 1.0, 0)
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
def test_source_colour_keeps_luminance_and_takes_the_chromaticity(domain):
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


def test_black_source_becomes_grey():
    shown = displayed(picture(0.5, 0.2, 0.3), picture(0, 0, 0), "gamma", Display("clip", "source"))
    assert np.ptp(shown) == 0 and shown.max() > 0


def test_saturation_spreads_the_ratios():
    normalized, output = picture(0.5, 0.3, 0.2), picture(0.5, 0.5, 0.5)
    spread = [
        np.ptp(displayed(output, normalized, "linear", Display("clip", "source", s)))
        for s in (0.5, 1.0, 1.5)
    ]
    assert spread[0] < spread[1] < spread[2]


def test_srgb_curve_and_back():
    # IEC 61966-2-1: code 0.5 is light 0.21404, code 0.04 is 0.04 / 12.92.
    np.testing.assert_allclose(srgb_decode(np.array([0.5, 0.04])), [0.2140411, 0.0030960], 1e-5)
    codes = np.linspace(0, 1, 256)
    np.testing.assert_allclose(srgb_encode(srgb_decode(codes)), codes, atol=1e-6)


def test_stretched_shows_layers_below_zero():
    np.testing.assert_array_equal(stretched(picture(-1, 0, 1)).ravel(), [0, 128, 255])


def test_the_floor_brings_the_scenes_ratios_back():
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


@pytest.mark.parametrize("domain", ["gamma", "linear"])
@pytest.mark.parametrize(
    "display",
    [Display(), Display("clip", "source", 1.2), Display("minmax", "source", 0.8, 2)],
)
def test_bands_of_rows_change_nothing(monkeypatch, domain, display):
    generator = np.random.default_rng(0)
    output = generator.normal(0.5, 0.4, (37, 29, 3)).astype("f4")
    normalized = generator.random((37, 29, 3), dtype="f4")
    whole = displayed(output, normalized, domain, display, 1e-3)
    monkeypatch.setattr(models.display, "BAND", 29 * 5)
    np.testing.assert_array_equal(displayed(output, normalized, domain, display, 1e-3), whole)

import cv2
import numpy as np
import pytest
from conftest import scene

from labels.family import Setting, prepare, render
from metrics.color import color_fidelity
from metrics.guards import LIMITS, GuardValues, guard_values, halo, noise_gain, span, violations
from metrics.operators import OPERATORS
from system.errors import InputError

GOOD = GuardValues(
    **{"blown": 0.0, "crushed": 0.0, "correlation": 1.0, "chroma_ratio": 1.0, "cast": 0.0},
    **{"span": 200.0, "halo": 0.0, "noise": 1.0},
)


@pytest.fixture(scope="module")
def hdr():
    """A dark ground with faint texture beneath a bright sky, coloured."""
    generator = np.random.default_rng(3)
    light = np.exp2(cv2.GaussianBlur(generator.normal(0, 6, (200, 240)), (0, 0), 2))
    light[:90] = 24 + 8 * np.linspace(0, 1, 240)
    light *= np.exp2(generator.normal(0, 0.02, light.shape))
    tint = cv2.resize(generator.uniform(0.4, 1, (5, 6, 3)), (240, 200))
    return (light[..., None] * tint).astype(np.float32)


@pytest.fixture(scope="module")
def made(hdr):
    return render(prepare(hdr), Setting(0.18, 6.0, 1.0, 1.0))


def exceeded(hdr, sdr):
    return set(violations(guard_values(hdr, sdr)))


def test_excess_by_hand():
    assert violations(GOOD) == {}
    bad = GOOD._replace(blown=0.03, correlation=0.76, noise=-5.0, span=60.0)
    assert violations(bad) == pytest.approx({"blown": 0.5, "correlation": 0.2, "span": 0.5})
    grey_scene = GOOD._replace(correlation=float("nan"), chroma_ratio=float("nan"))
    assert violations(grey_scene) == {}


def test_a_plain_picture_passes(hdr, made):
    assert exceeded(hdr, made) == set()


def test_clipping_is_seen(hdr, made):
    white, black = made.copy(), made.copy()
    white[:20], black[-20:] = 255, 0
    assert guard_values(hdr, white).blown == pytest.approx(0.1, abs=0.01)
    assert guard_values(hdr, black).crushed == pytest.approx(0.1, abs=0.01)
    assert "blown" in exceeded(hdr, white) and "crushed" in exceeded(hdr, black)
    dark = hdr.copy()
    dark[-20:] = 0  # black in the scene as well
    assert guard_values(dark, black).crushed < 0.01


def test_colour_faults_are_seen(hdr, made):
    grey = np.repeat(made[..., 1:2], 3, axis=2)
    assert {"correlation", "chroma_ratio"} <= exceeded(hdr, grey)
    assert "cast" in exceeded(hdr, np.clip(made + np.array([30.0, 0, 0]), 0, 255).astype(np.uint8))
    swapped = np.ascontiguousarray(made[..., ::-1])
    assert "correlation" in exceeded(hdr, swapped)


def test_greyness_is_seen(hdr, made):
    assert "span" in exceeded(hdr, (made * 0.3 + 90).astype(np.uint8))
    assert span(np.linspace(0, 255, 10000).reshape(100, 100)) == pytest.approx(250, abs=5)


def test_halos_are_seen(hdr, made):
    codes = made.astype(np.float32)
    ringed = codes + 0.8 * (codes - cv2.GaussianBlur(codes, (0, 0), 6))
    ringed = np.clip(ringed, 0, 255).astype(np.uint8)
    assert guard_values(hdr, made).halo < 1
    assert "halo" in exceeded(hdr, ringed)
    assert halo(np.zeros((50, 50)), np.ones((50, 50))) == 0


def test_halo_of_a_ringing_step_by_hand():
    step = np.where(np.arange(100) < 50, 0.0, 6.0) * np.ones((100, 1))
    codes = np.where(step > 0, 180.0, 60.0)
    assert halo(step, codes) == pytest.approx(0, abs=1e-9)
    # 10 codes more on both sides, on 4 of the 4 pixels that lie near the edge.
    codes[:, 50:54] += 10
    codes[:, 46:50] -= 10
    share = 4 / 50  # of each side, whose mean code rises with it
    assert halo(step, codes) == pytest.approx(10 * (1 - share), rel=0.35)


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_noise_gain_is_the_amplification(gain):
    generator = np.random.default_rng(5)
    fine = generator.normal(0, 0.15, (200, 200))
    light = 0.05 * np.exp2(gain * fine)
    codes = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    sdr = np.repeat(np.rint(codes)[..., None], 3, axis=2).astype(np.uint8)
    found = noise_gain(fine, sdr)
    assert found == pytest.approx(gain, rel=0.1)
    assert ("noise" in violations(GOOD._replace(noise=found))) == (gain > LIMITS["noise"][1])


def test_no_noise_has_no_gain():
    assert noise_gain(np.zeros((60, 60)), np.full((60, 60, 3), 9, np.uint8)) == 0


def test_every_operator_has_guard_values(hdr):
    for operator in OPERATORS.values():
        assert np.isfinite(guard_values(hdr, operator(hdr))).all()


PLAIN = Setting(key=0.18, white=4.0, contrast=1.0, detail=1.0)


def test_a_gain_of_one_is_a_global_curve():
    grey = np.repeat(scene(50, 60)[..., :1], 3, axis=2)
    made = render(prepare(grey), PLAIN)[..., 0]
    order = np.argsort(grey[..., 0], axis=None)
    assert (np.diff(made.ravel()[order].astype(int)) >= 0).all()
    # The log-average is shown at key (1 + key / white²) / (1 + key).
    source = prepare(grey)
    middle = np.abs(source.log).argmin()
    light = 0.18 * (1 + 0.18 / 16) / 1.18
    assert made.ravel()[middle] == pytest.approx(255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=2)


def test_the_gain_raises_detail_and_not_the_base():
    generator = np.random.default_rng(1)
    picture = np.exp2(generator.normal(0, 0.2, (120, 120, 1))) * np.ones(3)
    picture[:, 60:] *= 64
    source = prepare(picture)
    plain, more = (render(source, PLAIN._replace(detail=gain))[..., 1] for gain in (1.0, 2.0))
    for part in (np.s_[:, 10:50], np.s_[:, 70:110]):
        assert more[part].std() > 1.6 * plain[part].std()
        assert more[part].mean() == pytest.approx(plain[part].mean(), abs=3)


def test_colours_are_the_scenes():
    hdr = scene(60, 70)
    same = color_fidelity(hdr, render(prepare(hdr), PLAIN))
    assert same.correlation > 0.99 and same.chroma_ratio == pytest.approx(1, abs=0.02)
    assert color_fidelity(hdr, render(prepare(hdr, 0.5), PLAIN)).chroma_ratio < 0.8


def test_black_stays_black_and_nothing_else_is_refused():
    hdr = scene(50, 60)
    hdr[10:20, 10:20] = 0
    made = render(prepare(hdr), PLAIN._replace(detail=2.0))
    assert not made[10:20, 10:20].any()
    assert made[30:].any()
    with pytest.raises(InputError, match="black"):
        prepare(np.zeros((50, 60, 3)))

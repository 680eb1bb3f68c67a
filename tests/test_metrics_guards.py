"""The guards' values of what is seen: noise in codes, wide glows; on real pictures too."""

import cv2
import numpy as np
import pytest
from conftest import ROOT

from data.pictures import read_hdr
from metrics.guards import (
    LIMITS,
    GuardValues,
    SeenValues,
    glow,
    guard_values,
    seen_values,
    violations,
)
from metrics.operators import OPERATORS
from metrics.pair import luminance

GOOD = GuardValues(
    **{"blown": 0.0, "crushed": 0.0, "correlation": 1.0, "chroma_ratio": 1.0, "cast": 0.0},
    **{"span": 200.0, "halo": 0.0, "noise": 1.0},
)
SCENES = sorted((ROOT / "dataset" / "test").glob("*.hdr"))


def with_glow(sdr, divisor):
    """Add a fifth of the difference from the surroundings, which reach far."""
    codes = luminance(sdr)
    wide = cv2.GaussianBlur(codes, (0, 0), max(codes.shape) / divisor)
    return np.clip(np.rint(sdr + 0.2 * (codes - wide)[..., None]), 0, 255).astype(np.uint8)


def test_noise_counts_where_it_is_seen():
    noisy = GOOD._replace(noise=3.6)
    assert violations(noisy) == pytest.approx({"noise": 1.0})
    assert violations(noisy, SeenValues(noise_codes=0.9, glow=0.0)) == {}
    assert violations(noisy, SeenValues(noise_codes=1.1, glow=0.0)) == pytest.approx({"noise": 1.0})
    assert violations(GOOD, SeenValues(noise_codes=9.0, glow=2.6)) == pytest.approx({"glow": 1.0})


@pytest.mark.parametrize("codes", [0, 3])
def test_noise_is_the_rms_of_the_finest_detail_in_the_dark(codes):
    sign = np.indices((64, 64)).sum(0) % 2 * 2 - 1
    hdr = np.full((64, 64, 3), 1.0)
    hdr[:, 32:] = 8.0
    sdr = np.full((64, 64), 60) + codes * sign
    sdr[:, 32:] = 160 + 20 * sign[:, 32:]  # the bright half does not count
    sdr = np.repeat(sdr[..., None], 3, axis=2).astype(np.uint8)
    assert seen_values(hdr, sdr).noise_codes == pytest.approx(codes, rel=0.02, abs=1e-9)


def test_glow_of_a_step_by_hand():
    step = np.where(np.arange(160) < 80, 0.0, 6.0) * np.ones((160, 1))
    codes = np.where(step > 0, 180.0, 60.0)
    assert glow(step, codes) == pytest.approx(0, abs=1e-9)
    codes[:, 80:100] += 8
    codes[:, 60:80] -= 8
    # The mean of each side changes by 2 with it. What counts lies within 20 pixels of the
    # edge, which is 3 wide on each side.
    assert glow(step, codes) == pytest.approx((20 * 6 - 3 * 2) / 23, rel=1e-6)
    assert glow(step, 255 - codes) < 0
    assert glow(np.zeros((50, 50)), np.ones((50, 50))) == 0


@pytest.mark.parametrize("name", ["interior", "sunset"])
def test_a_wide_glow_that_halo_passes_is_found(name):
    hdr = read_hdr(ROOT / "dataset" / "test" / f"{name}.hdr")
    glowing = with_glow(OPERATORS["reinhard_global"](hdr), 16)
    values, seen = guard_values(hdr, glowing), seen_values(hdr, glowing)
    assert "halo" not in violations(values, seen)
    assert "glow" in violations(values, seen)


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_a_global_curve_has_neither_halos_nor_noise(path):
    hdr = read_hdr(path)
    sdr = OPERATORS["reinhard_global"](hdr)
    broken = violations(guard_values(hdr, sdr), seen_values(hdr, sdr))
    assert not {"halo", "glow", "noise"} & set(broken)
    assert seen_values(hdr, sdr).glow < LIMITS["glow"][1] / 2


def test_durands_operator_has_halos():
    hdr = read_hdr(ROOT / "dataset" / "test" / "interior.hdr")
    sdr = OPERATORS["durand"](hdr)
    assert {"halo", "glow"} <= set(violations(guard_values(hdr, sdr), seen_values(hdr, sdr)))

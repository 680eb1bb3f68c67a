import numpy as np
import pytest

from metrics.operators.local_operators import _bilateral, durand, reinhard_local


def test_reinhard_local_on_a_flat_picture():
    code = round(255 * (0.18 / 1.18) ** (1 / 2.2))
    assert set(reinhard_local(np.full((30, 30, 3), 5.0)).flat) == {code}


def test_reinhard_local_by_the_definition():
    size, key = 64, 0.18
    rng = np.random.default_rng(0)
    own = np.exp(rng.normal(0, 0.1, (size, size)))
    own[:, 32:] *= 30
    own[20:23, 10:13] *= 40
    exposed = own * key / np.exp(np.log(own).mean())

    def blur(s):
        d = np.arange(size)[:, None] - np.arange(-64, size + 64)
        weight = np.exp(-(d**2) * 8 / s**2)
        weight /= weight.sum(1, keepdims=True)
        return weight @ np.pad(exposed, 64, mode="reflect") @ weight.T

    blurs = [blur(1.6**i) for i in range(9)]
    expected = np.empty_like(own)
    for y, x in np.ndindex(own.shape):
        chosen = blurs[0][y, x]
        for i in range(8):
            centre, surround = blurs[i][y, x], blurs[i + 1][y, x]
            chosen = centre
            if abs(centre - surround) / (256 * key / 1.6 ** (2 * i) + centre) >= 0.05:
                break
        expected[y, x] = exposed[y, x] / (1 + chosen)
    expected = np.rint(255 * np.minimum(expected, 1) ** (1 / 2.2))
    error = np.abs(reinhard_local(own[..., None] * np.ones(3))[..., 0] - expected)
    # The library's blur ends at four deviations, which can tip a pixel over the threshold.
    assert (error <= 1).mean() > 0.99


def test_durand_keeps_detail_and_compresses_the_edge():
    y, x = np.mgrid[:96, :96]
    detail = 10 ** (0.05 * np.where((x + y) % 2, 1, -1))
    light = np.where(x < 48, 1e-3, 1.0) * detail
    shown = (durand(light[..., None] * np.ones(3) * 0.5)[..., 0] / 255.0) ** 2.2
    dark, bright = np.log10(shown[:, 10:38]), np.log10(np.maximum(shown[:, 58:86], 1e-9))
    assert bright.mean() - dark.mean() == pytest.approx(np.log10(5), abs=0.06)  # clipped a little
    assert np.ptp(dark) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("sigma", [2.0, 8.0])
def test_bilateral_is_close_to_its_definition(sigma):
    rng = np.random.default_rng(0)
    picture = np.where(np.arange(40) < 20, 0.0, 3.0) + rng.normal(0, 0.1, (40, 40))
    y, x = np.mgrid[:40, :40]
    expected = np.empty_like(picture)
    for i in range(40):
        for j in range(40):
            weight = np.exp(-((y - i) ** 2 + (x - j) ** 2) / (2 * sigma**2))
            weight *= np.exp(-((picture - picture[i, j]) ** 2) / (2 * 0.4**2))
            expected[i, j] = (weight * picture).sum() / weight.sum()
    inner = np.s_[8:-8, 8:-8]  # the blur mirrors the border, the definition stops at it
    assert np.abs(_bilateral(picture, sigma, 0.4) - expected)[inner].max() < 0.05


def test_bilateral_on_a_smaller_picture_is_close():
    rng = np.random.default_rng(0)
    picture = np.where(np.arange(256) < 128, 0.0, 3.0) + rng.normal(0, 0.1, (256, 256))
    picture[128, 60] = 6.0  # a lone lamp that the sampling misses
    base = _bilateral(picture, 24.0, 0.4)
    assert base[:, 20:108].mean() == pytest.approx(0, abs=0.05)
    assert base[:, 148:236].mean() == pytest.approx(3, abs=0.05)
    assert base[128, 60] == pytest.approx(6, abs=0.1)

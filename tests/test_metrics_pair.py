import numpy as np
import pytest

from metrics.color import colour
from metrics.fsitm import fsitm, fsitm_tmqi
from metrics.pair import luminance
from metrics.tmqi import tmqi
from system.errors import InputError

SIDE = 161
METRICS = [tmqi, fsitm, fsitm_tmqi, colour]


def good():
    rng = np.random.default_rng(0)
    hdr = rng.random((SIDE, SIDE, 3))
    return hdr, np.rint(hdr * 255).astype(np.uint8)


def with_sample(value):
    hdr, _ = good()
    hdr[3, 4, 1] = value
    return hdr


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("hdr", "sdr", "words"),
    [
        (good()[0][..., 0], good()[1], "height x width x 3"),
        (good()[0][..., :2], good()[1], "height x width x 3"),
        (good()[0], good()[1][:-1], "must be the same"),
        (good()[0], good()[1] / 255, "uint8"),
        (with_sample(np.nan), good()[1], "NaN or infinite"),
        (with_sample(-np.inf), good()[1], "NaN or infinite"),
    ],
    ids=["two-axes", "two-channels", "size", "float-sdr", "nan", "inf"],
)
def test_bad_pairs_are_refused_in_one_sentence(metric, hdr, sdr, words):
    with pytest.raises(InputError, match=words) as caught:
        metric(hdr, sdr)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("metric", METRICS)
def test_inputs_are_left_alone_and_float32_scores_alike(metric):
    hdr, sdr = good()
    hdr = hdr.astype(np.float32)
    before = hdr.copy(), sdr.copy()
    assert metric(hdr, sdr) == metric(hdr.astype(np.float64), sdr)
    assert np.array_equal(hdr, before[0]) and np.array_equal(sdr, before[1])


@pytest.mark.parametrize(("metric", "side"), [(tmqi, 161), (fsitm_tmqi, 161), (fsitm, 2)])
def test_least_side(metric, side):
    hdr, sdr = good()
    metric(hdr[:side], sdr[:side])
    with pytest.raises(InputError, match=f"at least {side}"):
        metric(hdr[: side - 1], sdr[: side - 1])


def test_luminance_is_exact_on_codes():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert luminance(picture)[0] == pytest.approx([54.213, 182.376, 18.411, 255], abs=1e-12)

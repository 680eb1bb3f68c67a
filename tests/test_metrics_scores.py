"""TMQI, FSITM and FSITM_TMQI against the authors' programs; what pictures all metrics take."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrics.color import color_fidelity
from metrics.fsitm import fsitm
from metrics.pair import eight_bits, luminance, reduced
from metrics.scores import scores
from metrics.tmqi import tmqi
from system.errors import InputError

FOLDER = Path(__file__).parent / "golden" / "metrics"
GOLDEN = json.loads((FOLDER / "golden.json").read_text())
TOLERANCE = GOLDEN["tolerances"]


@pytest.fixture(
    scope="module",
    params=GOLDEN["pairs"],
    ids=lambda p: f"{p['scene']}-{p['operator']}-x{p['hdr_multiplier']:g}",
)
def pair(request):
    hdr = cv2.imread(str(FOLDER / request.param["hdr"]), cv2.IMREAD_UNCHANGED)[..., ::-1]
    sdr = cv2.imread(str(FOLDER / request.param["sdr"]), cv2.IMREAD_COLOR)[..., ::-1]
    return hdr.astype(np.float64) * request.param["hdr_multiplier"], sdr, request.param


def test_tmqi(pair):
    hdr, sdr, expected = pair
    score, expected = tmqi(hdr, sdr), expected["tmqi"]
    assert abs(score.Q - expected["Q"]) <= TOLERANCE["tmqi_Q"]
    assert abs(score.S - expected["S"]) <= TOLERANCE["tmqi_S"]
    assert abs(score.N - expected["N"]) <= TOLERANCE["tmqi_N"]
    error = np.subtract(score.S_per_scale, expected["S_per_scale"])
    assert np.abs(error).max() <= TOLERANCE["tmqi_S_per_scale"]


def test_fsitm(pair):
    hdr, sdr, expected = pair
    pixels = expected["height"] * expected["width"]
    score = fsitm(hdr, sdr)._asdict()
    assert score == pytest.approx(expected["fsitm"], abs=TOLERANCE["fsitm_pixels"] / pixels)


def test_fsitm_tmqi(pair):
    hdr, sdr, expected = pair
    found, tolerance = scores(hdr, sdr), TOLERANCE["fsitm_tmqi"]
    assert found["FSITM_TMQI"] == pytest.approx(expected["fsitm_tmqi"]["mean"], abs=tolerance)
    for channel in "RGB":
        joined = (found[f"FSITM_{channel}"] + found["Q"]) / 2
        assert joined == pytest.approx(expected["fsitm_tmqi"][channel], abs=tolerance)


SIDE = 161
METRICS = [tmqi, fsitm, color_fidelity, scores]


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


@pytest.mark.parametrize(("metric", "side"), [(tmqi, 161), (scores, 161), (fsitm, 2)])
def test_least_side(metric, side):
    hdr, sdr = good()
    metric(hdr[:side], sdr[:side])
    with pytest.raises(InputError, match=f"at least {side}"):
        metric(hdr[: side - 1], sdr[: side - 1])


def test_luminance_is_exact_on_codes():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert luminance(picture)[0] == pytest.approx([54.213, 182.376, 18.411, 255], abs=1e-12)


def test_large_pictures_are_reduced_and_small_ones_are_not():
    assert reduced(np.zeros((3000, 1500, 3), np.uint8), 1024).shape == (1024, 512, 3)
    small = np.zeros((5, 1024, 3), np.uint8)
    assert reduced(small, 1024) is small


def test_sixteen_bits_are_rounded_to_eight():
    codes = np.array([0, 128, 129, 257, 65535], np.uint16)
    assert eight_bits(codes).tolist() == [0, 0, 1, 1, 255]
    assert eight_bits(codes).dtype == np.uint8

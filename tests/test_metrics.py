"""TMQI, FSITM and FSITM_TMQI against the authors' programs; what pictures all metrics take."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrics.color import color_fidelity, lab_ab
from metrics.fsitm import fsitm
from metrics.pair import eight_bits, luminance, reduced
from metrics.scores import broken_guards, scores
from metrics.tmqi import tmqi
from standards.srgb import luminance as relative_luminance
from standards.srgb import recolor, srgb_decode, srgb_encode
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


def test_scores_count_the_guards_that_are_broken():
    hdr, sdr = good()
    found = scores(hdr, sdr)
    assert found["guards_broken"] == len(broken_guards(found))
    grey = scores(hdr, np.repeat(sdr[..., 1:2], 3, axis=2) // 8 + 100)
    assert {"correlation", "chroma_ratio", "span"} <= set(broken_guards(grey))
    assert grey["guards_broken"] == len(broken_guards(grey))
    assert math.isnan(found["JOD"])  # not asked for


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
    found = metric(hdr, sdr), metric(hdr.astype(np.float64), sdr)
    np.testing.assert_equal(*found)
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


def scene(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((40, 50, 3)) * np.exp(rng.normal(0, 2, (40, 50, 1)))


def codes_of(linear):
    return np.rint(255 * srgb_encode(linear)).astype(np.uint8)


def faithful(hdr):
    return codes_of(recolor(hdr, np.full((*hdr.shape[:2], 1), 0.3)))


def test_lab_of_the_primaries():
    """Published CIELAB values of the sRGB primaries, to the digits the 4-digit matrix allows."""
    expected = [[80.09, 67.20], [-86.18, 83.18], [79.19, -107.86]]
    assert lab_ab(np.eye(3)[None])[0] == pytest.approx(np.array(expected), abs=0.08)
    grey = np.linspace(0, 1, 30)[:, None, None] * np.ones(3)
    assert np.abs(lab_ab(grey)).max() < 1e-12


def test_own_colours_score_full_marks():
    hdr = scene()
    score = color_fidelity(hdr, faithful(hdr))
    assert score.correlation > 0.9999
    assert score.chroma_ratio == pytest.approx(1, abs=0.002)
    assert score.cast < 0.03 and score.distance < 0.5


def test_unit_of_the_hdr_does_not_matter():
    hdr = scene()
    expected = color_fidelity(hdr, faithful(hdr))
    assert color_fidelity(hdr * 4096, faithful(hdr)) == pytest.approx(expected, rel=1e-9)


def test_grey_picture_of_a_coloured_scene():
    hdr = scene()
    sdr = np.full(hdr.shape, 128, np.uint8)
    reference = lab_ab(recolor(hdr, relative_luminance(srgb_decode(sdr / 255))))
    score = color_fidelity(hdr, sdr)
    assert score.correlation == 0
    assert score.chroma_ratio == pytest.approx(0, abs=1e-9)
    assert score.cast == pytest.approx(np.hypot(*reference.mean((0, 1))), rel=1e-6)
    assert score.distance == pytest.approx(np.hypot(*reference.reshape(-1, 2).T).mean(), rel=1e-6)


def test_grey_scene_has_no_correlation_but_a_cast():
    grey = np.random.default_rng(0).random((30, 30, 1)) * np.ones(3)
    sdr = faithful(grey)
    score = color_fidelity(grey, sdr)
    assert math.isnan(score.correlation) and math.isnan(score.chroma_ratio)
    assert score.cast == pytest.approx(0, abs=1e-9)
    assert color_fidelity(grey, sdr + np.array([20, 0, 0], np.uint8)).cast > 5


def test_half_and_opposite_chroma():
    hdr = scene()
    own = recolor(hdr, np.full((40, 50, 1), 0.3))
    pale = color_fidelity(hdr, codes_of(0.3 + 0.5 * (own - 0.3)))
    assert pale.correlation > 0.97 and 0.3 < pale.chroma_ratio < 0.6
    opposite = color_fidelity(hdr, codes_of(np.maximum(0.3 - 0.2 * (own - 0.3), 0)))
    assert opposite.correlation < -0.9


def test_black_scene_pixels_are_gray():
    hdr = np.array([[[0.0, 0, 0], [-1, -1, -1], [0, 1, 0]]])
    gray = np.full((1, 3, 3), 90, np.uint8)
    assert color_fidelity(hdr, gray).distance > 1
    assert color_fidelity(hdr[:, :2], gray[:, :2]).distance == pytest.approx(0, abs=1e-9)

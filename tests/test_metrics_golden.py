"""TMQI, FSITM and FSITM_TMQI against the authors' programs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrics.fsitm import fsitm, fsitm_tmqi
from metrics.tmqi import tmqi

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
    score = fsitm_tmqi(hdr, sdr)._asdict()
    assert score == pytest.approx(expected["fsitm_tmqi"], abs=TOLERANCE["fsitm_tmqi"])

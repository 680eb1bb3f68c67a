"""JOD: what ColorVideoVDP is given, and its numbers where it is installed."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, scene

from metrics import jod as module
from metrics.jod import installed, jod
from metrics.operators import OPERATORS
from system.errors import InputError

PROGRAM = """
import sys, cv2
from metrics.jod import jod
print(jod(cv2.imread(sys.argv[1], -1)[..., ::-1], cv2.imread(sys.argv[2])[..., ::-1]))
"""
FOLDER = Path(__file__).parent / "golden" / "metrics"


@pytest.fixture
def given(monkeypatch):
    """The pairs that the meter gets in place of ColorVideoVDP."""
    pairs = []

    class Meter:
        def predict(self, test, reference, dim_order):
            assert dim_order == "HWC"
            pairs.append((test, reference))
            return np.float32(8.5), None

    monkeypatch.setattr(module, "installed", lambda: True)
    monkeypatch.setattr(module, "_meter", Meter)
    return pairs


def log_mean(rgb):
    return np.log(rgb.astype(float) @ [0.2126, 0.7152, 0.0722]).mean()


def test_the_picture_is_shown_at_200_and_the_scene_at_the_same_log_mean(given):
    hdr = scene(40, 50)
    sdr = OPERATORS["reinhard_global"](hdr)
    sdr[0, :3] = [[0, 0, 0], [255, 255, 255], [128, 128, 128]]
    assert jod(hdr, sdr) == 8.5 and jod(4096.0 * hdr, sdr) == 8.5
    (shown, exposed), (again, brighter) = given
    assert shown.dtype == exposed.dtype == np.float32
    # IEC 61966-2-1 gives code 128 a light of 0.21586.
    assert shown[0, :3, 1] == pytest.approx([0.4, 200, 0.4 + 199.6 * 0.21586], rel=1e-4)
    assert log_mean(exposed) == pytest.approx(log_mean(shown), abs=1e-3)
    ratio = exposed / hdr
    assert ratio == pytest.approx(np.full(hdr.shape, np.median(ratio)), rel=1e-4)
    assert np.array_equal(again, shown) and brighter == pytest.approx(exposed, rel=1e-5)


def test_the_scene_is_cut_to_what_its_display_shows(given):
    hdr = np.ones((20, 20, 3))
    hdr[0], hdr[1] = 1e9, 0
    jod(hdr, np.full((20, 20, 3), 200, np.uint8))
    assert given[0][1].max() == 4000 and given[0][1].min() == np.float32(0.005)


def test_lack_of_memory_is_told_as_such(given, monkeypatch):
    class Meter:
        def predict(self, *_, **__):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(module, "_meter", Meter)
    with pytest.raises(MemoryError):
        jod(np.ones((9, 9, 3)), np.ones((9, 9, 3), np.uint8))


def test_without_the_program_there_is_no_number(monkeypatch):
    hdr, sdr = np.ones((9, 9, 3)), np.ones((9, 9, 3), np.uint8)
    monkeypatch.setitem(sys.modules, "pycvvdp", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(module, "installed", lambda: False)
    assert math.isnan(jod(hdr, sdr))
    with pytest.raises(InputError, match="black"):
        jod(0 * hdr, sdr)
    monkeypatch.setattr(module, "installed", lambda: True)
    module._meter.cache_clear()
    with pytest.raises(InputError, match="requirements-evaluation"):
        jod(hdr, sdr)
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(InputError, match="before TensorFlow"):
        jod(hdr, sdr)


@pytest.mark.script
@pytest.mark.skipif(not installed(), reason="no ColorVideoVDP (requirements-evaluation.txt)")
@pytest.mark.parametrize(
    ("hdr", "sdr", "expected"),
    [
        ("b_198x264.hdr", "b_198x264_reinhard.png", 5.28412),
        ("d_255x191.hdr", "d_255x191_gamma.png", 6.64452),
    ],
)
def test_golden_numbers_of_version_0_5_7(hdr, sdr, expected):
    # TensorFlow, which other tests load, may not be in the process.
    words = [sys.executable, "-c", PROGRAM, str(FOLDER / hdr), str(FOLDER / sdr)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    assert float(done.stdout) == pytest.approx(expected, abs=0.01)

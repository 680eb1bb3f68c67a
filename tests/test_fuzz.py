"""A short form of fuzz_readers.py, and what its long runs found."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from conftest import ROOT

from data.pictures.sdr import decode_sdr
from system.errors import InputError


@pytest.mark.parametrize(("reader", "inputs"), [("hdr", 1500), ("sdr", 1500), ("record", 40)])
def test_damaged_files_do_no_harm(reader, inputs):
    command = [sys.executable, "tests/helpers/fuzz_readers.py", "--readers", reader]
    outcome = subprocess.run(
        [*command, "--inputs", str(inputs), "--seed", "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert f'"inputs": {inputs}' in outcome.stdout
    assert '"read": 0' not in outcome.stdout


def test_a_tiny_webp_that_claims_much_is_refused():
    lossy = [cv2.IMWRITE_WEBP_QUALITY, 80]
    webp = bytearray(cv2.imencode(".webp", np.zeros((16, 16, 3), np.uint8), lossy)[1].tobytes())
    assert decode_sdr(bytes(webp), "a").shape == (16, 16, 3)
    at = webp.index(b"\x9d\x01\x2a") + 3  # the start code of a key frame, and then the sides
    webp[at : at + 4] = b"\xff\x3f\xff\x3f"
    with pytest.raises(InputError, match="claims"):
        decode_sdr(bytes(webp), "a")

"""Bad, odd and damaged files through the readers, and through test.py once for all."""

import ctypes
import os
import re
import resource
import subprocess
import sys

import cv2
import numpy as np
import pytest
from conftest import ROOT, run_process, run_script
from helpers.bad_files import SCENE, bad_files, odd_files
from helpers.hdr_files import encode_exr
from helpers.scripts import large_file

from data.pictures import read_hdr, read_sdr
from data.pictures.sdr import decode_sdr
from data.preparation.prepare import Preparation, prepare_picture
from system.errors import InputError

PREPARATION = Preparation("gamma", "bilateral", True, 3)
MEMORY = 2**31
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


def obey_limits():
    """Bound the memory of a new process, and take from root the right to read everything."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.mark.parametrize(("name", "content", "word"), list(bad_files()), ids=lambda v: str(v)[:30])
def test_bad_file_is_one_sentence(tmp_path, name, content, word):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        prepare_picture(read_hdr(path), PREPARATION)
    message = str(caught.value)
    assert word in message
    assert message.isprintable()


@pytest.mark.parametrize(("name", "content"), list(odd_files()), ids=lambda v: str(v)[:30])
def test_odd_file_is_read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    image = read_hdr(path)
    assert image.shape == (64, 72, 3) and image.dtype == np.float32
    assert image.min() >= 0 and image.max() < np.inf
    with np.errstate(all="raise", under="ignore"):
        layers = prepare_picture(image, PREPARATION)
    assert all(np.isfinite(layer).all() for layer in layers)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The folder of all files, and what test.py said of it."""
    folder = tmp_path_factory.mktemp("files")
    for name, content, _ in bad_files():
        (folder / name).write_bytes(content)
    for name, content in odd_files():
        (folder / name).write_bytes(content)
    (folder / "loop.hdr").symlink_to("loop.hdr")
    (folder / "to loop.hdr").symlink_to("loop.hdr")
    (folder / "dangling.hdr").symlink_to("gone.hdr")
    os.mkfifo(folder / "pipe.hdr")
    (folder / "unreadable.exr").write_bytes(encode_exr(SCENE))
    (folder / "unreadable.exr").chmod(0)
    large_file(folder / "bomb.hdr")
    # These are passed over without a word.
    (folder / "folder.hdr").mkdir()
    (folder / "folder loop.hdr").symlink_to(folder)
    (folder / ".hidden.hdr").write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    out = folder / "result"
    process = run_process(
        *("test.py", folder, folder / "gone.hdr", "--output", out),
        errors="surrogateescape",
        preexec_fn=obey_limits,
    )
    return folder, process


def test_a_name_that_begins_with_a_dash_and_is_taken_for_a_flag(tmp_path):
    (tmp_path / "-dash.exr").write_bytes(encode_exr(SCENE))
    outcome = run_script("test.py", "-dash.exr", cwd=tmp_path)
    assert outcome.returncode == 2
    assert "-dash.exr; if a file is meant, write ./-dash.exr\n" in outcome.stderr
    outcome = run_script("test.py", "-nothing.exr", cwd=tmp_path)
    assert outcome.returncode == 2 and "if a file is meant" not in outcome.stderr


SPECIAL = ("bomb.hdr", "loop.hdr", "to loop.hdr", "dangling.hdr", "pipe.hdr", "unreadable.exr")
SPECIAL += ("gone.hdr",)


@pytest.mark.script
def test_test_py_names_every_bad_file_and_goes_on(outcome):
    folder, process = outcome
    skipped = [line for line in process.stderr.splitlines() if line.startswith("skipped: ")]
    bad = [name for name, *_ in bad_files()] + list(SPECIAL)
    for name in bad:
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in f"{folder / name}: ")
        assert sum(line.startswith(f"skipped: {shown}") for line in skipped) == 1, name
    assert len(skipped) == len(bad)
    assert process.returncode == 1
    for word in ("Traceback", "Warning", "Error", "\x1b[31m"):
        assert word not in process.stderr, process.stderr
    good = list(odd_files())
    assert process.stdout.splitlines()[-1] == f"{len(good)} written, {len(bad)} skipped"


@pytest.mark.script
def test_test_py_writes_every_odd_file(outcome):
    folder, _ = outcome
    out = folder / "result"
    alike = {name for name, _ in odd_files() if name.startswith(("same.", "as", "bs"))}
    for name, _ in odd_files():
        if name not in alike:
            picture = read_sdr(out / f"{os.path.splitext(name)[0]}.jpg")
            assert picture.shape == (64, 72, 3)
    for suffix in ("exr", "npy"):
        assert read_sdr(out / f"{folder.name}_same.{suffix}.jpg").shape == (64, 72, 3)
    assert len(list(out.iterdir())) == len(list(odd_files()))


@pytest.mark.script
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
    assert re.search(rf"{inputs} inputs, [1-9]\d* read, 0 findings", outcome.stdout)


def test_a_tiny_webp_that_claims_much_is_refused():
    lossy = [cv2.IMWRITE_WEBP_QUALITY, 80]
    webp = bytearray(cv2.imencode(".webp", np.zeros((16, 16, 3), np.uint8), lossy)[1].tobytes())
    assert decode_sdr(bytes(webp), "a").shape == (16, 16, 3)
    at = webp.index(b"\x9d\x01\x2a") + 3  # the start code of a key frame, and then the sides
    webp[at : at + 4] = b"\xff\x3f\xff\x3f"
    with pytest.raises(InputError, match="claims"):
        decode_sdr(bytes(webp), "a")

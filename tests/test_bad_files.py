"""Bad, odd and damaged files through the readers, and through test.py once for all."""

import ctypes
import io
import os
import re
import resource
import subprocess
import sys

import cv2
import numpy as np
import OpenEXR
import pytest
from conftest import ROOT, run_process, run_script, scene
from helpers.hdr_files import encode_exr, encode_pfm, radiance, saved_exr, tiff
from helpers.scripts import large_file

from data.pictures import read_hdr, read_sdr
from data.pictures.sdr import decode_sdr
from data.preparation.prepare import Preparation, prepare_picture
from system.errors import InputError

SCENE = scene(64, 72, 3)
HEADER = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n"
NPY = b"\x93NUMPY\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"


def bad_files():
    """Yield (name, bytes, word of the message) of files that cannot be read."""
    for suffix in ("hdr", "pic", "exr", "pfm", "tif", "tiff", "npy"):
        yield f"empty.{suffix}", b"", "empty"
        yield f"text.{suffix}", b"this is no picture, whatever it is called\n" * 9, ";"
        yield f"zeros.{suffix}", bytes(500), ";"
    yield from _truncated()
    yield from _sizes()
    kinds = {"jpg": "JPEG", "png": "PNG", "bmp": "BMP", "webp": "WebP"}
    for suffix, kind in kinds.items():
        codes = cv2.imencode(f".{suffix}", np.full((64, 72, 3), 99, np.uint8))[1].tobytes()
        yield f"really {suffix}.hdr", codes, f"8-bit picture ({kind})"
    for suffix in ("exr", "pfm", "tif", "npy"):
        yield f"really webp.{suffix}", codes, f"8-bit picture (WebP) named .{suffix}"
    yield "really gif.hdr", b"GIF89a" + bytes(90), "not a Radiance picture"
    codes = tiff(np.full((64, 72, 3), 99, np.uint8), sample_format=1)
    yield "really tif.hdr", codes, "rename it to end in .tif"
    yield "8 bits.tif", codes, "8-bit integer"
    yield "really exr.hdr", encode_exr(SCENE), "rename it to end in .exr"
    yield "really hdr.exr", HEADER, "rename it to end in .hdr"
    yield "really pfm.npy", encode_pfm(SCENE), "rename it to end in .pfm"
    yield "only nan.pfm", encode_pfm(np.full((64, 72, 3), np.nan)), "no sample is a finite"
    yield "only inf.exr", encode_exr(np.full((64, 72, 3), np.inf, "f4")), "no sample is a finite"
    samples = np.empty((64, 72), object)
    for index in np.ndindex(64, 72):
        samples[index] = np.ones(1, np.float32)
    deep = dict.fromkeys("RGB", samples)
    yield "deep.exr", saved_exr(deep, "ZIPS", type=OpenEXR.deepscanline), "flatten it"
    yield "line\nbreak.hdr", HEADER, "line\\nbreak.hdr"
    yield "\x1b[31mred.hdr", HEADER, "\\x1b[31mred.hdr"
    yield os.fsdecode(b"latin-1 b\xe4d.hdr"), HEADER, "latin-1 b"


def _truncated():
    rgbe = np.full((64, 72, 4), 130, np.uint8)
    hdr = radiance(rgbe.tobytes(), 64, 72)
    line = hdr.index(b"-Y")
    pixels = hdr.index(b"\n", line) + 1
    places = {"magic": 1, "header": 20, "before resolution": line, "resolution": line + 4}
    places |= {"no pixels": pixels, "first line": pixels + 100, "last line": len(hdr) - 1}
    for place, end in places.items():
        yield f"cut {place}.hdr", hdr[:end], ";"
    exr, npy = encode_exr(SCENE), _npy(SCENE)
    for end in (3, 8, 100, 340, len(exr) // 2, len(exr) - 1):
        yield f"cut {end}.exr", exr[:end], "cut short"
    for name, data in (("pfm", encode_pfm(SCENE)), ("npy", npy), ("tif", tiff(SCENE))):
        for end in (2, 5, 9, len(data) // 2, len(data) - 1):
            yield f"cut {end}.{name}", data[:end], ";"


def _sizes():
    for height, width in ((0, 72), (64, 0), (30000, 30000)):
        word = "claims" if height == width else "×"
        yield f"{height} {width}.hdr", radiance(bytes(9), height, width).ljust(100, b"\0"), word
        yield f"{height} {width}.pfm", (b"PF\n%d %d\n-1\n" % (width, height)).ljust(99, b"\0"), word
        npy = NPY % b"%d, %d, 3" % (height, width)
        yield f"{height} {width}.npy", npy.ljust(80) + bytes(20), word
        tags = {"t256": ("I", [width]), "t257": ("I", [height])}
        yield f"{height} {width}.tif", tiff(SCENE[:1, :1], **tags), word
        exr = encode_exr(SCENE[:1, :1])
        window = np.array([0, 0, 0, 0], "<i4").tobytes()
        claim = np.array([0, 0, width - 1, height - 1], "<i4").tobytes()
        yield f"{height} {width}.exr", exr.replace(window, claim), ";"
    pixel = np.ones((1, 1, 3), np.float32)
    data = {"hdr": radiance(b"\x80\x80\x80\x80", 1, 1), "exr": encode_exr(pixel)}
    data |= {"pfm": encode_pfm(pixel), "npy": _npy(pixel), "tif": tiff(pixel)}
    for suffix, content in data.items():
        yield f"one pixel.{suffix}", content, "1x1 pixels are too few"
    yield "small.npy", _npy(SCENE[:55]), "72x55 pixels are too few"


def odd_files():
    """Yield (name, bytes) of files that are odd but good."""
    for value in (np.nan, np.inf, -np.inf, -1, 1e-42, 1e30, 3e38):
        odd = SCENE.copy()
        odd[5, 7] = value
        yield f"one {value} npy.npy", _npy(odd)
        yield f"one {value} exr.exr", encode_exr(odd)
    for value in (0, 1e-42, 1e-30, 1, 3e38):
        yield f"all {value}.pfm", encode_pfm(np.full((64, 72, 3), value, "f4"))
    yield "all negative.npy", _npy(-SCENE)
    wide = SCENE.astype("f8")
    wide[5, 7] = 1e300
    yield "over float32.npy", _npy(wide)
    yield "black.hdr", radiance(bytes(64 * 72 * 4), 64, 72)
    yield "grey.npy", _npy(SCENE[:, :, 0])
    yield "grey 2.exr", saved_exr({"Y": SCENE[:, :, 0].copy()}, "PIZ")
    yield "grey 3.pfm", b"Pf\n72 64\n-1\n" + SCENE[:, :, 0].tobytes()
    yield "alpha.exr", saved_exr({"RGBA": np.dstack([SCENE, SCENE[:, :, 0]])}, "ZIP")
    yield "alpha 2.npy", _npy(np.dstack([SCENE, SCENE[:, :, 0]]))
    red = SCENE[:, :, 0].copy()
    layers = {**{c: SCENE[:, :, i].copy() for i, c in enumerate("RGB")}, "left.R": red}
    yield "two layers.exr", saved_exr(layers, "ZIP")
    good = encode_exr(SCENE)
    for name in ("with space", "ünïcødé 写真", "-dash", "two.dots", "%s {0} $HOME `id` 'q' \"q\""):
        yield f"{name}.exr", good
    yield "n" * 246 + ".exr", good
    yield "m" * 251 + ".exr", good  # as long as a name can be
    yield "good\nline.exr", good
    yield os.fsdecode(b"latin-1 caf\xe9.exr"), good
    yield "same.exr", good
    yield "same.npy", _npy(SCENE)
    for letter in "ab":
        yield letter + "s" * 250 + ".exr", good
    yield "a" + "s" * 250 + ".npy", _npy(SCENE)


def _npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


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

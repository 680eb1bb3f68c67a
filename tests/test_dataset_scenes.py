"""The rendered HDR pictures: the files in dataset/test, and the script that makes them."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "dataset" / "render_scenes.py"
NAMES = ("interior", "chapel", "night_street", "sunset")


def read_hdr(path):
    data = np.frombuffer(path.read_bytes(), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[..., ::-1]


@pytest.fixture(scope="module")
def script():
    """The script as a module; it finds its package beside itself, as when it is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        spec = importlib.util.spec_from_file_location("render_scenes", SCRIPT)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def renderings(script, tmp_path_factory):
    """Two folders with all scenes, rendered very small with the same seed."""
    folders = [tmp_path_factory.mktemp(f"run{number}") for number in range(2)]
    for folder in folders:
        script.main(["--width", "48", "--samples", "1", "--seed", "5", "--output", str(folder)])
    return folders


@pytest.mark.parametrize("name", NAMES)
def test_small_rendering(renderings, name):
    image = read_hdr(renderings[0] / f"{name}.hdr")
    assert image.shape == (32, 48, 3)
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert image.min() >= 0
    # Light in more than a corner, and colours: a black or grey picture is a broken scene.
    assert (image.max(axis=2) > 0).mean() > 0.9
    assert np.ptp(image, axis=2).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_picture(renderings, name):
    first, second = ((folder / f"{name}.hdr").read_bytes() for folder in renderings)
    assert first == second


def test_only_pictures_are_left(renderings):
    for folder in renderings:
        assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.hdr" for n in NAMES)


@pytest.mark.parametrize("arguments", [["--width", "50"], ["--samples", "0"], ["--scene", "x"]])
def test_bad_arguments(script, arguments, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        script.main([*arguments, "--output", str(tmp_path)])
    assert stop.value.code == 2
    assert arguments[0] in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_help_as_a_command():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for option in ("--scene", "--width", "--samples", "--output", "--seed"):
        assert option in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_committed_picture(name):
    path = ROOT / "dataset" / "test" / f"{name}.hdr"
    image = read_hdr(path)
    assert image.dtype == np.float32
    assert image.shape[2] == 3
    assert image.shape[0] % 8 == 0
    assert image.shape[1] % 8 == 0
    assert np.isfinite(image).all()
    assert image.min() >= 0
    luminance = image @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    dark, bright = np.percentile(luminance, [1, 99.9])
    assert dark > 0
    assert np.log2(bright / dark) > 12
    # The middle is neither black nor white: the range is spread over the picture.
    assert dark * 4 < np.median(luminance) < bright / 16
    assert path.stat().st_size < 1.5e6


def test_committed_pictures_are_small():
    files = list((ROOT / "dataset" / "test").glob("*.hdr"))
    assert sum(path.stat().st_size for path in files) < 6e6

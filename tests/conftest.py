"""What several tests share: golden numbers, tiny pictures and a way to run the scripts."""

import json
import os
import shutil
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import pytest
from helpers import config
from helpers.scripts import ROOT, run_process, run_script, script_command  # noqa: F401

# Tests run with settings of their own, whatever configs/configs.py says.
sys.modules["configs.configs"] = config

# Programs that tests start import the project and the helpers.
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
GOLDEN = ROOT / "tests" / "golden" / "iqatm"
SHIPPED = ROOT / "checkpoints" / "pretrained" / "ftlayer"


def grid(length):
    """The rows or columns that tests/golden/iqatm/forward.npz keeps of a large array."""
    return np.unique(np.r_[0:length:3, length - 1])


def kept(array):
    """Cut a full array as the golden file's are."""
    return array[grid(array.shape[0])][:, grid(array.shape[1])] if len(array) > 100 else array


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


# Their tests run whole scripts or train; what else does so carries the marker itself.
SCRIPT_FIXTURES = {"studio", "records", "trained"}


def pytest_collection_modifyitems(config, items):
    skip = pytest.mark.skip(reason="takes minutes; run with --slow")
    for item in items:
        if SCRIPT_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.script)
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(skip)
    # Files that run scripts come first, so that the processes of pytest-xdist end together.
    long = {item.path for item in items if "script" in item.keywords}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def forward():
    with np.load(GOLDEN / "forward.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def golden_losses():
    return json.loads((GOLDEN / "losses.json").read_text())


@pytest.fixture(scope="session")
def vgg_weights():
    """The stand-in VGG-16 weights that the golden perceptual terms were computed with."""
    generator = np.random.default_rng(7)
    weights, channels_in = {}, 3
    blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    for block, (channels, count) in enumerate(blocks, start=1):
        for index in range(1, count + 1):
            shape = (3, 3, channels_in, channels)
            scale = np.float32(np.sqrt(2 / (9 * channels_in)))
            kernel = generator.standard_normal(shape, dtype=np.float32) * scale
            bias = generator.standard_normal(channels, dtype=np.float32) * np.float32(0.01)
            weights[f"conv{block}_{index}"] = [kernel, bias]
            channels_in = channels
    return weights


def assign_initial_weights(stage, branches):
    """Give the branches a golden training file's first weights; return the file's arrays."""
    from models.import_tf1 import tf1_names

    with np.load(GOLDEN / f"train_{stage}.npz") as file:
        arrays = dict(file)
    for name in ("high", "bot", "ft") if stage == "ft" else (stage,):
        variables = getattr(branches, name).trainable_variables
        for variable, source in zip(variables, tf1_names(name), strict=True):
            variable.assign(arrays["init|" + source.replace("/", "|")])
    return arrays


def golden_batch(stage, arrays):
    """Return (inputs, ground truth) as the trainer takes them."""
    if stage == "ft":
        inputs = {"source": arrays["img"], "high": arrays["x_high"], "bot": arrays["x_bot"]}
    else:
        inputs = {"source": arrays["x"]}
    return inputs, arrays["y"]


def scene(height, width, seed=0):
    """A small scene-linear picture of about ten stops."""
    import cv2

    generator = np.random.default_rng(seed)
    coarse = np.exp(generator.normal(0, 2, (6, 8, 3))).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def disk(tmp_path):
    """A callable that mounts an empty file system of so many bytes and returns its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size):
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("this user cannot mount a small disk")
        return folder

    yield mount
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


@pytest.fixture(scope="session")
def studio(tmp_path_factory):
    """Shared by all tests: what one writes must lie in a folder of its own."""
    from helpers.studio import Studio

    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="session")
def records(studio):
    outcomes = [
        studio.run("generate_tfrec.py", "--phase", "training"),
        studio.run("generate_tfrec.py", "--phase", "training", "--ft"),
        studio.run("generate_tfrec.py"),
    ]
    assert [outcome.returncode for outcome in outcomes] == [0, 0, 0], outcomes
    return outcomes


@pytest.fixture(scope="session")
def trained(studio, records):
    outcomes = {
        stage: studio.run(f"train_{stage}.py", "--epochs", 2) for stage in ("bot", "high", "ft")
    }
    assert {o.returncode for o in outcomes.values()} == {0}, outcomes
    return outcomes


@pytest.fixture
def published(tmp_path):
    return shutil.copytree(GOLDEN / "ftlayer", tmp_path / "ftlayer", copy_function=shutil.copy)

"""The numbered scripts in order, as a new user runs them: nothing given on the command line."""

import subprocess

import numpy as np
import pytest
from conftest import ROOT, scene
from helpers.documents import run_all
from helpers.hdr_files import write_hdr
from helpers.studio import steps_in

from data.pictures import read_sdr, write_sdr

ORDER = (
    "generate_tfrec.py --phase training",
    "train_bot.py",
    "train_high.py",
    "generate_tfrec.py --phase training --ft",
    "train_ft.py",
    "generate_tfrec.py",
    "test.py",
)
# What the user edits in configs.py so that it does not take days.
EDITS = {
    "epochs_high = 350": "epochs_high = 1",
    "epochs_bot = 1600": "epochs_bot = 2",
    "epochs_ft = 1000": "epochs_ft = 1",
    "patch_per_img = 16": "patch_per_img = 1",
    **{f"patch_size_{side} = 512": f"patch_size_{side} = 168" for side in "hw"},
    **{f"patch_size_ft_{side} = 256": f"patch_size_ft_{side} = 168" for side in "hw"},
}


def git(folder, *words):
    command = ["git", "-c", "user.name=n", "-c", "user.email=e", *words]
    outcome = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return outcome.stdout if outcome.returncode == 0 else None


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A fresh copy without the tests; six small pairs and one picture to map."""
    listed = git(ROOT, "ls-files", "-co", "--exclude-standard", "-z")
    if listed is None:
        pytest.skip("this copy of the project has no git")
    folder = tmp_path_factory.mktemp("project")
    for name in filter(None, listed.split("\0")):
        if not name.startswith(("tests/", "dataset/test/")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    settings = folder / "configs" / "configs.py"
    text = settings.read_text("utf-8")
    for old, new in EDITS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    settings.write_text(text, "utf-8")
    for name in ("train/hdr", "train/sdr", "test"):
        (folder / "dataset" / name).mkdir(parents=True)
    for index in range(6):
        picture = scene(176, 184, index)
        write_hdr(folder / "dataset" / "train" / "hdr" / f"{index}.hdr", picture)
        display = np.uint8(255 * (picture / (1 + picture)) ** 0.4545)
        ending = ("jpg", "png", "jpeg")[index % 3]
        write_sdr(folder / "dataset" / "train" / "sdr" / f"{index}.{ending}", display)
    write_hdr(folder / "dataset" / "test" / "new.hdr", picture)
    (folder / "dataset" / "train" / "hdr" / "other.exr").touch()
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    assert git(folder, "commit", "-qm", "fresh") is not None
    return folder


@pytest.mark.script
def test_the_scripts_in_order_train_and_use_ones_own_weights(project, monkeypatch):
    # Nobody answers there: the perceptual network cannot be downloaded.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("KERAS_HOME", str(project.parent / "keras"))
    shipped = {path: path.read_bytes() for path in project.glob("checkpoints/*/*/*")}
    assert len(shipped) == 12
    before, early = run_all(project, ["python test.py dataset/test", "python train_ft.py"]).values()
    assert before[0] == 0 and "the pretrained weights are used" in before[1]
    assert early[0] == 2 and "no records" in early[1]
    outcomes = run_all(project, [f"python {command}" for command in ORDER])
    for command, (status, output) in outcomes.items():
        assert status == 0, (command, output)
    assert "not used, other.exr for one" in outcomes[f"python {ORDER[0]}"][1]
    for stage, steps in {"bot": [1, 2], "high": [2], "ft": [1]}.items():
        output = outcomes[f"python train_{stage}.py"][1]
        assert steps_in(project / "checkpoints" / f"{stage}layer") == steps
        assert "training without the perceptual term" in output and "vgg16.npy" in output
        assert f"{steps[-1]} steps to go" in output
    assert "an epoch is one step with all of them" in outcomes["python train_bot.py"][1]
    said = outcomes["python test.py"][1]
    assert "checkpoints/ftlayer/model-ft.ckpt-1 " in said and "pretrained" not in said
    assert "1 written, 0 skipped" in said
    assert read_sdr(project / "result" / "new.jpg").shape == (176, 184, 3)
    assert git(project, "status", "--porcelain") == ""
    assert {path: path.read_bytes() for path in project.glob("checkpoints/pre*/*/*")} == shipped

"""The three trainers on tiny real files, and all scripts in order as a new user runs them."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

import cv2
import numpy as np
import pytest
from conftest import ROOT, scene, script_command
from helpers.documents import run_all
from helpers.hdr_files import write_hdr
from helpers.studio import steps_in

from data.pictures import read_sdr, write_sdr


def test_training_says_its_devices_first(trained):
    for outcome in trained.values():
        assert outcome.stdout.startswith("devices: ")
        assert "Traceback" not in outcome.stderr


def test_checkpoints_are_named_as_the_originals(studio, trained):
    assert steps_in(studio.folder / "bot") == [2, 4]
    assert steps_in(studio.folder / "high") == [3, 6]
    assert steps_in(studio.folder / "ft") == [2, 4]
    assert (studio.folder / "ft" / "model-ft.ckpt-4.index").is_file()
    kept = json.loads((studio.folder / "ft" / "settings.json").read_text())
    assert kept["config"]["train"]["epochs_ft"] == 2
    assert kept["preparation"]["decompose_filter"] == "bilateral"


def test_ft_starts_from_the_branches(studio, trained):
    for name, step in (("high", 6), ("bot", 4)):
        assert f"{name} branch from {studio.folder / name}, step {step}" in trained["ft"].stdout


def test_progress_shows_the_terms(trained):
    for term in ("total=", "l1=", "c=", "h=", "ssim=", "tmqi="):
        assert term in trained["ft"].stderr


TAGS = {
    "bot": {"l1", "l2", "l2_reg", "ssim", "c", "tmqi_s", "h"},
    "high": {"l1", "l2", "l2_reg", "ssim", "c", "msssim", "tmqi"},
    "ft": {"l1", "l2", "l2_reg", "ssim", "c", "msssim", "tmqi", "h"},
}
PICTURES = {"input", "output", "ground_truth"}
FT_PICTURES = PICTURES | {"input_ft", "output_bot", "new_bot", "output_high"}
SCORED = ("Q", "S", "N", "FSITM", "colour_correlation", "chroma_ratio", "cast")
VALIDATED = {"val/first", "val/second", "val/third one"}


@pytest.mark.parametrize("stage", TAGS)
def test_tensorboard_has_the_originals_tags(studio, trained, stage):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    (path,) = (studio.folder / "logs" / stage).glob("events*")
    validated = list((studio.folder / "logs" / stage / "val").glob("events*"))
    assert len(validated) == (1 if stage == "ft" else 0)
    scalars, pictures = {}, {}
    events = [event for p in (path, *validated) for event in EventFileLoader(str(p)).Load()]
    for event in events:
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "images":
                pictures[value.tag] = tf.make_ndarray(value.tensor)[2:]  # behind width and height
            else:
                scalars[value.tag] = tf.make_ndarray(value.tensor)
    scores = {f"val/{name}" for name in SCORED} if stage == "ft" else set()
    losses = {f"loss/loss_{term}" for term in TAGS[stage]} | {"loss/total_loss"}
    assert set(scalars) == losses | scores
    # Two steps leave some scales with structure opposite to the scene's: then there is no Q.
    assert {t for t, value in scalars.items() if not np.isfinite(value)} <= {"val/Q", "val/S"}
    assert set(pictures) == (FT_PICTURES | VALIDATED if stage == "ft" else PICTURES)
    for tag, encoded in pictures.items():
        assert len(encoded) == (1 if tag in VALIDATED else 3)
        assert cv2.imdecode(np.frombuffer(encoded[0], np.uint8), cv2.IMREAD_COLOR).std() > 0


def test_validation_is_told_after_every_epoch_and_equals_evaluate(studio, trained, tmp_path):
    import csv

    lines = [line for line in trained["ft"].stderr.splitlines() if "validation pictures" in line]
    lines = lines or [x for x in trained["ft"].stdout.splitlines() if "validation pictures" in x]
    assert len(lines) == 2
    outcome = studio.run(
        "evaluate.py", "--operators", "none", "--output", tmp_path, studio.folder / "hdr"
    )
    assert outcome.returncode == 0, outcome.stderr
    with open(tmp_path / "scores.csv") as file:
        rows = list(csv.DictReader(file))
    for name in ("N", "FSITM", "chroma_ratio"):
        assert f"{name} {np.mean([float(row[name]) for row in rows]):.4f}" in lines[-1]


def test_nan_stops_and_names_the_first_bad_term(studio, records, tmp_path):
    outcome = studio.run("train_bot.py", train__lr_bot=1e38, model__ckp_path_bot=tmp_path / "bot")
    assert outcome.returncode == 2
    assert "train_bot.py: step 1: loss_l1 is " in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert [path.name for path in (tmp_path / "bot").iterdir()] == [".lock"]


def test_tensorboard_serves_the_summaries_to_this_machine_alone(studio, trained):
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        script_command("run_tfboard.py", "ft", "--port", port, *studio.arguments()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                url = f"http://localhost:{port}/data/plugins_listing"
                with urllib.request.urlopen(url, timeout=5) as page:
                    assert page.status == 200
                assert f"ssh -L {port}:localhost:{port}" in process.stdout.readline()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)
        # A server that is open to other machines answers on all addresses of this one.
        others = {"127.0.0.2", socket.gethostbyname(socket.gethostname())} - {"127.0.0.1"}
        for address in others:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port), timeout=5)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train__train_set_size": 5}, "train_set_size is 5 but the records hold 3 pairs"),
        ({"model__tfrecord_dual": "no/records_"}, "no records at no/records_.json"),
        (
            {"model__ckp_path_bot": ROOT / "README.md" / "bot"},
            r"README.md/bot: cannot write to this folder .*model\.ckp_path_bot",
        ),
        (
            {"train__log_path": ROOT / "README.md"},
            r"README.md/bot: cannot write to this folder .*train\.log_path",
        ),
    ],
)
def test_disagreement_stops_training_before_it_starts(studio, trained, changes, message):

    outcome = studio.run("train_bot.py", **changes)
    assert outcome.returncode == 2
    assert re.search(message, outcome.stderr), outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_finished_training_says_so_and_the_right_train_set_size_is_accepted(studio, trained):
    done = studio.run("train_bot.py", "--epochs", 2, train__train_set_size=3)
    assert done.returncode == 0 and "2 epochs are done already" in done.stdout


def test_training_goes_on_from_the_published_checkpoint(studio, records, published):
    outcome = studio.run("train_ft.py", "--epochs", 1, model__ckp_path_ft=published)
    assert outcome.returncode == 0, outcome.stderr
    assert "step 4242, epoch 0" in outcome.stdout
    assert steps_in(published)[-1] == 4244


@pytest.mark.parametrize("ablation", ["--no_high_branch", "--no_ft_branch"])
def test_ablations_train_and_test(studio, trained, tmp_path, ablation):
    changes = {"model__ckp_path_ft": tmp_path / "ft", "train__log_path": tmp_path / "logs"}
    outcome = studio.run("train_ft.py", "--epochs", 1, ablation, **changes)
    assert outcome.returncode == 0, outcome.stderr
    picture = studio.folder / "hdr" / "first.hdr"
    outcome = studio.run("test.py", picture, "--output", tmp_path / "out", **changes)
    assert outcome.returncode == 0, outcome.stderr
    assert read_sdr(tmp_path / "out" / "first.jpg").std() > 1


def test_whole_pictures_need_no_records_and_no_partners(studio, tmp_path):
    changes = {
        "train__whole_pictures": True,
        "train__displayed_share": 1.0,
        "train__loss_weights_ft": '{"h": 0, "tmqi": 0, "q": 1, "d": 0.1, "a": 2, "halo": 0.01}',
        "train__epochs_ft": 2,
        "train__batch_size_ft": 2,
        "train__val_path": None,
        "train__log_path": tmp_path / "logs",
        "model__ckp_path_ft": tmp_path / "ft",
        "model__tfrecord_ft": tmp_path / "none_",
        "model__display_range": "clip",
        "model__display_colour": "source",
        "model__display_guided": 2,
        "model__display_detail": 1.5,
        "model__display_gamut": "darken",
        "data__sdr_path": tmp_path / "none",
        "data__augment_noise": 1.0,
    }
    outcome = studio.run("train_ft.py", "--skip_step_1", **changes)
    assert outcome.returncode == 0, outcome.stderr
    assert "3 whole pictures, 2 steps an epoch of 2 each, 4 steps to go" in outcome.stdout
    for term in ("q=", "d=", "a=", "halo="):
        assert term in outcome.stderr
    saved = json.loads((tmp_path / "ft" / "settings.json").read_text())
    assert saved["display"] == {
        **{"range": "clip", "colour": "source", "saturation": 1.0},
        **{"guided": 2, "detail": 1.5, "shadow_gain": 0.0, "gamut": "darken"},
    }
    changes["train__loss_weights_ft"] = '{"l1": 0.5}'
    outcome = studio.run("train_ft.py", "--skip_step_1", **changes)
    assert outcome.returncode == 2 and "reads a ground truth" in outcome.stderr


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
    said = outcomes["python train_ft.py"][1]
    assert re.search(r"python test\.py --set model\.ckp_path_ft=\S*checkpoints/ftlayer\n", said)
    said = outcomes["python test.py"][1]
    assert "checkpoints/ftlayer/model-ft.ckpt-1 " in said and "pretrained" not in said
    assert "1 written, 0 skipped" in said
    assert read_sdr(project / "result" / "new.jpg").shape == (176, 184, 3)
    assert git(project, "status", "--porcelain") == ""
    assert {path: path.read_bytes() for path in project.glob("checkpoints/pre*/*/*")} == shipped

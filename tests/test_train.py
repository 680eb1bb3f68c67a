"""The three trainers on tiny real files."""

import json
import re

import cv2
import numpy as np
import pytest
from conftest import ROOT
from helpers.studio import steps_in

from data.pictures import read_sdr


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
        **{"guided": 2, "detail": 1.5, "gamut": "darken"},
    }
    changes["train__loss_weights_ft"] = '{"l1": 0.5}'
    outcome = studio.run("train_ft.py", "--skip_step_1", **changes)
    assert outcome.returncode == 2 and "reads a ground truth" in outcome.stderr

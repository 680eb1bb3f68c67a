"""What a training refuses before expensive work, and in which order it does things."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import shards
from helpers.shards import write
from helpers.stages import FUSED, settings, stage, train

from configs.configs import config as defaults
from configs.stage_settings import stage_settings
from data.preparation.prepare import Preparation
from data.records.index import read_index
from models.weights import newest_checkpoint
from system.errors import InputError
from training import stage as stage_module
from training.checks import check_records, check_start
from training.strategy import Replicas


@pytest.fixture
def config(tmp_path):
    """Settings of tiny linear records, which lie below tmp_path as everything else."""
    config = copy.deepcopy(defaults)
    config.dev.update(data_domain="linear", decompose_filter="gaussian", fuse_mid_layers=True)
    config.data.update(patch_size_h=16, patch_size_w=24, patch_size_ft_h=16, patch_size_ft_w=24)
    for name in ("high", "bot", "ft"):
        config.model[f"ckp_path_{name}"] = str(tmp_path / name)
    config.model.update(
        tfrecord_dual=str(tmp_path / "dual_"), tfrecord_ft=str(tmp_path / "ft_"), loss_vgg=None
    )
    config.train.update(log_path=str(tmp_path / "logs"), val_path=None)
    return config


@pytest.mark.parametrize(("stage", "kind"), [("high", "dual"), ("bot", "dual"), ("ft", "ft")])
def test_records_of_other_settings_are_refused(tmp_path, config, stage, kind):
    info = read_index(write(tmp_path / "x_.json", kind, count=8), kind)
    check_records(stage_settings(stage, config), info)
    config.train.train_set_size = 2
    check_records(stage_settings(stage, config), info)
    ft = "ft_" if stage == "ft" else ""
    for section, key, value, message in (
        ("dev", "data_domain", "gamma", "records have .*linear.* dev section says .*gamma"),
        ("dev", "decompose_filter", "bilateral", "records have .*gaussian.* says .*bilateral"),
        ("dev", "fuse_mid_layers", False, "records have .*fused.* says "),
        ("dev", "level_num", 2, "records have .*3.* says .*2"),
        ("data", f"patch_size_{ft}h", 24, "patches of 16x24, .* say 24x24"),
        ("data", f"patch_size_{ft}w", 16, "patches of 16x24, .* say 16x16"),
        ("train", "train_set_size", 3, "train_set_size is 3 but the records hold 2 pairs"),
    ):
        changed = copy.deepcopy(config)
        changed[section][key] = value
        with pytest.raises(InputError, match=message):
            check_records(stage_settings(stage, changed), info)


@pytest.mark.parametrize(("side", "fits"), [(56, True), (48, False)])
def test_padded_training_needs_a_bot_layer_that_can_be_mirrored(config, side, fits):
    config.train.pad_bot = True
    config.data.update(patch_size_ft_h=side, patch_size_ft_w=side)
    info = SimpleNamespace(
        count=16,
        patch_per_img=16,
        preparation=Preparation.from_settings(config.dev),
        shapes={"hdr_high": (side, side, 3), "hdr_bot": (side // 8, side // 8, 3)},
    )
    if not fits:
        with pytest.raises(InputError, match=r"train\.pad_bot needs bot layers of 7 .* have 6"):
            check_records(stage_settings("ft", config), info)
        config.train.pad_bot = False
    check_records(stage_settings("ft", config), info)


def test_a_branch_of_other_layers_is_no_start_for_ft(tmp_path):
    stage(tmp_path)[1].save(0)
    found = newest_checkpoint(tmp_path)
    check_start(found, "bot", tmp_path, FUSED)
    check_start(None, "bot", tmp_path, FUSED)
    with pytest.raises(InputError, match=r"fused layers.* the records have .*extracted layers"):
        check_start(found, "bot", tmp_path, FUSED._replace(fuse_mid_layers=False))


@pytest.fixture
def no_expensive_work(monkeypatch):
    """Fail where records are read whole, or anything is built."""

    def expensive(*_):
        raise AssertionError("expensive work before the cheap checks")

    for name in ("verify", "load_vgg16", "make_branches", "check_pictures"):
        monkeypatch.setattr(stage_module, name, expensive)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("train", "loss_weights_bot", {"hue": 1.0}, "'hue' is no loss term of bot"),
        ("train", "loss_weights_bot", {"items": 1.0}, "'items' is no loss term of bot"),
        ("train", "loss_weights_bot", {"n": 0.1}, "'n' of bot reads domain gamma"),
        ("train", "train_set_size", 5, "train_set_size is 5"),
        ("train", "loss_weights_bot", {"l1": 0.5}, "patches of 2x3 are too small"),
        ("model", "loss_vgg", "no/vgg16.npy", "patches of 2x3 are too small"),
    ],
)
def test_cheap_checks_come_first(tmp_path, config, no_expensive_work, section, key, value, message):
    write(tmp_path / "dual_.json", "dual", count=8)
    config[section][key] = value
    with pytest.raises(InputError, match=message):
        stage_module.train(stage_settings("bot", config))


@pytest.mark.script
def test_a_finished_training_does_no_expensive_work(
    tmp_path, config, no_expensive_work, monkeypatch
):
    monkeypatch.setattr(shards, "SIZE", (88, 96))
    config.data.update(patch_size_h=88, patch_size_w=96)
    write(tmp_path / "dual_.json", "dual", count=8)
    trainer, checkpoint = stage(
        tmp_path / "bot", saved=settings(Preparation.from_settings(config.dev))
    )
    train(trainer)
    checkpoint.save(config.train.epochs_bot)
    assert stage_module.train(stage_settings("bot", config)) == 0


def test_the_folder_of_another_training_is_refused_before_expensive_work(
    tmp_path, config, no_expensive_work, monkeypatch
):
    monkeypatch.setattr(shards, "SIZE", (88, 96))
    config.data.update(patch_size_h=88, patch_size_w=96)
    write(tmp_path / "dual_.json", "dual", count=8)

    def taken(*_):
        raise InputError("taken")

    monkeypatch.setattr(stage_module, "lock", taken)
    with pytest.raises(InputError, match="taken"):
        stage_module.train(stage_settings("bot", config))


def resumed(tmp_path, config, folder):
    """Return (StageCheckpoint, rates at its step and two and four steps later) of two epochs."""
    config.model.ckp_path_ft = str(folder)
    write(tmp_path / "ft_.json", "ft", count=8)
    config.data.update(patch_size_ft_h=176, patch_size_ft_w=176)
    config.train.update(lr_ft=1e-3, lr_final=0.1, epochs_ft=2, batch_size_ft=4)
    plain = stage_settings("ft", config)
    run = stage_module.check(plain, Replicas("default"))
    trainer, _, branches = stage_module.build(run)
    checkpoint = stage_module.restore(run, trainer, branches)
    run.lock.close()
    schedule = trainer.optimizer._learning_rate
    steps = [checkpoint.step + done for done in (0, 2, 4)]
    return checkpoint, [float(schedule(np.int64(step))) for step in steps]


@pytest.mark.script
def test_the_schedule_runs_over_this_training_not_from_the_authors_step(
    tmp_path, config, published, monkeypatch
):
    monkeypatch.setattr(shards, "SIZE", (176, 176))
    checkpoint, rates = resumed(tmp_path, config, published)
    assert checkpoint.step == 4242
    assert rates == pytest.approx([1e-3, 0.55e-3, 0.1e-3])
    # Interrupted after the first of two epochs, the second goes on along the same curve.
    checkpoint.trainer.optimizer.iterations.assign(4244)
    checkpoint.save(1)
    checkpoint, rates = resumed(tmp_path, config, published)
    assert checkpoint.step == 4244
    assert rates[:2] == pytest.approx([0.55e-3, 0.1e-3])


@pytest.mark.script
def test_a_resumed_schedule_follows_the_epochs_with_another_batch_size(
    tmp_path, config, monkeypatch
):
    monkeypatch.setattr(shards, "SIZE", (176, 176))
    folder = tmp_path / "own"
    _, checkpoint = stage(folder, "ft", settings(Preparation.from_settings(config.dev)))
    checkpoint.trainer.optimizer.iterations.assign(8)  # an epoch of batches of one
    checkpoint.save(1)
    assert resumed(tmp_path, config, folder)[1][:2] == pytest.approx([0.55e-3, 0.1e-3])

"""What a training refuses before expensive work, and in which order it does things."""

import copy

import numpy as np
import pytest
from helpers import shards
from helpers.shards import write
from helpers.stages import FUSED, settings, stage, train

from configs.configs import config as defaults
from configs.stage_settings import stage_settings
from data.preparation.prepare import Preparation
from data.records.index import read_index
from models.weights import PRETRAINED, newest_checkpoint
from system.errors import InputError
from training import stage as stage_module
from training.callbacks import ProgressBar
from training.checks import (
    Run,
    check_pad_bot,
    check_records,
    check_same_start,
    origin,
    start_checkpoints,
)
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
    bot_size = (side // 8, 2 * side)
    if not fits:
        with pytest.raises(InputError, match=r"train\.pad_bot needs bot layers of 7 .* have 6"):
            check_pad_bot(stage_settings("ft", config), bot_size)
        config.train.pad_bot = False
    check_pad_bot(stage_settings("ft", config), bot_size)


def test_ft_starts_from_its_own_branches_or_says_what_is_missing(tmp_path, config):
    config.dev.update(FUSED._asdict())
    with pytest.raises(InputError, match=r"of the high branch in .*run train_high\.py .*--skip_st"):
        start_checkpoints(stage_settings("ft", config))
    fresh = {"high": None, "bot": None}
    assert start_checkpoints(stage_settings("ft", config, skip_step_1=True)) == fresh
    stage(tmp_path / "bot")[1].save(0)
    stage(tmp_path / "high", "high")[1].save(0)
    start = start_checkpoints(stage_settings("ft", config))
    assert [found.path for found in start.values()] == [
        str(tmp_path / name / f"model-{name}.ckpt-0") for name in ("high", "bot")
    ]
    config.dev.fuse_mid_layers = False
    with pytest.raises(InputError, match=r"fused layers.* the records have .*extracted layers"):
        start_checkpoints(stage_settings("ft", config))


def test_ft_starts_from_the_weights_that_are_named(tmp_path, config):
    config.dev.update(FUSED._asdict())
    pretrained = stage_settings("ft", config, start_from="pretrained")
    start = start_checkpoints(pretrained)
    assert [*start] == ["high", "bot", "ft"] and "pretrained" in start["ft"].path
    own = {"bot": f"{tmp_path / 'bot'}, step 4"}
    for began, allowed in ({"bot": origin(start["bot"])}, True), (own, False):
        _, checkpoint = stage(tmp_path / "ft", "ft", settings(start=began))
        checkpoint.save(0)
        found = newest_checkpoint(tmp_path / "ft")
        check_same_start(stage_settings("ft", config), found)
        if allowed:
            check_same_start(pretrained, found)
            continue
        with pytest.raises(InputError, match="did not begin with the weights that --start_from"):
            check_same_start(pretrained, found)
    with pytest.raises(InputError, match=r"no checkpoint in .*empty; .*--start_from"):
        start_checkpoints(stage_settings("ft", config, start_from=str(tmp_path / "empty")))
    config.dev.fuse_mid_layers = False
    with pytest.raises(
        InputError, match=r"give --preset shipped to generate_tfrec\.py and train_f"
    ):
        start_checkpoints(stage_settings("ft", config, start_from="pretrained"))


@pytest.mark.parametrize("key", ["ckp_root", "ckp_path_bot"])
def test_no_training_writes_into_the_shipped_weights(tmp_path, config, key):
    config.model.ckp_path_bot = None
    config.model[key] = str(PRETRAINED / "mine")
    with pytest.raises(InputError, match=r"the shipped weights lie there.*model\.ckp_root"):
        stage_module.train(stage_settings("bot", config))
    assert not (PRETRAINED / "mine").exists()


def test_the_root_moves_all_folders_of_a_model(tmp_path, config):
    config.model.update(ckp_root=str(tmp_path / "mine"), ckp_path_bot=None, ckp_path_ft=None)
    config.train.log_path = None
    found = stage_settings("ft", config)
    assert (found.folder, found.log_folder) == (
        tmp_path / "mine" / "ftlayer",
        tmp_path / "mine" / "logs" / "ft",
    )
    assert found.start_folders == {
        "high": tmp_path / "high",  # named by its own key
        "bot": tmp_path / "mine" / "botlayer",
    }


def test_without_a_download_the_training_goes_on_and_says_so(monkeypatch, caplog):
    def offline(**_):
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.applications.VGG16", offline)
    assert stage_module.perceptual_loss("imagenet", 1) is None
    assert "without the perceptual term" in caplog.text and "or name a vgg16.npy" in caplog.text
    for source, workers in (("imagenet", 2), ("no/vgg16.npy", 1)):
        with pytest.raises(InputError):
            stage_module.perceptual_loss(source, workers)


def test_a_resumed_training_says_what_it_began_with(tmp_path, config, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(shards, "SIZE", (176, 176))
    config.data.update(patch_size_ft_h=176, patch_size_ft_w=176)
    write(tmp_path / "ft_.json", "ft", count=8)
    for flags, said in (
        ({"skip_step_1": True}, "high branch from fresh"),
        ({}, "it began with the h"),
    ):
        run = stage_module.check(stage_settings("ft", config, **flags), Replicas("default"))
        trainer, _, branches = stage_module.build(run)
        stage_module.restore(run, trainer, branches).save(1)
        run.lock.close()
        assert said in caplog.text
        caplog.clear()


def test_after_the_first_steps_the_time_is_told_once(caplog):
    caplog.set_level("INFO")
    bar = ProgressBar(steps=30, epochs=3, done=5, terms=[])
    for epoch, steps in enumerate((25, 30)):
        bar.on_epoch_begin(epoch)
        for step in range(steps):
            bar.on_train_batch_end(step, {"total_loss": 1.0})
        bar.on_epoch_end(epoch)
    assert caplog.messages == ["about 1 min for the 64 steps to go"]


@pytest.mark.parametrize(("remaining", "every"), [(5, 1), (60, 3), (400, 20), (10**6, 20)])
def test_a_run_has_twenty_points_and_more(config, remaining, every):
    config.train.epochs_bot = 3
    plain = stage_settings("bot", config)
    run = Run(plain, None, None, remaining, None, 2, 0, {}, None)
    assert run.remaining == remaining and run.summary_every == every


@pytest.fixture
def no_expensive_work(monkeypatch):
    """Fail where records are read whole, or anything is built."""

    def expensive(*_):
        raise AssertionError("expensive work before the cheap checks")

    for name in ("verify_records", "load_vgg16", "make_branches", "check_pictures"):
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

import json

import numpy as np
import pytest
from helpers.stages import FUSED, PAPER, settings, stage, state, train

from inference.operator import Operator
from losses.objectives import Objective
from models.checkpoint_files import newest
from models.checkpoint_info import info_in
from models.display import Display
from models.tone_mapper import make_branches, tone_mapper
from models.weights import load_branches
from system.errors import InputError
from training.checkpoint import KEPT, StageCheckpoint
from training.fit import place
from training.trainer import Trainer


def test_everything_comes_back(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    assert checkpoint.restore() is None
    train(trainer, 3)
    path = checkpoint.save(epoch=2, patches=8)
    assert path.endswith("model-bot.ckpt-3")
    again, restored = stage(tmp_path)
    assert restored.restore() == path
    assert (restored.step, int(restored.epoch), int(restored.patches)) == (3, 2, 8)
    for a, b in zip(state(trainer), state(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_and_two_steps_equal_four(tmp_path):
    whole, _ = stage(tmp_path / "whole")
    start = [v.numpy() for v in whole.trainable_variables]
    train(whole, 4)
    first, checkpoint = stage(tmp_path / "parts")
    for variable, value in zip(first.trainable_variables, start, strict=True):
        variable.assign(value)
    train(first, 2)
    checkpoint.save(epoch=1)
    second, checkpoint = stage(tmp_path / "parts")
    checkpoint.restore()
    train(second, 2)
    for a, b in zip(state(whole), state(second), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_latest_five_are_kept(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    for epoch in range(7):
        train(trainer)
        checkpoint.save(epoch)
    found = sorted(path.name for path in tmp_path.glob("*.index"))
    assert found == [f"model-bot.ckpt-{n}.index" for n in range(3, 8)]
    assert len(found) == KEPT
    assert newest(tmp_path).path.endswith("model-bot.ckpt-7")


def test_settings_are_kept_and_copied_for_reading(tmp_path):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(0)
    kept = load_branches(tmp_path, {"bot": make_branches().bot})
    assert (kept.preparation, kept.display) == (FUSED, Display("clip", "source", 1.2))
    assert info_in(tmp_path).preparation == FUSED
    assert json.loads((tmp_path / "settings.json").read_text()) == settings()


def test_another_preparation_is_refused(tmp_path):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(0)
    _, other = stage(tmp_path, kept=settings(PAPER))
    with pytest.raises(InputError, match=r"fused layers.*the records have .*extracted layers"):
        other.restore()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data_domain", "linear"),
        ("decompose_filter", "gaussian"),
        ("fuse_mid_layers", False),
        ("level_num", 4),
    ],
)
def test_every_field_of_the_preparation_is_compared(tmp_path, field, value):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(0)
    _, other = stage(tmp_path, kept=settings(FUSED._replace(**{field: value})))
    with pytest.raises(InputError, match=r"was trained with .*, the records have .*; train into"):
        other.restore()


def test_a_damaged_newest_is_passed_over_by_training_and_inference(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer)
    first = checkpoint.save(1)
    expected = state(trainer)
    train(trainer)
    second = checkpoint.save(2)
    data = tmp_path / "model-bot.ckpt-2.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    again, checkpoint = stage(tmp_path)
    assert checkpoint.restore() == first
    remark = f"{second} is damaged; taking the one before, {first}"
    assert checkpoint.restored.remark == remark
    assert load_branches(tmp_path, {"bot": make_branches().bot}).remark == remark
    for a, b in zip(expected, state(again), strict=True):
        np.testing.assert_array_equal(a, b)
    train(again)
    assert checkpoint.save(2) == second  # written over
    assert newest(tmp_path)[::2] == (second, None)


def test_branches_of_a_stage_warm_start_another(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer)
    checkpoint.save(1)
    branches = make_branches()
    assert load_branches(tmp_path, {"bot": branches.bot}).step == 1
    for a, b in zip(trainer.trainable_variables, branches.bot.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert load_branches(tmp_path / "nothing", {"bot": branches.bot}) is None


def test_the_wrong_stage_is_refused(tmp_path):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(0)
    with pytest.raises(InputError, match="another network"):
        load_branches(tmp_path, {"high": make_branches().high})
    with pytest.raises(InputError, match="another network"):
        Operator(tmp_path, PAPER)


def test_ablations_are_kept(tmp_path):
    branches = make_branches()
    network = tone_mapper(branches, 3, no_ft_branch=True)
    trainer = Trainer(network, Objective("ft"), 1e-3)
    used = branches.used(no_ft_branch=True)
    assert set(used) == {"high", "bot"}
    StageCheckpoint(tmp_path, "ft", used, trainer, settings(no_ft_branch=True)).save(0)
    operator = Operator(tmp_path, PAPER)
    assert operator.info.no_ft_branch and operator.preparation == FUSED


def test_another_ablation_is_refused(tmp_path):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(0)
    _, other = stage(tmp_path, kept=settings(no_high_branch=True))
    with pytest.raises(InputError, match=r"no_high_branch = False, this run has True; .*mine/bot"):
        other.restore()


def test_own_checkpoint_without_its_data_is_one_sentence(tmp_path):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(0)
    next(tmp_path.glob("*.data*")).unlink()
    with pytest.raises(InputError, match="is damaged"):
        info_in(tmp_path)


@pytest.mark.parametrize(
    ("patches", "batch_size", "expected"),
    [(0, 4, (2, 0)), (8, 4, (2, 2)), (9, 4, (2, 2)), (8, 8, (2, 1)), (40, 4, (3, 0))],
)
def test_an_interrupted_epoch_goes_on_with_any_batch_size(tmp_path, patches, batch_size, expected):
    _, checkpoint = stage(tmp_path)
    checkpoint.save(2, patches)
    assert place(checkpoint, batch_size, 10) == expected


def test_no_checkpoint_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint in .*; train one with train_ft\.py"):
        Operator(tmp_path, PAPER)

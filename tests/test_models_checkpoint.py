import hashlib
import json
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from conftest import GOLDEN, ROOT

from data.errors import InputError
from data.prepare import Preparation
from losses.objectives import Objective
from models.checkpoint import KEPT, StageCheckpoint
from models.checkpoint_files import newest
from models.display import Display
from models.fit import place
from models.inference import Operator
from models.kept import kept_in
from models.publish import publish
from models.tone_mapper import make_branches, tone_mapper
from models.trainer import Trainer
from models.weights import load_branches

PAPER = Preparation("gamma", "bilateral", False, 3)
FUSED = Preparation("gamma", "bilateral", True, 3)


def settings(preparation=FUSED, **changes):
    return {
        "preparation": preparation._asdict(),
        "display": Display("clip", "source", 1.2)._asdict(),
        "no_high_branch": False,
        "no_ft_branch": False,
        **changes,
    }


def stage(folder, name="bot", kept=None):
    branches = make_branches()
    used = branches._asdict() if name == "ft" else {name: getattr(branches, name)}
    network = tone_mapper(branches, 3) if name == "ft" else used[name]
    trainer = Trainer(network, Objective(name), 1e-3)
    return trainer, StageCheckpoint(folder, name, used, trainer, kept or settings())


def train(trainer, steps=1, seed=0):
    x = np.random.default_rng(seed).random((2, 24, 24, 3), dtype="f4")
    for _ in range(steps):
        trainer.train_on_batch({"source": x}, x[:, ::-1])


def state(trainer):
    return [np.asarray(v) for v in (*trainer.trainable_variables, *trainer.optimizer.variables)]


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
    assert kept_in(tmp_path).preparation == FUSED
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
    assert operator.kept.no_ft_branch and operator.preparation == FUSED


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
        kept_in(tmp_path)


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


@pytest.fixture
def published(tmp_path):
    return shutil.copytree(GOLDEN / "ftlayer", tmp_path / "ftlayer", copy_function=shutil.copy)


def test_published_files_give_weights_moments_and_step(published):
    trainer, checkpoint = stage(published, "ft", settings(PAPER))
    checkpoint.restore()
    assert (checkpoint.step, int(checkpoint.epoch)) == (4242, 0)
    reader = tf.train.load_checkpoint(str(published))
    order = [id(variable) for variable in trainer.trainable_variables]
    moments = {
        kind: [m for m in trainer.optimizer.variables if m.path.endswith(f"_{kind}")]
        for kind in ("momentum", "velocity")
    }
    for branch, variable, source in (
        ("bot", "conv3/kernel", "bot_level/conv2_weight_1"),
        ("bot", "conv2/kernel", "bot_level/conv2_weight"),
        ("high", "conv5/bias", "high_level/c5_sig_bias"),
        ("ft", "tri2_5x5/kernel", "ft_merger/3pass_res2g3_weight"),
    ):
        model = checkpoint.branches[branch]
        value = next(v for v in model.trainable_variables if v.path == variable)
        np.testing.assert_array_equal(value, reader.get_tensor(source))
        for kind, suffix in (("momentum", "Adam"), ("velocity", "Adam_1")):
            moment = moments[kind][order.index(id(value))]
            np.testing.assert_array_equal(moment, reader.get_tensor(f"{source}/{suffix}"))


def test_published_files_go_on_into_our_own(published):
    _, checkpoint = stage(published, "ft", settings(PAPER))
    checkpoint.restore()
    checkpoint.save(1)
    assert load_branches(published, make_branches()._asdict()).preparation == PAPER


def test_published_file_of_another_stage_is_refused(published, tmp_path):
    names = {"high": "bot_level"}
    reader = tf.train.load_checkpoint(str(published))
    tensors = {
        name: tf.constant(reader.get_tensor(name))
        for name in reader.get_variable_to_shape_map()
        if name.startswith(names["high"]) or name == "global_step"
    }
    folder = tmp_path / "botonly"
    folder.mkdir()
    prefix = str(folder / "model-bot.ckpt-7")
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )
    (folder / "checkpoint").write_text('model_checkpoint_path: "model-bot.ckpt-7"\n')
    load_branches(folder, {"bot": make_branches().bot})
    with pytest.raises(InputError, match="no readable variable high_level/conv1_weight"):
        load_branches(folder, {"high": make_branches().high})


def test_damage_is_one_sentence(published):
    data = published / "model-ft.ckpt-4242.data-00000-of-00001"
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"ckpt-4242"):
        load_branches(published, make_branches()._asdict())
    data.unlink()
    for use in (
        lambda: load_branches(published, make_branches()._asdict()),
        lambda: Operator(published, PAPER),
        lambda: stage(published, "ft", settings(PAPER))[1].restore(),
        lambda: kept_in(published),
    ):
        with pytest.raises(InputError, match=r"ckpt-4242 (is damaged|has no readable)"):
            use()
    (published / "checkpoint").write_text("not a checkpoint state")
    with pytest.raises(InputError, match=r"ckpt-4242 is damaged"):
        newest(published)
    next(published.glob("*.index")).unlink()
    with pytest.raises(InputError, match=r"checkpoint names no checkpoint"):
        newest(published)


def test_weights_published_without_moments_go_on_with_adam_anew(tmp_path):
    trainer, checkpoint = stage(tmp_path / "own")
    train(trainer, 2)
    checkpoint.save(1, 3)
    found = newest(tmp_path / "own")
    publish(tmp_path / "bare", "bot", {"bot": make_branches().bot}, found, settings())
    sizes = [
        sum(path.stat().st_size for path in (tmp_path / name).glob("*.data*"))
        for name in ("own", "bare")
    ]
    assert sizes[1] < 0.4 * sizes[0]
    other, again = stage(tmp_path / "bare")
    assert again.restore().endswith("model-bot.ckpt-2")
    assert (again.step, int(again.epoch), int(again.patches)) == (2, 1, 3)
    for own, restored in zip(trainer.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(own, restored)
    train(other, 1)
    assert again.save(2).endswith("model-bot.ckpt-3")
    assert newest(tmp_path / "bare").path.endswith("model-bot.ckpt-3")


def test_the_shipped_files_are_those_of_the_card():
    folder = ROOT / "checkpoints"
    sums = dict(re.findall(r"([0-9a-f]{64})  (\S+)", (folder / "README.md").read_text()))
    found = {
        hashlib.sha256(path.read_bytes()).hexdigest(): str(path.relative_to(folder))
        for path in folder.glob("*layer/model-*")
    }
    assert found == sums and len(sums) == 6

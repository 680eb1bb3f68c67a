"""The authors' published files: read, trained on, refused where they do not fit."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.stages import PAPER, settings, stage

from inference.operator import Operator
from models.checkpoint_files import newest
from models.checkpoint_info import info_in
from models.tone_mapper import make_branches
from models.weights import load_branches
from system.errors import InputError


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
        lambda: info_in(published),
    ):
        with pytest.raises(InputError, match=r"ckpt-4242 (is damaged|has no readable)"):
            use()
    (published / "checkpoint").write_text("not a checkpoint state")
    with pytest.raises(InputError, match=r"ckpt-4242 is damaged"):
        newest(published)
    next(published.glob("*.index")).unlink()
    with pytest.raises(InputError, match=r"checkpoint names no checkpoint"):
        newest(published)

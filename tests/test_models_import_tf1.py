"""The authors' published files: read, trained on, refused where they do not fit."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.stages import PAPER, settings, stage

from inference.operator import Operator
from models.tone_mapper import make_branches
from models.weights import checkpoint_info, load_weights, newest_checkpoint
from system.errors import InputError


def test_published_files_give_weights_moments_and_step(published):
    trainer, checkpoint = stage(published, "ft", settings(PAPER))
    checkpoint.restore(newest_checkpoint(published))
    assert (checkpoint.step, checkpoint.resume_point) == (4242, (0, 0))
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
    checkpoint.restore(newest_checkpoint(published))
    checkpoint.save(1)
    found = newest_checkpoint(published)
    assert checkpoint_info(found).preparation == PAPER
    load_weights(found, make_branches()._asdict())


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
    load_weights(newest_checkpoint(folder), {"bot": make_branches().bot})
    with pytest.raises(InputError, match="has no variable high_level/conv1_weight"):
        load_weights(newest_checkpoint(folder), {"high": make_branches().high})


def test_damage_is_one_sentence(published):
    data = published / "model-ft.ckpt-4242.data-00000-of-00001"
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"ckpt-4242"):
        load_weights(newest_checkpoint(published), make_branches()._asdict())
    data.unlink()
    with pytest.raises(InputError, match=r"ckpt-4242 is damaged"):
        newest_checkpoint(published)
    with pytest.raises(InputError, match=r"ckpt-4242 is damaged"):
        Operator(published, PAPER)
    (published / "checkpoint").write_text("not a checkpoint state")
    with pytest.raises(InputError, match=r"ckpt-4242 is damaged"):
        newest_checkpoint(published)
    next(published.glob("*.index")).unlink()
    with pytest.raises(InputError, match=r"checkpoint names no checkpoint"):
        newest_checkpoint(published)

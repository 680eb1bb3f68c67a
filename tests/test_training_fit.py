import shutil

import numpy as np
import pytest
import tensorflow as tf
from helpers.shards import SIZE, write
from helpers.stages import stage

from data.datasets import training_batches
from data.records.index import read_index
from models.weights import newest_checkpoint
from system.errors import InputError
from training.callbacks import StopAtSignal
from training.fit import CosineDecay, fit

pytestmark = pytest.mark.script


def test_the_rate_falls_along_a_cosine_from_the_first_step():
    schedule = CosineDecay(2.0, 0.5, 100, first_step=1000)
    found = [float(schedule(tf.constant(step, tf.int64))) for step in (1000, 1050, 1100, 1200)]
    assert found == pytest.approx([2.0, 1.5, 1.0, 1.0])
    constant = CosineDecay(2.0, 1.0, 100)
    assert {float(constant(tf.constant(step, tf.int64))) for step in (0, 50, 200)} == {2.0}


def remove(info):
    shutil.rmtree(info.shards[0].path.parent)


def cut(info):
    path = info.shards[0].path
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("damage", [remove, cut])
def test_records_that_change_under_the_training_end_it_with_a_sentence(tmp_path, damage):
    info = read_index(write(tmp_path / "x_.json", "dual", count=8), "dual")
    trainer, checkpoint = stage(tmp_path / "bot")
    before = np.array(trainer.trainable_variables[0])

    def batches(epoch, skip):
        if epoch == 1:
            damage(info)
        return training_batches(info, "bot", 4, 0, epoch, skip).map(enlarged)

    def enlarged(inputs, truth):
        size = [side * 2 for side in SIZE]
        return {"source": tf.image.resize(inputs["source"], size)}, tf.image.resize(truth, size)

    with pytest.raises(InputError, match="the records changed while this training read them"):
        fit(trainer, checkpoint, batches, 4, 2, 3, StopAtSignal(), [])
    assert newest_checkpoint(tmp_path / "bot").path.endswith("ckpt-2")
    assert not np.array_equal(before, trainer.trainable_variables[0])


def test_the_end_of_an_epoch_is_told_after_it_is_saved(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    x = np.random.default_rng(0).random((4, 24, 24, 3), dtype="f4")
    told = []

    def batches(epoch, skip):
        return tf.data.Dataset.from_tensor_slices(({"source": x}, x[:, ::-1])).batch(2)

    def after_epoch(epoch, step, stop):
        told.append((epoch, step, newest_checkpoint(tmp_path).path.rpartition("-")[2]))

    fit(trainer, checkpoint, batches, 2, 2, 2, StopAtSignal(), [], after_epoch)
    assert told == [(0, 2, "2"), (1, 4, "4")]

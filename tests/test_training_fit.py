"""The epochs of a training, and the validation between them."""

import logging
import shutil
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from conftest import scene
from helpers.hdr_files import write_hdr
from helpers.shards import SIZE, write
from helpers.stages import stage

from data.datasets import training_batches
from data.preparation.prepare import Preparation
from data.records.index import read_index
from models.display import Display
from models.tone_mapper import TEST_PADDING, make_branches, tone_mapper
from models.weights import newest_checkpoint
from system.errors import InputError
from training import validation
from training.callbacks import StopAtSignal
from training.fit import CosineDecay, fit
from training.validation import Validation, check_pictures


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


@pytest.mark.script
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


@pytest.mark.script
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


PREPARATION = Preparation("gamma", "gaussian", True, 3)


class Events:
    """Keeps what is written."""

    def __init__(self):
        self.written = []

    def write(self, step, scalars, pictures):
        self.written.append((step, scalars, pictures))


@pytest.fixture
def folder(tmp_path):
    for index, stem in enumerate("abcd"):
        write_hdr(tmp_path / f"{stem}.hdr", scene(184, 192, index))
    return tmp_path


@pytest.fixture(scope="module")
def network():
    return tone_mapper(make_branches(), 3, TEST_PADDING)


def make(folder, network):
    paths = check_pictures(folder, PREPARATION)
    return Validation(paths, network, PREPARATION, Display("clip"), Events(), 2)


GO_ON = SimpleNamespace(asked=False)
PICTURE_BYTES = 184 * 192 * 3 * 4


@pytest.mark.script
def test_no_picture_stays_in_memory_between_validations(folder, network):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        found = make(folder, network)
        assert tracemalloc.get_traced_memory()[0] - before < PICTURE_BYTES
        found.after_epoch(1, 10, GO_ON)
        found.events.written.clear()
        before = tracemalloc.get_traced_memory()[0]
        found.after_epoch(3, 20, GO_ON)
        found.events.written.clear()
        assert tracemalloc.get_traced_memory()[0] - before < PICTURE_BYTES
    finally:
        tracemalloc.stop()


def test_every_second_epoch_is_validated(folder, network, caplog):
    caplog.set_level(logging.INFO)
    found = make(folder, network)
    for epoch in range(3):
        found.after_epoch(epoch, 10 * epoch, GO_ON)
    ((step, scalars, pictures),) = found.events.written
    assert step == 10
    assert list(scalars) == [f"val/{name}" for name in validation.SCORES]
    assert list(pictures) == ["val/a", "val/b", "val/c"]
    assert pictures["val/a"].shape == (1, 184, 192, 3) and pictures["val/a"].dtype == np.uint8
    assert "step 10, 4 validation pictures: Q " in caplog.text


def test_a_stop_ends_the_validation_without_a_word(folder, network):
    found = make(folder, network)
    found.after_epoch(1, 10, SimpleNamespace(asked=True))
    assert found.events.written == []


@pytest.mark.parametrize("part", ["prepare_picture", "scores"])
def test_too_little_memory_is_one_sentence_and_leaves_a_picture_out(
    folder, network, monkeypatch, caplog, part
):
    found, whole = make(folder, network), getattr(validation, part)
    calls = []

    def short_of_memory(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise MemoryError
        return whole(*arguments)

    monkeypatch.setattr(validation, part, short_of_memory)
    found.after_epoch(1, 10, GO_ON)
    sentence = "b.hdr: does not fit into the memory; try smaller pictures"
    assert [record.message.endswith(sentence) for record in caplog.records] == [True]
    assert list(found.events.written[0][2]) == ["val/a", "val/c", "val/d"]


def test_pictures_are_checked_before_the_training(folder, monkeypatch):
    write_hdr(folder / "small.hdr", scene(64, 80))
    with pytest.raises(InputError, match=r"small\.hdr: 80x64 pixels are too few; TMQI needs"):
        check_pictures(folder, PREPARATION)
    write_hdr(folder / "small.hdr", scene(32, 80))
    with pytest.raises(InputError, match=r"small\.hdr: 80x32 .* take it out of train\.val_path"):
        check_pictures(folder, PREPARATION)
    (folder / "small.hdr").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"small\.hdr.* take it out of train\.val_path"):
        check_pictures(folder, PREPARATION)
    (folder / "small.hdr").unlink()

    def short_of_memory(path):
        raise MemoryError

    monkeypatch.setattr(validation, "read_hdr", short_of_memory)
    with pytest.raises(
        InputError, match=r"a\.hdr: does not fit into the memory; .* or take it out of train"
    ):
        check_pictures(folder, PREPARATION)


def test_no_folder_is_no_validation():
    assert check_pictures(None, PREPARATION) == {}

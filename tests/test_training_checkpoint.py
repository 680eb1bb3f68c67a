import hashlib
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from helpers.stages import FUSED, PAPER, settings, stage, state, train

from inference.operator import Operator
from losses.objectives import Objective
from models.display import Display
from models.tone_mapper import make_branches, tone_mapper
from models.weights import checkpoint_info, load_weights, newest_checkpoint
from system.errors import InputError
from system.lock import lock
from training.checkpoint import (
    MAX_CHECKPOINTS,
    ResumePoint,
    StageCheckpoint,
    remove_unfinished,
    resume_point,
    write_weights,
)
from training.checks import check_checkpoint
from training.trainer import Trainer

pytestmark = pytest.mark.script


def restored(folder, **arguments):
    trainer, checkpoint = stage(folder, **arguments)
    checkpoint.restore(newest_checkpoint(folder))
    return trainer, checkpoint


def test_everything_comes_back(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer, 3)
    path = checkpoint.save(epoch=2, patches=8)
    assert path.endswith("model-bot.ckpt-3")
    found = newest_checkpoint(tmp_path)
    assert (found.path, resume_point(found)) == (path, ResumePoint(2, 8))
    again, checkpoint = restored(tmp_path)
    assert (checkpoint.step, checkpoint.resume_point) == (3, ResumePoint(2, 8))
    for a, b in zip(state(trainer), state(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_latest_five_stay(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    for epoch in range(7):
        train(trainer)
        checkpoint.save(epoch)
    found = sorted(path.name for path in tmp_path.glob("*.index"))
    assert found == [f"model-bot.ckpt-{n}.index" for n in range(3, 8)]
    assert len(found) == MAX_CHECKPOINTS
    assert newest_checkpoint(tmp_path).path.endswith("model-bot.ckpt-7")


def test_settings_are_saved_and_copied_for_reading(tmp_path):
    stage(tmp_path)[1].save(0)
    info = checkpoint_info(newest_checkpoint(tmp_path))
    assert (info.preparation, info.display) == (FUSED, Display("clip", "source", 1.2))
    assert json.loads((tmp_path / "settings.json").read_text()) == settings()


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
    stage(tmp_path)[1].save(0)
    found = newest_checkpoint(tmp_path)
    check_checkpoint(found, "bot", settings())
    other = FUSED._replace(**{field: value})
    message = re.escape(
        f"was trained with {FUSED.describe()}, the records have {other.describe()}; train into"
    )
    with pytest.raises(InputError, match=message):
        check_checkpoint(found, "bot", settings(other))


def test_another_ablation_is_refused(tmp_path):
    stage(tmp_path)[1].save(0)
    with pytest.raises(InputError, match=r"no_high_branch = False, this run has True; .*mine/bot"):
        check_checkpoint(newest_checkpoint(tmp_path), "bot", settings(no_high_branch=True))


def test_a_damaged_newest_is_skipped_and_written_over(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer)
    first = checkpoint.save(1)
    expected = state(trainer)
    train(trainer)
    second = checkpoint.save(2)
    data = tmp_path / "model-bot.ckpt-2.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    remark = f"{second} is damaged; taking the one before, {first}"
    assert newest_checkpoint(tmp_path)[::2] == (first, remark)
    again, checkpoint = restored(tmp_path)
    for a, b in zip(expected, state(again), strict=True):
        np.testing.assert_array_equal(a, b)
    train(again)
    assert checkpoint.save(2) == second
    assert newest_checkpoint(tmp_path)[::2] == (second, None)


def test_a_damaged_list_is_written_again_from_the_files(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    for epoch in range(5):
        train(trainer)
        checkpoint.save(epoch)
    (tmp_path / "checkpoint").write_bytes(b"\xff\0 no list")
    again, checkpoint = restored(tmp_path)
    train(again)
    checkpoint.save(6)
    assert newest_checkpoint(tmp_path).remark is None
    shutil.move(tmp_path, moved := tmp_path.with_name("moved"))
    assert newest_checkpoint(moved).path == str(moved / "model-bot.ckpt-6")
    found = sorted(path.name for path in moved.glob("*.index"))
    assert found == [f"model-bot.ckpt-{n}.index" for n in range(2, 7)]


def test_what_a_killed_save_left_is_removed_and_nothing_else(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer, 2)
    checkpoint.save(1)
    for end in ("index", "data-00000-of-00001"):  # a copy of the user's, in no list
        shutil.copy(tmp_path / f"model-bot.ckpt-2.{end}", tmp_path / f"model-bot.ckpt-1.{end}")
    before = sorted(tmp_path.iterdir())
    part = tmp_path / "model-bot.ckpt-3_temp" / "part-00000-of-00001.data-00000-of-00001"
    part.parent.mkdir()
    names = ("model-bot.ckpt-3.data-00000-of-00001", "checkpoint.tmp0123", "settings.json.part")
    for path in (part, *(tmp_path / name for name in names)):
        path.write_bytes(b"x")
    assert newest_checkpoint(tmp_path).path.endswith("ckpt-2")
    remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_a_save_killed_before_its_list_is_written_over(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer)
    checkpoint.save(1)
    listed = (tmp_path / "checkpoint").read_bytes()
    train(trainer)
    checkpoint.save(2)
    (tmp_path / "checkpoint").write_bytes(listed)
    again, checkpoint = restored(tmp_path)
    assert checkpoint.step == 1
    train(again)
    checkpoint.save(2)
    assert newest_checkpoint(tmp_path)[::2] == (str(tmp_path / "model-bot.ckpt-2"), None)


HOLD = "import sys, time; from system.lock import lock; held = lock(sys.argv[1], ''); "


def test_a_folder_has_one_trainer_and_a_killed_one_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD + "print('held', flush=True); time.sleep(600)"]
    process = subprocess.Popen([*command, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        for _ in range(2):
            with pytest.raises(InputError, match=rf"another training, process {process.pid}, .*-x"):
                lock(tmp_path, "-x")
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / ".lock").exists()
    lock(tmp_path, "-x").close()


def test_weights_of_a_stage_load_into_another_network(tmp_path):
    trainer, checkpoint = stage(tmp_path)
    train(trainer)
    checkpoint.save(1)
    branches = make_branches()
    load_weights(newest_checkpoint(tmp_path), {"bot": branches.bot})
    for a, b in zip(trainer.trainable_variables, branches.bot.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert newest_checkpoint(tmp_path / "nothing") is None


def test_the_wrong_stage_is_refused(tmp_path):
    stage(tmp_path)[1].save(0)
    with pytest.raises(InputError, match="another network"):
        load_weights(newest_checkpoint(tmp_path), {"high": make_branches().high})
    with pytest.raises(InputError, match="another network"):
        Operator(tmp_path, PAPER)


def test_ablations_are_saved(tmp_path):
    branches = make_branches()
    network = tone_mapper(branches, 3, no_ft_branch=True)
    trainer = Trainer(network, Objective("ft"), 1e-3)
    used = branches.used(no_ft_branch=True)
    assert set(used) == {"high", "bot"}
    StageCheckpoint(tmp_path, "ft", used, trainer, settings(no_ft_branch=True)).save(0)
    operator = Operator(tmp_path, PAPER)
    assert operator.info.no_ft_branch and operator.preparation == FUSED


@pytest.mark.parametrize(
    ("patches", "batch_size", "expected"),
    [(0, 4, (2, 0)), (8, 4, (2, 2)), (9, 4, (2, 2)), (8, 8, (2, 1)), (40, 4, (3, 0))],
)
def test_an_interrupted_epoch_goes_on_with_any_batch_size(patches, batch_size, expected):
    assert ResumePoint(2, patches).batches(batch_size, 10) == expected


def test_published_weights_go_on_with_adam_afresh(tmp_path):
    trainer, checkpoint = stage(tmp_path / "own")
    train(trainer, 2)
    checkpoint.save(1, 3)
    found = newest_checkpoint(tmp_path / "own")
    write_weights(tmp_path / "bare", "bot", {"bot": make_branches().bot}, [found], settings())
    sizes = [
        sum(path.stat().st_size for path in (tmp_path / name).glob("*.data*"))
        for name in ("own", "bare")
    ]
    assert sizes[1] < 0.4 * sizes[0]
    other, again = restored(tmp_path / "bare")
    assert (again.step, again.resume_point) == (2, ResumePoint(1, 3))
    for own, loaded in zip(trainer.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(own, loaded)
    train(other, 1)
    assert again.save(2).endswith("model-bot.ckpt-3")
    assert newest_checkpoint(tmp_path / "bare").path.endswith("model-bot.ckpt-3")


def test_of_several_checkpoints_the_mean_is_published(tmp_path):
    found, weights = [], []
    for steps in (1, 3):
        trainer, checkpoint = stage(tmp_path / str(steps))
        train(trainer, steps)
        checkpoint.save(steps)
        found.append(newest_checkpoint(tmp_path / str(steps)))
        weights.append([np.array(variable) for variable in trainer.trainable_variables])
    write_weights(tmp_path / "mean", "bot", {"bot": make_branches().bot}, found, settings())
    mean, again = restored(tmp_path / "mean")
    assert again.step == 3
    for a, b, loaded in zip(*weights, mean.trainable_variables, strict=True):
        np.testing.assert_allclose(loaded, (a + b) / 2, rtol=1e-6, atol=1e-8)


def test_the_shipped_files_are_those_of_the_card():
    folder = ROOT / "checkpoints"
    sums = dict(re.findall(r"([0-9a-f]{64})  (\S+)", (folder / "README.md").read_text()))
    found = {
        hashlib.sha256(path.read_bytes()).hexdigest(): str(path.relative_to(folder))
        for path in folder.glob("pretrained/*layer/model-*")
    }
    assert found == sums and len(sums) == 6

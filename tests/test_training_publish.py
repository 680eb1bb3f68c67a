import hashlib
import re

import numpy as np
from conftest import ROOT
from helpers.stages import settings, stage, train

from models.checkpoint_files import newest
from models.tone_mapper import make_branches
from training.publish import publish


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

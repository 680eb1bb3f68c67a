"""A disk that is really full: checkpoints, summaries and pictures on a small tmpfs."""

import os
import re
import shutil

import numpy as np
import pytest
from conftest import SHIPPED, run_script, scene
from helpers.stages import stage, train

from data.pictures import write_hdr
from models.weights import newest_checkpoint
from system.errors import InputError
from training.summaries import EventFile

pytestmark = pytest.mark.script

PAGE = 4096


def fill(folder, left):
    """Fill a disk up to `left` bytes."""
    free = os.statvfs(folder).f_bavail * PAGE
    (folder / "filler").write_bytes(bytes(max(0, free - left)))


def test_checkpoints_before_a_full_disk_stay_and_nothing_is_left_over(disk):
    folder = disk(4 << 20)
    trainer, checkpoint = stage(folder / "bot")
    train(trainer)
    checkpoint.save(1)
    needed = sum(path.stat().st_size for path in (folder / "bot").iterdir())
    failed = 0
    for left in range(0, needed + 4 * PAGE, 2 * PAGE):
        before, path = sorted(os.listdir(folder / "bot")), newest_checkpoint(folder / "bot").path
        train(trainer)
        fill(folder, left)
        try:
            path = checkpoint.save(2)
        except InputError as error:
            failed += 1
            assert re.search("no checkpoint could be written to .*(No space|full)", str(error))
            assert "make room, and run the same command again" in str(error)
            assert sorted(os.listdir(folder / "bot")) == before
        assert newest_checkpoint(folder / "bot")[::2] == (path, None)
        (folder / "filler").unlink()
        # So that every round begins with the one checkpoint of the first.
        if path.endswith(f"-{checkpoint.step}"):
            break
    assert failed > 5
    train(trainer)
    assert (
        newest_checkpoint(folder / "bot").path
        != checkpoint.save(3)
        == newest_checkpoint(folder / "bot").path
    )


def test_summaries_on_a_full_disk_warn_once_and_the_earlier_ones_stay(disk, caplog):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    folder = disk(1 << 20)
    (folder / "earlier").write_bytes(bytes(1000))
    events = EventFile(folder / "logs")
    pictures = np.random.default_rng(0).random((3, 100, 100, 3), dtype="f4")
    for step in range(20):
        events.write(step, {"loss/l1": 0.5}, {"output": pictures})
        assert len(caplog.messages) == events.lost
    assert re.fullmatch(
        r".*logs: the summaries from step \d+ on are lost \(No space left on device\); the "
        r"training goes on without them",
        caplog.messages[0],
    )
    lost = int(re.search(r"step (\d+)", caplog.messages[0])[1])
    assert lost > 3
    (path,) = (folder / "logs").iterdir()
    steps = set()
    try:
        for event in EventFileLoader(str(path)).Load():
            steps.add(event.step)
    except Exception as error:  # the record that the disk cut off
        assert "truncated" in str(error).lower()
    assert steps >= set(range(lost - 1))
    assert (folder / "earlier").read_bytes() == bytes(1000)


def test_pictures_on_a_full_disk_are_skipped_and_the_damaged_checkpoint_named(disk, tmp_path):
    weights = tmp_path / "ft"
    step = next(SHIPPED.glob("*.index")).stem.rpartition("-")[2]
    name = f"model-ft.ckpt-{step}"
    weights.mkdir()
    for path in SHIPPED.glob("model*"):
        shutil.copy(path, weights)
        shutil.copy(path, weights / path.name.replace(step, "99999"))
    (weights / "checkpoint").write_text(
        'model_checkpoint_path: "model-ft.ckpt-99999"\n'
        + "".join(f'all_model_checkpoint_paths: "model-ft.ckpt-{n}"\n' for n in (step, 99999))
    )
    damaged = weights / "model-ft.ckpt-99999.data-00000-of-00001"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    (tmp_path / "hdr").mkdir()
    write_hdr(tmp_path / "hdr" / "first.hdr", scene(64, 64))
    write_hdr(tmp_path / "hdr" / "second.hdr", scene(256, 256))
    folder = disk(1 << 20)
    (folder / "second.png").write_bytes(b"an earlier result")
    fill(folder, 8 * PAGE)
    outcome = run_script(
        "test.py",
        *(tmp_path / "hdr", "--output", folder, "--set", "test.format=png"),
        *("--set", f"model.ckp_path_ft={weights}"),
    )
    assert outcome.returncode == 1, outcome.stderr
    assert (
        f"{damaged.parent}/model-ft.ckpt-99999 is damaged; taking the one before" in outcome.stderr
    )
    assert f"{weights / name} (" in outcome.stdout
    assert re.search(
        r"skipped: .*second\.png: cannot be written \(No space left on device\); check .* the free "
        r"space",
        outcome.stderr,
    )
    assert "Traceback" not in outcome.stderr
    assert outcome.stdout.endswith("1 written, 1 skipped\n")
    assert sorted(os.listdir(folder)) == ["filler", "first.png", "second.png"]
    assert (folder / "second.png").read_bytes() == b"an earlier result"

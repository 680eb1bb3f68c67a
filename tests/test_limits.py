"""Many pictures, many sizes, a huge one, many processes at once; and disks that are full."""

import gc
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, SHIPPED, run_script, scene, script_command
from helpers.hdr_files import write_hdr
from helpers.stages import stage, train

from data.preparation.prepare import prepare_picture
from inference.operator import Operator
from models.weights import newest_checkpoint
from system.errors import InputError
from training.callbacks import EventFile

pytestmark = pytest.mark.script


def make_pictures(folder, shapes):
    """Write a picture of each shape; return their folder."""
    source = folder / "in"
    source.mkdir(parents=True)
    first = {}
    for number, shape in enumerate(shapes):
        path = source / f"{number:06}.hdr"
        kind = shape, number % 20  # links, because a thousand files take their time
        if kind in first:
            os.link(first[kind], path)
        else:
            write_hdr(path, scene(*shape, number))
            first[kind] = path
    return source


def start(source, out):
    """Start test.py on a folder."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(script_command("test.py", source, "--output", out), cwd=ROOT, **silent)


def watch(source, out):
    """Run test.py; return rows of (results so far, resident MB, its peak) and the final row."""
    process, rows = start(source, out), []
    try:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            memory = dict(line.split(":", 1) for line in status if line.startswith("Vm"))
            written = sum(not n.startswith(".") for n in os.listdir(out)) if out.exists() else 0
            if memory:
                used = [int(memory[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")]
                rows.append((written, *used))
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    return [*rows, (len(os.listdir(out)), *rows[-1][1:])]


def memory_of_tenths(rows, count):
    """Return the median memory (MB) of each tenth of the results."""
    assert rows[-1][0] == count
    parts = [
        [used for written, used, _ in rows if i * count / 10 < written <= (i + 1) * count / 10]
        for i in range(10)
    ]
    # A watcher that had to wait may have missed a tenth.
    return [round(statistics.median(part), 1) for part in parts if part]


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_pictures_take_the_memory_of_few(tmp_path, count):
    rows = watch(make_pictures(tmp_path, [(64, 64)] * count), tmp_path / "out")
    memory = memory_of_tenths(rows, count)
    assert len(memory) > 3
    assert max(memory[1:]) < 1.05 * memory[1], memory


@pytest.mark.slow
def test_two_hundred_sizes(tmp_path):
    shapes = [(56 + 8 * (i // 20), 56 + 8 * (i % 20)) for i in range(200)]
    order = np.random.default_rng(0).permutation(200)
    rows = watch(make_pictures(tmp_path, [shapes[i] for i in order]), tmp_path / "out")
    memory = memory_of_tenths(rows, 200)
    # Without oneDNN the growth is a quarter: most likely its cache of convolutions fills.
    assert memory[-1] < 1.05 * memory[5], memory
    assert memory[-1] < memory[0] + 300, memory


def test_two_processes_on_one_folder(tmp_path):
    source = make_pictures(tmp_path, [(64, 72)] * 12)
    running = [start(source, tmp_path / "out") for _ in range(2)]
    assert run_script("test.py", source, "--output", tmp_path / "one").returncode == 0
    assert [process.wait() for process in running] == [0, 0]
    one, both = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (tmp_path / "one", tmp_path / "out")
    )
    assert one == both and len(one) == 12


def test_new_sizes_need_no_new_graph():
    """Every compilation leaves a graph: their number must not follow the sizes."""
    operator = Operator(SHIPPED, None)

    def graphs_after(shapes):
        for number, shape in enumerate(shapes):
            operator.pictures(prepare_picture(scene(*shape, number), operator.preparation))
        gc.collect()
        return sum(isinstance(thing, tf.Graph) for thing in gc.get_objects())

    few = graphs_after([(56, 56), (56, 64), (64, 72)])
    assert few > 0
    assert graphs_after([(64 + 8 * i, 88) for i in range(12)]) == few


@pytest.mark.slow
def test_thirty_three_megapixels(tmp_path):
    def peak(height, width):
        folder = tmp_path / f"{height}"
        return watch(make_pictures(folder, [(height, width)]), folder / "out")[-1][2]

    small, middle = peak(540, 960), peak(1080, 1920)
    needed = middle + (middle - small) / (0.75 * 1080 * 1920) * (7680 * 4320 - 1080 * 1920)
    with open("/proc/meminfo") as file:
        free = next(int(line.split()[1]) / 1024 for line in file if "MemAvailable" in line)
    if 1.2 * needed > free:
        pytest.skip(f"it would take about {needed / 1024:.1f} GB, {free / 1024:.1f} are free")
    print(peak(4320, 7680))


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
        *(tmp_path / "hdr", "--output", folder, "--format", "png", "--overwrite"),
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

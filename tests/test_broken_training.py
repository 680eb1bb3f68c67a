"""Training that is killed, stopped, damaged and doubled, in real processes, ends as if nothing
had happened: bit for bit, for op determinism and one thread make the steps repeatable."""

import os
import re
import signal
import subprocess
import time

import numpy as np
import pytest
from conftest import run_script, script_command
from helpers.studio import steps_in, weights_in

DETERMINED = {"TF_DETERMINISTIC_OPS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
STEPS = 2  # of an epoch: 9 patches, 4 a batch
ENOUGH = 100_000  # epochs that no run here reaches


class Training:
    """Runs of train_bot.py into one folder."""

    def __init__(self, studio, folder):
        self.folder = folder
        self.errors = folder.with_name(f"{folder.name}.stderr")
        changes = {"model.ckp_path_bot": folder, "train.log_path": folder.with_name("logs")}
        self.arguments = studio.arguments(**changes)

    def start(self, epochs=ENOUGH):
        with open(self.errors, "w") as errors:
            return subprocess.Popen(
                script_command("train_bot.py", "--epochs", epochs, *self.arguments),
                env={**os.environ, **DETERMINED},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def run(self, epochs):
        process = self.start(epochs)
        output, _ = process.communicate(timeout=600)
        return process.returncode, output, self.errors.read_text()

    def step(self):
        return max(steps_in(self.folder), default=0)

    def saving(self):
        """Whether a save began and its checkpoint is not in the list yet."""
        path = self.folder / "checkpoint"
        listed = path.read_text() if path.exists() else ""
        names = {re.match(r"model-bot[.]ckpt-\d+", name) for name in self.listing()} - {None}
        return any(f'"{name[0]}"' not in listed for name in names)

    def listing(self):
        return os.listdir(self.folder) if self.folder.is_dir() else []


def wait(process, condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "the training ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.001)


def kill(training, moment, generator):
    """Start a training, kill it at a moment and return whether that was in a save."""
    process = training.start()
    try:
        if moment == "starting":
            time.sleep(generator.uniform(0, 5))
        else:
            wanted = training.step() + STEPS * int(generator.integers(2, 4))
            wait(process, lambda: training.step() >= wanted)
            if moment == "saving":
                wait(process, training.saving)
                time.sleep(generator.uniform(0, 0.02))
            else:
                time.sleep(generator.uniform(0, 0.2))
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert "Traceback" not in training.errors.read_text()
    return training.saving()


def damage_newest(training, generator):
    """Flip one bit of the newest checkpoint's data; return its name."""
    (path,) = training.folder.glob(f"*-{training.step()}.data*")
    content = bytearray(path.read_bytes())
    content[generator.integers(len(content))] ^= 1 << generator.integers(8)
    path.write_bytes(content)
    return path.name.partition(".data")[0]


def story(studio, folder, moments, seed, stop):
    """Kill, damage, double, stop and finish a training; return how many kills hit a save."""
    generator = np.random.default_rng(seed)
    training = Training(studio, folder / "broken")
    in_save = sum(kill(training, moment, generator) for moment in moments)

    damaged = damage_newest(training, generator)
    before = training.step()
    process = training.start()
    try:
        wait(process, lambda: training.step() > before)
        second = run_script("train_bot.py", *training.arguments)
        assert second.returncode == 2
        assert re.fullmatch(
            rf"train_bot\.py: .*broken: another training, process {process.pid}, is writing "
            rf"there; stop it \(kill -INT {process.pid}\) or wait for its end, or name another "
            r"folder with --set model\.ckp_path_bot=FOLDER\n",
            second.stderr,
        ), second.stderr
        process.send_signal(stop)
        output, _ = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "run the same command again to go on" in output
    warning = rf"{damaged} is damaged; taking the one before, .*model-bot\.ckpt-\d+\n"
    assert re.search(warning, training.errors.read_text())

    epochs = training.step() // STEPS + 2
    stopped = training.step()
    code, output, errors = training.run(epochs)
    assert code == 0, errors
    assert f"model-bot.ckpt-{stopped}: step {stopped}" in output
    whole = Training(studio, folder / "whole")
    assert whole.run(epochs)[0] == 0
    expected = weights_in(folder / "whole")
    found = weights_in(folder / "broken")
    assert expected.keys() == found.keys() and len(expected) == 16 * 3
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    kept = {f"model-bot.ckpt-{step}" for step in steps_in(folder / "broken")}
    assert len(kept) == 5
    files = {f"{name}{end}" for name in kept for end in (".index", ".data-00000-of-00001")}
    assert set(training.listing()) == files | {"checkpoint", "settings.json", ".lock"}
    return in_save


def test_a_broken_training_ends_as_an_unbroken_one(studio, records, tmp_path):
    story(studio, tmp_path, ["saving"], seed=1, stop=signal.SIGINT)


@pytest.mark.slow
def test_twenty_kills_lose_nothing(studio, records, tmp_path):
    moments = ["starting", *["saving"] * 12, *["training"] * 6, "starting"]
    in_save = story(studio, tmp_path, moments, seed=2, stop=signal.SIGTERM)
    print(f"{in_save} of {len(moments)} kills hit a save")
    assert in_save >= 3

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, run_process, script_command
from helpers.shards import write
from helpers.studio import steps_in, weights_in
from helpers.two_replicas import ONLY_L1, steps

from data.datasets import training_batches
from data.records.index import read_index
from system.errors import InputError
from training.strategy import Replicas, check_tf_config

pytestmark = pytest.mark.script

PAIR = ROOT / "tests" / "helpers" / "two_replicas.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    out = tmp_path_factory.mktemp("replicas") / "found.npz"
    run_process(PAIR, out).check_returncode()
    with np.load(out) as file:
        return dict(file)


def test_two_replicas_step_as_one_where_nothing_depends_on_the_share(found):
    assert found["replicas"] == 2
    assert len(found["alone totals"]) == 3 and len(set(found["alone totals"])) == 3
    np.testing.assert_allclose(found["pair totals"], found["alone totals"], rtol=1e-5)
    np.testing.assert_allclose(found["pair state"], found["alone state"], rtol=0, atol=2e-5)


def test_each_replica_takes_the_moments_of_its_own_share(found):
    halves = np.mean(found["bot halves"])
    assert found["bot pair"] == pytest.approx(halves, rel=1e-5)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def choices(folder, strategy):
    return {
        "train.strategy": strategy,
        "train.batch_size_bot": 2,
        "model.ckp_path_bot": folder / "bot",
        "train.log_path": folder / "logs",
    }


class Workers:
    """Two workers of one training on loopback; `command` returns the command of each."""

    def __init__(self, folder, command):
        hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
        self.processes, self.outputs = [], []
        for index in range(2):
            task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
            self.outputs.append(folder / f"worker{index}.txt")
            with open(self.outputs[-1], "w") as output:
                self.processes.append(
                    subprocess.Popen(
                        command(index),
                        env={**os.environ, "TF_CONFIG": json.dumps(task)},
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                )

    @classmethod
    def of_bot(cls, studio, folder, *arguments):
        """Both run train_bot.py."""
        settings = studio.arguments(**choices(folder, "multi_worker"))
        command = script_command("train_bot.py", *arguments, *settings)
        return cls(folder, lambda index: command)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()

    def wait(self, seconds=600):
        """Wait for both; return their exit statuses and what they printed."""
        for process in self.processes:
            process.wait(seconds)
        return [p.returncode for p in self.processes], [o.read_text() for o in self.outputs]


def test_two_workers_with_shards_of_their_own_step_as_one_with_the_whole_batch(tmp_path):
    index = write(tmp_path / "x_.json", "dual", count=12, shards=4)
    outs = [tmp_path / f"{number}.npz" for number in range(2)]
    command = [sys.executable, PAIR, "worker", index]
    with Workers(tmp_path, lambda number: [*command, outs[number]]) as workers:
        statuses, texts = workers.wait()
    assert statuses == [0, 0], texts
    info, parts = read_index(index, "dual"), []
    tf.keras.utils.set_random_seed(0)  # as the workers
    for number in range(2):
        part = training_batches(info, "high", 4, 0, 0, 0, number, 2)
        parts.append([(x["source"].numpy(), y.numpy()) for x, y in part])
    whole = [map(np.concatenate, zip(*both, strict=True)) for both in zip(*parts, strict=True)]
    x, y = map(np.stack, zip(*whole, strict=True))
    data = tf.data.Dataset.from_tensor_slices(({"source": x}, y))
    totals, state = steps(Replicas("default"), "high", data, ONLY_L1)
    assert len(set(totals)) == 3
    for out in outs:
        with np.load(out) as found:
            np.testing.assert_allclose(found["totals"], totals, rtol=1e-5)
            np.testing.assert_allclose(found["state"], state, rtol=0, atol=2e-5)


def wait_for(condition, seconds=600):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_a_killed_worker_stops_all_and_the_same_command_goes_on(studio, records, tmp_path):
    with Workers.of_bot(studio, tmp_path, "--epochs", "1000") as workers:
        wait_for((tmp_path / "bot" / "settings.json").exists)
        workers.processes[1].kill()
        statuses, (chief, _) = workers.wait()
    assert statuses == [2, -signal.SIGKILL], chief
    assert "another worker was lost" in chief and "Traceback" not in chief
    last = steps_in(tmp_path / "bot")[-1]
    epochs = last // 4 + 1
    shutil.copytree(tmp_path / "bot", tmp_path / "pair" / "bot")
    with Workers.of_bot(studio, tmp_path, "--epochs", str(epochs)) as workers:
        statuses, (chief, other) = workers.wait()
    assert statuses == [0, 0], (chief, other)
    assert f"step {last}, epoch {last // 4}" in chief
    assert "2 replicas, 2 workers, this one not the chief" in other
    assert steps_in(tmp_path / "bot")[-1] == last + 4
    # Two devices of one process go on from there too.
    settings = choices(tmp_path / "pair", "mirrored")
    outcome = run_process(PAIR, "train_bot", "--epochs", epochs, *studio.arguments(**settings))
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("devices: CPU, 2 replicas\n")
    assert len(weights_in(tmp_path / "pair" / "bot")) == 16 * 3
    # And one device goes on from there.
    settings = {key.replace(".", "__"): value for key, value in settings.items()}
    settings["train__strategy"] = "default"
    assert studio.run("train_bot.py", "--epochs", epochs + 1, **settings).returncode == 0
    assert steps_in(tmp_path / "pair" / "bot")[-2:] == [last + 4, last + 8]


@pytest.mark.slow
def test_one_worker_asked_to_stop_stops_all(studio, records, tmp_path):
    with Workers.of_bot(studio, tmp_path, "--epochs", "1000") as workers:
        wait_for((tmp_path / "bot" / "settings.json").exists)
        workers.processes[1].send_signal(signal.SIGINT)
        statuses, outputs = workers.wait()
    assert statuses == [130, 130], outputs
    assert "run the same command again to go on" in outputs[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "TF_CONFIG is not set"),
        ("{", "does not name this worker"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "does not"),
        ('{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}', "does not name"),
    ],
)
def test_a_bad_tf_config_is_one_sentence(text, message):
    with pytest.raises(InputError, match=message):
        check_tf_config(text)


def test_batches_must_be_shared_evenly():
    replicas = Replicas("default")
    replicas.check_batch("train.batch_size_ft", 3, 1)
    replicas.count = 4
    assert replicas.full_steps(6, 8, 45) == 5
    with pytest.raises(InputError, match=r"batch_size_ft is 6, which 4 replicas .* multiple of 4"):
        replicas.check_batch("train.batch_size_ft", 6, 100)
    with pytest.raises(InputError, match="the records hold 7 patches"):
        replicas.check_batch("train.batch_size_ft", 8, 7)

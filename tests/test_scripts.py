"""What all scripts share, in processes of their own, as a user runs them; and TensorBoard."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import ROOT, run_script

SCRIPTS = (
    "make_sdr.py",
    "generate_tfrec.py",
    "train_bot.py",
    "train_high.py",
    "train_ft.py",
    "test.py",
    "export.py",
    "run_tfboard.py",
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help(script):
    outcome = run_script(script, "--help")
    assert outcome.returncode == 0
    assert "--set section.key=value" in outcome.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_misspelt_setting_is_one_sentence(script):
    outcome = run_script(script, "--set", "dev.level_nun=3")
    assert outcome.returncode == 2
    assert outcome.stderr == (
        f"{script}: dev.level_nun is no setting; did you mean dev.level_num?\n"
    )


def test_tensorboard_starts(studio, trained):
    command = [sys.executable, str(ROOT / "run_tfboard.py"), "ft", "--port", "8899"]
    process = subprocess.Popen(
        [*command, *studio.arguments()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.time() + 120
        while True:
            try:
                url = "http://localhost:8899/data/plugins_listing"
                with urllib.request.urlopen(url, timeout=5) as page:
                    assert page.status == 200
                break
            except OSError:
                assert process.poll() is None and time.time() < deadline
                time.sleep(0.3)
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def test_tensorboard_without_summaries(tmp_path):
    outcome = run_script("run_tfboard.py", "bot", "--log_path", tmp_path)
    assert outcome.returncode == 2
    assert "there are no summaries in" in outcome.stderr

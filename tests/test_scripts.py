"""What all scripts share, in processes of their own, as a user runs them; and TensorBoard."""

import os
import signal
import subprocess
import time
import urllib.request

import pytest
from conftest import GOLDEN, run_script, scene, script_command

from data.pictures import write_hdr

SCRIPTS = (
    "make_sdr.py",
    "generate_tfrec.py",
    "train_bot.py",
    "train_high.py",
    "train_ft.py",
    "test.py",
    "export.py",
    "demo.py",
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
    process = subprocess.Popen(
        script_command("run_tfboard.py", "ft", "--port", 8899, *studio.arguments()),
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


def test_layers_overwrite_no_result_and_no_other_layers(tmp_path):
    for seed, name in enumerate(("a", "a_high")):
        write_hdr(tmp_path / f"{name}.hdr", scene(64, 72, seed))
    flags = ("--save_layers", "--set", f"model.ckp_path_ft={GOLDEN / 'ftlayer'}", "--output")
    written = {}
    for run, names in {"a": ["a"], "b": ["a_high"], "both": ["a", "a_high"]}.items():
        paths = [tmp_path / f"{name}.hdr" for name in names]
        assert run_script("test.py", *paths, *flags, tmp_path / run).returncode == 0
        written[run] = sorted(path.read_bytes() for path in (tmp_path / run).iterdir())
    assert len(written["a"]) == 8
    assert written["both"] == sorted(written["a"] + written["b"])


def test_settings_that_the_checkpoint_contradicts(tmp_path):
    write_hdr(tmp_path / "a.hdr", scene(64, 72))
    done = run_script("test.py", tmp_path / "a.hdr", "--output", tmp_path)
    said = "of the checkpoint, in place of the settings: dev.fuse_mid_layers True (not False)"
    assert said in done.stdout.splitlines()
    assert done.returncode == 0
    for key, value in (("fuse_mid_layers", False), ("level_num", 2)):
        done = run_script("test.py", tmp_path / "a.hdr", "--set", f"dev.{key}={value}")
        assert done.returncode == 2
        assert f"dev.{key} is {value} but " in done.stderr
    done = run_script("test.py", tmp_path / "a.hdr", "--preset", "shipped", "--output", tmp_path)
    assert done.returncode == 0 and "in place of the settings" not in done.stdout
    assert (
        "--preset shipped replaces of configs.py: data.appendix_sdr 'jpg' by 'png', " in done.stdout
    )

"""The Dockerfile without Docker: its paths exist, and its commands do what they should."""

import fnmatch
import json
import os
import re
import subprocess

import pytest
from conftest import ROOT

TEXT = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "")
STEPS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and line[0] != "#"]
IGNORED = (ROOT / ".dockerignore").read_text("utf-8").split()


def steps(name):
    return [text for step, text in STEPS if step == name]


def test_what_is_copied_exists_and_is_not_ignored():
    assert STEPS[0] == ["FROM", "python:3.11-slim"]
    files, everything = steps("COPY")
    assert everything == ". ."
    *names, target = files.split()
    assert target == "./"
    scripts = [path.name for path in ROOT.glob("*.py")]
    for name in (*names, *scripts, "checkpoints", "configs", "data", "models", "dataset"):
        assert (ROOT / name).exists(), name
        assert not any(fnmatch.fnmatch(name, pattern) for pattern in IGNORED), name
    assert json.loads(steps("CMD")[0])[0] in scripts


@pytest.mark.parametrize(
    ("device", "extra"),
    [("cpu", []), ("cuda", ["tensorflow[and-cuda]", "nvidia-cudnn-cu12>=9.24"])],
)
def test_what_is_installed(device, extra, tmp_path):
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    pip.chmod(0o755)
    (command,) = steps("RUN")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DEVICE": device}
    done = subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    installed = done.stdout.split()
    assert installed == [
        *("install", "--no-cache-dir", "--requirement", "requirements-demo.txt"),
        *extra,
    ]
    # What that file names must have been copied before.
    wanted = re.findall(r"^-r (\S+)", (ROOT / "requirements-demo.txt").read_text(), re.M)
    assert {"requirements-demo.txt", *wanted} <= set(steps("COPY")[0].split())

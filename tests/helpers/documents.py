"""The documentation's pages and their commands.

As a program it runs the commands of a JSON list on stdin one after the other, each as `python
SCRIPT ARGUMENTS` would, in the working directory; one process does it, so that TensorFlow is
loaded once. It prints a JSON object from command to [exit status, what it printed].
"""

import contextlib
import io
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Its recipe starts from HDR pictures and sets other values.
RECIPE = ROOT / "checkpoints" / "README.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name / "README.md" for name in ("dataset/test", "tests/golden")),
    RECIPE,
]
# What the original's config module has, by section.
ORIGINAL = {
    "model": "ckp_path_high ckp_path_bot ckp_path_ft tfrecord_dual tfrecord_ft loss_model loss_vgg",
    "data": "hdr_path sdr_path patch_size_h patch_size_w patch_size_ft_h patch_size_ft_w "
    "patch_ratio_x patch_ratio_y patch_per_img appendix_hdr appendix_sdr",
    "train": "batch_size_high batch_size_bot batch_size_ft train_set_size",
    "test": "tfrecord_test result hdr_path",
    "dev": "data_domain decompose_filter fuse_mid_layers level_num",
}


def commands_in(path):
    """Return the shell commands of a page: its shell blocks' and those in `code`."""
    text, found = path.read_text("utf-8"), []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language in ("bash", "sh") or (not language and re.match(r"python|pip", block)):
            found += block.replace("\\\n", " ").splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    found += re.findall(r"`((?:python3?|pip) [^`]+)`", prose)
    return [part.strip() for line in found for part in line.split(" && ") if part.strip()]


def documented_settings():
    """Return dict from key to (default, origin) of the tables of docs/config.md."""
    text = (ROOT / "docs" / "config.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+\.\w+)` \| `([^`]+)` \| (\S+) \| \S", text, re.M)
    return {key: (default, origin) for key, default, origin in rows}


def run_all(folder, commands):
    """Run commands in a copy of the project; return dict from each to [exit status, output]."""
    outcome = subprocess.run(
        [sys.executable, __file__],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout.splitlines()[-1])


def run_command(command):
    """Return (exit status, output) of one command."""
    sys.argv = shlex.split(command)[1:]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
            status = "traceback"
    return status, output.getvalue()


if __name__ == "__main__":
    print(json.dumps({command: run_command(command) for command in json.load(sys.stdin)}))

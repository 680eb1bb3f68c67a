"""The documentation: its commands run, its links, names, flags and settings exist."""

import ast
import functools
import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, scene

from configs.configs import config
from configs.schema import KINDS
from data.pictures import write_hdr, write_sdr

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("dataset/test/README.md", "tests/golden/README.md")),
    ROOT / "checkpoints" / "README.md",
]
# Its recipe starts from HDR pictures alone, so its commands get a project of their own.
RECIPE = ROOT / "checkpoints" / "README.md"
NOT_RUN = {
    r"python3 -m venv|\. \.venv|pip install|\.ci/run": "needs the network",
    r"python -m pytest|ruff ": "is what runs this test",
    r"python run_tfboard\.py": "runs until it is stopped; test_scripts.py starts it",
    r"python export\.py": "takes a minute a format; test_export.py runs it",
    r"train\.strategy=": "needs several devices; test_training_strategy.py has virtual ones",
    r"python tools/benchmarks/|python tests/helpers/": "takes minutes",
}
# Edits of configs.py such as a user makes, to be done within seconds.
EDITS = """
config.model.ckp_path_high = "checkpoints/mine/high/"
config.model.ckp_path_bot = "checkpoints/mine/bot/"
config.model.ckp_path_ft = "checkpoints/mine/ft/"
config.model.loss_vgg = None
config.data.patch_size_h = config.data.patch_size_w = 168
config.data.patch_size_ft_h = config.data.patch_size_ft_w = 168
config.data.patch_per_img = 2
config.data.processes = 1
config.train.epochs_high = config.train.epochs_bot = config.train.epochs_ft = 1
config.train.train_set_size = None
"""
ORIGINAL = {
    *("model.ckp_path_high", "model.ckp_path_bot", "model.ckp_path_ft", "model.tfrecord_dual"),
    *("model.tfrecord_ft", "model.loss_model", "model.loss_vgg", "data.hdr_path", "data.sdr_path"),
    *("data.appendix_hdr", "data.appendix_sdr", "data.patch_size_h", "data.patch_size_w"),
    *("data.patch_size_ft_h", "data.patch_size_ft_w", "data.patch_ratio_x", "data.patch_ratio_y"),
    *("data.patch_per_img", "train.batch_size_high", "train.batch_size_bot"),
    *("train.batch_size_ft", "train.train_set_size", "test.tfrecord_test", "test.hdr_path"),
    *("test.result", "dev.data_domain", "dev.decompose_filter", "dev.fuse_mid_layers"),
    "dev.level_num",
}
IN_ORIGINAL_SCRIPTS = {
    *("train.epochs_high", "train.epochs_bot", "train.epochs_ft", "dev.phase", "dev.ft"),
    *("dev.test_resize_to_half", "dev.no_high_branch", "dev.no_ft_branch"),
}
COMMON_FLAGS = {"--help", "--set", "--preset"}
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))


def commands_in(text):
    """The shell commands of a page: its shell blocks' and those in `code`."""
    found = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language in ("bash", "sh") or (not language and re.match(r"python|pip", block)):
            found += block.replace("\\\n", " ").splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    found += re.findall(r"`((?:python3?|pip) [^`]+)`", prose)
    return [part.strip() for line in found for part in line.split(" && ") if part.strip()]


def is_run(command):
    return not any(re.search(pattern, command) for pattern in NOT_RUN)


ALL = list(dict.fromkeys(c for path in DOCUMENTS for c in commands_in(path.read_text("utf-8"))))
OF_RECIPE = commands_in(RECIPE.read_text("utf-8"))
RUN = [command for command in ALL if is_run(command)]
REFERRED = [c for c in ALL if not is_run(c) and re.search(r"python \S+\.py", c)]


def script_of(command):
    return re.search(r"python (\S+\.py)", command)[1]


def flags_of(command):
    return {part for part in shlex.split(command) if part.startswith("--")}


def make_project(folder, partners):
    """Copy the project without its tests, with small pictures; return the folder."""
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines():
        if name.startswith(("tests/", "dataset/")) or not (ROOT / name).exists():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    with (folder / "configs" / "configs.py").open("a") as file:
        file.write(EDITS)
    for index, name in enumerate(("one", "two", "three")):
        picture = scene(184, 200, index)
        display = np.uint8(255 * (picture / (1 + picture)) ** 0.4545)
        pictures = ["dataset/train/hdr"]
        pictures += ["dataset/test", "my_pictures"] if index == 0 else []
        for place in pictures:
            (folder / place).mkdir(parents=True, exist_ok=True)
            write_hdr(folder / place / f"{name}.hdr", picture)
        partner = folder / ("other_results" if index == 0 else "dataset/train/sdr")
        if partners:
            partner.mkdir(parents=True, exist_ok=True)
            write_sdr(partner / f"{name}.jpg", display)
    return folder


def run_all(folder, commands):
    """Return dict from command to [exit status, output]."""
    outcome = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "helpers" / "run_commands.py")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What every command printed, and each script's --help."""
    helped = {*SCRIPTS, *map(script_of, REFERRED)}
    helped = [f"python {name} --help" for name in sorted(helped) if "tests/" not in name]
    rest = [command for command in RUN if command not in OF_RECIPE]
    project = make_project(tmp_path_factory.mktemp("project"), partners=True)
    found = run_all(project, [*rest, *helped])
    project = make_project(tmp_path_factory.mktemp("recipe"), partners=False)
    return found | run_all(project, [command for command in RUN if command in OF_RECIPE])


@pytest.mark.parametrize("command", RUN)
def test_command_runs(command, outcomes):
    status, output = outcomes[command]
    assert status == 0, output


@pytest.mark.parametrize("command", REFERRED)
def test_flags_of_a_command_that_is_not_run_exist(command, outcomes):
    if "tests/" in command:
        assert (ROOT / script_of(command)).exists()
        return
    output = outcomes[f"python {script_of(command)} --help"][1]
    assert flags_of(command) <= set(re.findall(r"--\w+", output))


def test_commands_are_known_kinds():
    """A command that neither runs nor has a reason not to is a slip in the page or here."""
    assert len(RUN) > 15
    assert [c for c in RUN if not re.match(r"python \S+\.py", c)] == []


def test_flags_are_those_of_the_help(outcomes):
    text = (ROOT / "docs" / "config.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+\.py)` \| (.*) \|$", text, re.M))
    documented = {script: set(re.findall(r"--\w+", row)) for script, row in rows.items()}
    printed = {
        script: set(re.findall(r"--\w+", outcomes[f"python {script} --help"][1])) - COMMON_FLAGS
        for script in SCRIPTS
    }
    assert documented.keys() == printed.keys()
    for script, flags in printed.items():
        # Texts of the help name other scripts' flags too.
        assert documented[script] <= flags, script
        usage = outcomes[f"python {script} --help"][1].partition("\n\n")[0]
        assert set(re.findall(r"--\w+", usage)) - COMMON_FLAGS <= documented[script], script


def documented_settings():
    text = (ROOT / "docs" / "config.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+\.\w+)` \| `([^`]+)` \| (\S+) \| \S", text, re.M)
    return {key: (ast.literal_eval(default), mark) for key, default, mark in rows}


def test_settings_are_those_of_the_schema():
    known = {f"{section}.{key}" for section, keys in KINDS.items() for key in keys}
    documented = documented_settings()
    assert documented.keys() == known
    for key, (_, mark) in documented.items():
        source = "yes" if key in ORIGINAL else "script" if key in IN_ORIGINAL_SCRIPTS else "(+)"
        assert mark == source, key


def test_defaults_are_those_of_the_committed_settings():
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "configs"], cwd=ROOT)
    if changed.returncode:
        pytest.skip("the settings were edited")
    for key, (default, _) in documented_settings().items():
        section, name = key.split(".")
        assert config[section][name] == default, key


@functools.cache
def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_exist(path):
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
    if path.name == "CHANGELOG.md":  # it names what is gone as well
        return
    made = ("dataset/train", "dataset/tfrecord", "result/", "checkpoints/mine")
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", text):
        if (ROOT / name.split("/")[0]).is_dir() and not name.startswith(made):
            assert (ROOT / name).exists(), name


def test_names_of_the_paper_map_are_defined():
    page = ROOT / "docs" / "paper_map.md"
    entries = re.findall(r"\[`(\w+)`\]\(([^)]+\.py)\)", page.read_text("utf-8"))
    assert len(entries) > 40
    for name, target in entries:
        tree = ast.parse((page.parent / target).read_text("utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        defined |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        for node in tree.body:
            if isinstance(node, ast.Assign):
                defined |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        assert name in defined, f"{name} in {target}"

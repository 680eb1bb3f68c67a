"""The commands of the documentation run, and their flags exist."""

import re
import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT, scene
from helpers.documents import PAGES, RECIPE, commands_in, documented_settings, run_all
from helpers.hdr_files import write_hdr

from data.pictures import write_sdr

pytestmark = pytest.mark.script

NOT_RUN = {
    r"python3 -m venv|\. \.venv|pip install|\.ci/run": "needs the network",
    r"python -m pytest|ruff ": "is what runs this test",
    r"python run_tfboard\.py": "runs until it is stopped; test_scripts.py starts it",
    r"python demo\.py": "runs until it is stopped; test_demo.py starts it",
    r"docker ": "needs Docker; test_docs.py checks the Dockerfile",
    r"python export\.py": "takes a minute a format; test_export.py runs it",
    r"train\.strategy=": "needs several devices; test_training_strategy.py has virtual ones",
    r"python tools/benchmarks/|python tests/helpers/": "takes minutes",
}
# What a user edits in configs.py to train on own pictures, made small.
OWN_TRAINING = """
config.model.loss_vgg = None
config.data.patch_size_h = config.data.patch_size_w = 168
config.data.patch_size_ft_h = config.data.patch_size_ft_w = 168
config.data.patch_per_img = 1
config.train.epochs_high = config.train.epochs_bot = config.train.epochs_ft = 1
"""
SIDES = (176, 184)  # of the pictures; TMQI needs 161
COMMON_FLAGS = {"--help", "--set", "--preset"}
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))


def script_of(command):
    return re.search(r"python (\S+\.py)", command)[1]


def is_run(command):
    return not any(re.search(pattern, command) for pattern in NOT_RUN)


ALL = list(dict.fromkeys(command for page in PAGES for command in commands_in(page)))
RUN = [command for command in ALL if is_run(command)]
NAMED = [c for c in ALL if not is_run(c) and re.search(r"python (?!tests/)\S+\.py", c)]
OF_RECIPE = [command for command in commands_in(RECIPE) if is_run(command)]
TRAINING = re.compile(r"train_\w+\.py|make_sdr|--phase training")


def make_project(folder, own_training, sdr_suffix):
    """Copy the project without its tests; small pictures, one of them without a partner."""
    for path in ROOT.iterdir():
        if path.suffix == ".py":
            shutil.copy(path, folder)
        elif (path / "__init__.py").exists():
            shutil.copytree(path, folder / path.name)
    shutil.copytree(ROOT / "checkpoints" / "pretrained", folder / "checkpoints" / "pretrained")
    with (folder / "configs" / "configs.py").open("a") as file:
        for key, (default, _) in documented_settings().items():
            file.write(f"\nconfig.{key} = {default}")
        file.write(own_training)
    for name in ("dataset/train/hdr", "dataset/train/sdr", "dataset/test", "my_pictures"):
        (folder / name).mkdir(parents=True)
    (folder / "other_results").mkdir()
    for index, stem in enumerate(("one", "two")):
        picture = scene(*SIDES, index)
        write_hdr(folder / "dataset" / "train" / "hdr" / f"{stem}.hdr", picture)
    for name in ("dataset/test", "my_pictures"):
        write_hdr(folder / name / "two.hdr", picture)
    display = np.uint8(255 * (picture / (1 + picture)) ** 0.4545)
    write_sdr(folder / "dataset" / "train" / "sdr" / f"two.{sdr_suffix}", display)
    write_sdr(folder / "other_results" / "two.png", display)
    return folder


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What every command printed, and each script's --help."""
    helped = [f"python {name} --help" for name in sorted({*SCRIPTS, *map(script_of, NAMED)})]
    usual = [command for command in RUN if command not in OF_RECIPE]
    using = [command for command in usual if not TRAINING.search(command)]
    training = [command for command in usual if TRAINING.search(command)]
    jobs = [
        (make_project(tmp_path_factory.mktemp(name), edits, suffix), commands)
        for name, commands, edits, suffix in (
            ("training", training, OWN_TRAINING, "jpg"),
            ("recipe", OF_RECIPE, OWN_TRAINING, "png"),
            ("using", [*using, *helped], "", "jpg"),
        )
    ]
    found = {}
    with ThreadPoolExecutor(2) as pool:  # much of a command uses one core
        for outcome in pool.map(run_all, *zip(*jobs, strict=True)):
            found |= outcome
    return found


@pytest.mark.parametrize("command", RUN)
def test_command_runs(command, outcomes):
    status, output = outcomes[command]
    assert status == 0, output


@pytest.mark.parametrize("command", NAMED)
def test_flags_of_a_command_that_is_not_run_exist(command, outcomes):
    status, output = outcomes[f"python {script_of(command)} --help"]
    flags = {part for part in shlex.split(command) if part.startswith("--")}
    assert status == 0 and flags <= set(re.findall(r"--\w+", output))


def test_only_python_scripts_are_run():
    assert len(RUN) > 15
    assert [command for command in RUN if not re.match(r"python \S+\.py", command)] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_flags_are_documented(script, outcomes):
    text = (ROOT / "docs" / "config.md").read_text("utf-8")
    row = re.search(rf"^\| `{script}` \| (.*) \|$", text, re.M)
    usage = outcomes[f"python {script} --help"][1].partition("\n\n")[0]
    flags = set(re.findall(r"--\w+", usage)) - COMMON_FLAGS
    assert row and set(re.findall(r"--\w+", row[1])) == flags

"""The documentation: its links, paths, names and settings exist; the Dockerfile without Docker."""

import ast
import fnmatch
import functools
import json
import os
import re
import runpy
import subprocess
from subprocess import run

import pytest
from conftest import ROOT, scene
from helpers.documents import ORIGINAL, PAGES, documented_settings

from configs.schema import KINDS

# What its scripts have at their top.
ORIGINAL_SCRIPTS = {
    "train": "epochs_high epochs_bot epochs_ft lr_high lr_bot lr_ft",
    "dev": "phase ft test_resize_to_half no_high_branch no_ft_branch",
}
MADE_BY_SCRIPTS = (
    "dataset/train",
    "dataset/tfrecord",
    "result/",
    "checkpoints/mine",
    "checkpoints/ftlayer",
    "checkpoints/botlayer",
    "checkpoints/highlayer",
    "checkpoints/logs",
)


def test_settings_are_those_of_the_schema():
    documented = documented_settings()
    assert documented.keys() == {f"{section}.{key}" for section in KINDS for key in KINDS[section]}
    for name, (_, origin) in documented.items():
        section, key = name.split(".")
        expected = "script" if key in ORIGINAL_SCRIPTS.get(section, "").split() else "(+)"
        assert origin == ("yes" if key in ORIGINAL[section].split() else expected), name


def test_defaults_are_those_of_the_committed_settings():
    if run(["git", "diff", "--quiet", "HEAD", "--", "configs"], cwd=ROOT).returncode:
        pytest.skip("the settings were edited")
    config = runpy.run_path(str(ROOT / "configs" / "configs.py"))["config"]
    for name, (default, _) in documented_settings().items():
        section, key = name.split(".")
        assert config[section][key] == ast.literal_eval(default), name


@functools.cache
def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_exist(path):
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", text):
        if (ROOT / name.split("/")[0]).is_dir() and not name.startswith(MADE_BY_SCRIPTS):
            assert (ROOT / name).exists(), name


@pytest.mark.script
def test_the_notebook_runs_and_holds_no_output():
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    path = ROOT / "docs" / "quickstart.ipynb"
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    client.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": path.parent}}
    ).execute()
    outputs = [output for cell in cells for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert any("output_bot" in output.get("text", "") for output in outputs)


@pytest.mark.script
def test_the_readmes_lines_of_python_run():
    names = {"rgb": scene(61, 83)}
    (lines,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    exec(lines, names)
    assert names["picture"].shape == (61, 83, 3)


def test_names_of_the_paper_map_are_defined():
    page = ROOT / "docs" / "paper_map.md"
    entries = re.findall(r"\[`(\w+)`\]\(([^)]+\.py)\)", page.read_text("utf-8"))
    assert len(entries) > 40
    for name, target in entries:
        defined = set()
        for node in ast.parse((page.parent / target).read_text("utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                defined.add(node.name)
            elif isinstance(node, ast.Assign):
                defined.update(t.id for t in node.targets if isinstance(t, ast.Name))
        assert name in defined, f"{name} in {target}"


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

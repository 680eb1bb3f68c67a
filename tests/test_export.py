"""export.py on tiny pictures, and its parts that need no trained operator."""

import importlib.util
import json
import re

import numpy as np
import pytest
from conftest import ROOT, run_script, scene
from helpers.hdr_files import write_hdr

import export
from inference import load_operator
from system.errors import InputError

pytestmark = pytest.mark.script

HAS_ONNX = all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnxruntime"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_hdr(folder / "scene.hdr", scene(99, 118))
    # The radius of the display's guided filter is larger than the smallest picture compared.
    radius = "test.display_guided=70"
    options = ("--output", folder / "out", "--check", folder, "--set", radius)
    return folder, run_script("export.py", *options)


def test_writes_and_checks_every_format(exported):
    folder, outcome = exported
    names = ["savedmodel", "onnx", "tflite"] if HAS_ONNX else ["savedmodel", "tflite"]
    assert outcome.returncode == (0 if HAS_ONNX else 1), outcome.stderr
    report = json.loads((folder / "out" / "export.json").read_text())
    assert list(report["formats"]) == ["this code", *names]
    sizes = [(row["height"], row["width"]) for row in report["pictures"]]
    assert sizes == [(99, 118), (67, 89), (63, 63)]
    for name in names:
        row = report["formats"][name]
        assert row["largest_difference"] <= 1 and row["differing_share"] < 0.01
        assert 0.3e6 < row["bytes"] < 2e6  # 61,113 weights of four bytes and the graph
        assert (folder / "out" / row["file"]).exists()
        assert f"\n{name} " in outcome.stdout
    left = {path.name for path in (folder / "out").iterdir()}
    assert left == {"export.json", *(report["formats"][name]["file"] for name in names)}


@pytest.mark.skipif(not HAS_ONNX, reason="the packages for export are not installed")
def test_snippets_of_the_documentation_run(exported, tmp_path, monkeypatch):
    operator = load_operator(display_settings={"display_guided": 70})
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "export").symlink_to(exported[0] / "out")
    (tmp_path / "dataset" / "test").mkdir(parents=True)
    write_hdr(tmp_path / "dataset" / "test" / "interior.hdr", scene(50, 61))
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "export.md").read_text("utf-8")
    names: dict = {}
    snippets = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(snippets) == 5
    for snippet in snippets:
        names.pop("picture", None)
        exec(snippet, names)
        if "picture" in names:
            expected = operator(names["linear_rgb"][0])[:50, :61].astype(int)
            assert names["picture"].shape == (50, 61, 3)
            assert np.abs(names["picture"] - expected).max() <= 1


@pytest.mark.skipif(HAS_ONNX, reason="the packages for ONNX are installed")
def test_says_what_to_install(exported):
    assert exported[1].stderr.splitlines()[0] == (
        "skipped: onnx needs tf2onnx and onnxruntime; pip install -r requirements-export.txt"
    )


def test_unknown_format_is_one_sentence():
    outcome = run_script("export.py", "--formats", "tflite,onyx")
    assert outcome.returncode == 2
    assert outcome.stderr == (
        "export.py: --formats tflite,onyx: 'onyx' is none of savedmodel, onnx, tflite\n"
    )


def test_unreadable_pictures_are_named_and_skipped(tmp_path, capsys):
    small, good = tmp_path / "small.npy", tmp_path / "good.npy"
    np.save(good, scene(20, 20))
    np.save(small, scene(5, 5))

    def here(picture):
        if len(picture) < 10:
            raise InputError("too few pixels")
        return np.uint8(picture * 0)

    missing = InputError("missing.hdr: cannot be read")
    results, skipped = export.checked([missing, small, good], here, {"copy": here}, 1)
    assert skipped == 2 and [row["height"] for row in results] == [20, 15]
    assert capsys.readouterr().err == (
        f"skipped: missing.hdr: cannot be read\nskipped: {small}: too few pixels\n"
    )

    def too_large(picture):
        raise MemoryError

    with pytest.raises(InputError, match="no picture was compared"):
        export.checked([good], too_large, {"copy": here}, 1)
    assert capsys.readouterr().err == (
        f"skipped: {good}: does not fit into the memory; try a smaller one with --check\n"
    )
    with pytest.raises(InputError, match="no picture was compared"):
        export.checked([missing], here, {"copy": here}, 1)


def test_a_format_that_is_off_fails(capsys):
    assert export.verdict({"this code": {}, "onnx": {"largest_difference": 2}}, False) == 0
    assert export.verdict({"this code": {}, "onnx": {"largest_difference": 2}}, True) == 1
    assert export.verdict({"tflite": {"largest_difference": 3}}, False) == 1
    assert capsys.readouterr().err == "tflite differs from this code by more than 2 grey levels\n"

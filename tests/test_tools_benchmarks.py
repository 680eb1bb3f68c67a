"""The GPU benchmark on the CPU at small sizes, and the figures of docs/performance.md."""

import importlib.util
import json
import os

import pytest
from conftest import ROOT, run_process, scene
from helpers.hdr_files import write_hdr

from tools.benchmarks import gpu

SMALL = ["--sizes", "64x96", "--batches", "1x168", "1x24", "1x168", "--rounds", "1"]


@pytest.mark.script
@pytest.mark.parametrize(
    ("backend", "candidates"), [("jax", ["jax"]), ("torch", ["torch", "pytorch"])]
)
def test_the_gpu_benchmark_runs_on_a_cpu(backend, candidates, tmp_path, monkeypatch):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    (tmp_path / "none" / "tensorflow").mkdir(parents=True)
    (tmp_path / "none" / "tensorflow" / "__init__.py").write_text("raise RuntimeError('used')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"), prepend=os.pathsep)
    write_hdr(tmp_path / "scene.hdr", scene(64, 96))
    file = tmp_path / "gpu.npz"
    gpu.main([str(file), "--prepare", "--picture", str(tmp_path / "scene.hdr")])
    kept = ROOT / "tools" / "benchmarks" / "results" / "gpu.json"
    before = kept.exists() and kept.read_bytes()
    program = ROOT / "tools" / "benchmarks" / "gpu.py"
    arguments = [file, *SMALL, "--precisions", "float32", "--candidates", *candidates]
    outcome = run_process(program, *arguments)
    assert outcome.returncode == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    assert [line.split()[0] for line in lines] == candidates
    for line in lines:
        row = json.loads(line.partition("float32 ")[2])
        assert row["largest_difference"] < 0.05, line  # of 255
        assert row["inference"]["64x96"]["seconds"] > 0
        assert row["steps_a_second"].keys() == {"high", "bot", "ft"}
        assert min(row["steps_a_second"].values()) > 0
    assert (kept.exists() and kept.read_bytes()) == before  # a CPU's figures are not kept

"""The GPU benchmark on the CPU at small sizes, and the figures of docs/performance.md."""

import importlib.util
import json
import os
import re

import pytest
from conftest import ROOT, run_process, scene
from helpers.figures import PAGE, RESULTS, at, described, prose, result, tables, wrong_cells
from helpers.hdr_files import write_hdr

from tools.benchmarks import gpu

ROWS_OF_THE_README = ("strips", "strips_bfloat16", "original")
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
    kept = RESULTS / "gpu.json"
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


TABLES = list(tables(PAGE.read_text("utf-8")))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table[0]} {table[1]}")
def test_a_table_of_the_page_is_of_its_results(table):
    name, path, columns, circumstances, rows = table
    assert wrong_cells(name, path, columns, rows) == []
    assert circumstances == described(result(name))


def test_a_wrong_figure_is_found():
    name, path, columns, _, rows = TABLES[0]
    (first, figure, *others), *more = rows
    assert wrong_cells(name, path, columns, [[first, f"{float(figure) + 1}", *others], *more])


def test_all_results_are_on_the_page_and_all_its_figures_in_tables():
    assert {name for name, *_ in TABLES} == {path.name for path in RESULTS.glob("*.json")}
    text = PAGE.read_text("utf-8")
    assert ("Not measured" in text) == (not (RESULTS / "gpu.json").exists())
    assert re.findall(r"\d*\.\d+", prose(text)) == []
    assert len(re.findall(r"^\|-", text, re.M)) == len(TABLES)


def test_the_readmes_seconds_are_of_the_results():
    sentence = re.search(r"1920×1080 take .*", (ROOT / "README.md").read_text("utf-8"))[0]
    rows = [at("inference.json", f"sizes/1080x1920/{row}") for row in ROWS_OF_THE_README]
    expected = [f"{row['wall_median']:.1f}" for row in rows]
    assert re.findall(r"([\d.]+) s\b", sentence) == expected

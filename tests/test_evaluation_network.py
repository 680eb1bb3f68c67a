"""evaluate.py with a checkpoint: the network's picture is the one that test.py writes."""

import csv
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from data.pictures import read_hdr, read_sdr, write_hdr
from metrics.scores import scores

ROOT = Path(__file__).parent.parent


def script(name):
    """Load a root script as a module; "test" is also a package of Python's own."""
    spec = importlib.util.spec_from_file_location(f"script_{name}", ROOT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    import keras

    from configs.configs import config
    from data.preparation.prepare import Preparation
    from models.display import Display
    from models.tone_mapper import make_branches, tone_mapper
    from training.checkpoint import StageCheckpoint
    from training.trainer import Trainer

    keras.utils.set_random_seed(0)
    branches = make_branches()
    network = tone_mapper(branches, 3)
    trainer = Trainer(network, SimpleNamespace(weights={}, reported=()), 1e-3)
    kept = {
        "preparation": Preparation.from_settings(config.dev)._asdict(),
        "display": Display(colour="source")._asdict(),
        "no_high_branch": False,
        "no_ft_branch": False,
    }
    folder = tmp_path_factory.mktemp("checkpoint")
    StageCheckpoint(folder, "ft", branches.used(False, False), trainer, kept).save(0)
    return folder


def test_the_network_is_scored_as_test_py_writes_it(checkpoint, tmp_path, capsys):
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, (170, 180, 3)), (0, 0), 6)
    hdr = tmp_path / "a.hdr"
    write_hdr(hdr, np.exp(noise * 15).astype(np.float32))
    words = [str(hdr), "--set", f"model.ckp_path_ft={checkpoint}", "--output", str(tmp_path)]
    words += ["--set", "test.format=png", "--set", "data.processes=1"]
    assert script("test").main(words) == 0
    assert script("evaluate").main([*words, "--operators", "gamma"]) == 0
    with open(tmp_path / "scores.csv", newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    written = read_sdr(tmp_path / "a.png")
    assert written.shape == (168, 176, 3)  # cut to a multiple of 8, and the HDR with it
    expected = scores(read_hdr(hdr)[:168, :176], written)
    assert row["method"] == "IQATM"
    got = {key: float(row[key]) for key in expected}
    assert got == pytest.approx(expected, rel=1e-5, nan_ok=True)

    # Rows are kept until the display makes other pictures.
    capsys.readouterr()
    assert script("evaluate").main([*words, "--operators", "gamma"]) == 0
    assert "2 of 2 rows are kept" in capsys.readouterr().out
    words += ["--set", "test.display_colour=network"]
    assert script("evaluate").main([*words, "--operators", "gamma"]) == 0
    assert "1 of 2 rows are kept" in capsys.readouterr().out

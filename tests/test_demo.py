"""The page of demo.py, in Chromium."""

import importlib.util
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from conftest import ROOT, scene, script_command
from helpers.browser import BROWSER, browser
from helpers.hdr_files import write_hdr

import demo
from configs.configs import config
from configs.stage_settings import operator_settings
from data.pictures import read_hdr
from inference import load_operator
from metrics.operators.classical import reinhard_global
from system.errors import InputError

INSTALLED = importlib.util.find_spec("gradio") is not None
FILE = "input[type=file]"
# Addresses of the three views, once they are all there.
VIEWS = """(() => {
  const found = Array.from(document.querySelectorAll(".image-frame img"), (image) => image.src);
  return found.length == 3 && found;
})()"""
TO_REINHARD = """(() => {
  const slider = document.querySelectorAll("input[type=range]")[1];
  slider.value = 0;
  for (const name of ["input", "change", "pointerup"])
    slider.dispatchEvent(new Event(name, { bubbles: true }));
})()"""
DOWNLOAD = "[...document.querySelectorAll('button')].find((b) => /^Download/.test(b.innerText))"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three pictures, one of odd sides, and a damaged one."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = {name: folder / f"{name}.hdr" for name in ("one", "two", "three", "bad & cut")}
    for seed, (name, size) in enumerate(
        [("one", (96, 128)), ("two", (90, 131)), ("three", (96, 104))]
    ):
        write_hdr(paths[name], scene(*size, seed))
    paths["bad & cut"].write_bytes(paths["one"].read_bytes()[:-900])
    return paths


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Yield (address, folder of temporary files) of a running demo.py; it leaves nothing there."""
    folder = tmp_path_factory.mktemp("temporary")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        script_command("demo.py", "--port", port),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert any("Running on" in line for line in process.stdout)
    yield f"http://127.0.0.1:{port}", folder
    process.terminate()
    assert process.wait(60) == 0
    assert not list(folder.glob("iqatm_*"))


def fetched(tab, address):
    """Return the RGB picture at an address as a tab gets it."""
    bytes_of = "(answer) => answer.arrayBuffer()).then((data) => [...new Uint8Array(data)]"
    data = tab.value(f"fetch({address!r}).then({bytes_of})")
    return cv2.imdecode(np.uint8(data), cv2.IMREAD_COLOR)[:, :, ::-1]


@pytest.mark.skipif(not INSTALLED, reason="gradio is not installed")
@pytest.mark.skipif(BROWSER is None, reason="no Chromium to open the page with")
def test_two_users(server, files, tmp_path):
    address, temporary = server
    operator = load_operator(**operator_settings(config))
    with browser(tmp_path / "profile") as chromium:
        tabs = [chromium.open(address, tmp_path / name) for name in ("first", "second")]
        for tab in tabs:
            tab.wait(f"document.querySelector('{FILE}') !== null")
        tabs[0].choose_files(FILE, files["one"], files["bad & cut"], files["two"])
        tabs[1].choose_files(FILE, files["three"])
        for tab, name in zip(tabs, ("two", "three"), strict=True):
            exposure, reinhard, ours = tab.wait(VIEWS)
            rgb = read_hdr(files[name])
            assert np.array_equal(fetched(tab, reinhard), reinhard_global(rgb))
            assert np.array_equal(fetched(tab, ours), operator(rgb))
            assert fetched(tab, exposure).shape == rgb.shape
            bad = "bad & cut.hdr: the file ends in scanline"
            assert (bad in tab.value("document.body.innerText")) == (name == "two")

        first = tabs[0]
        first.value(TO_REINHARD)
        first.wait(f"{VIEWS}[1] == {VIEWS}[2]")
        first.value("document.querySelector('input[value=png]').click()")
        first.wait("document.querySelector('input[value=png]').ariaChecked == 'true'")
        path = wait_for(
            lambda: next((tmp_path / "first").glob("*.png"), None),
            lambda: first.value(f"{DOWNLOAD}.click()"),
        )
        assert path.name == "two.png"
        assert np.array_equal(
            cv2.imread(str(path))[:, :, ::-1], reinhard_global(read_hdr(files["two"]))
        )
        assert list(temporary.glob("iqatm_*/*/two.png"))
        for tab in tabs:
            tab.close()
        wait_for(lambda: not list(temporary.glob("iqatm_*/*/two.png")))


def test_the_network_takes_one_picture_at_a_time(files):
    running = []

    def operator(rgb):
        running.append(1)
        assert len(running) == 1
        time.sleep(0.2)
        running.pop()
        return np.zeros(rgb.shape, np.uint8)

    with ThreadPoolExecutor() as pool:
        pictures = list(pool.map(lambda name: demo.tone_map(files[name], operator), ("one", "two")))
    for (picture, remarks), name in zip(pictures, ("one", "two"), strict=True):
        reinhard = reinhard_global(read_hdr(files[name]))
        assert np.array_equal(picture.blended(0), reinhard) and not picture.blended(1).any()
        assert np.abs(picture.blended(0.25) - 0.75 * reinhard).max() <= 0.5
        assert not remarks


def test_limit_on_the_size(files, monkeypatch):
    monkeypatch.setattr(demo, "MAX_MEGAPIXELS", 0.01)
    with pytest.raises(InputError, match=r"one\.hdr: has more than 0.01 megapixels; use test\.py"):
        demo.tone_map(files["one"], None)


def wait_for(found, action=lambda: None):
    """Return what a function finds; do the action before each try."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        action()
        if value := found():
            return value
        time.sleep(0.5)
    raise AssertionError("nothing found")

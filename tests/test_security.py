"""Nothing in a file that is read runs as a program, or writes outside the result folder."""

import ast
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, SHIPPED, run_script, scene
from helpers.hdr_files import write_hdr

from data.preparation.prepare import Preparation
from data.records.examples import picture_sample

STEMS = ["../../outside", "/tmp/iqatm_outside", "..", "good", "a\0b", "sub/x"]


@pytest.mark.script
def test_stems_of_records_cannot_leave_the_result_folder(tmp_path):
    from data.records.test_records import encode, record_file_writer
    from models.weights import checkpoint_info, newest_checkpoint

    preparation = checkpoint_info(newest_checkpoint(SHIPPED)).preparation
    write_hdr(tmp_path / "picture.pfm", scene(64, 72))
    arrays = picture_sample(tmp_path / "picture.pfm", preparation, False)
    (tmp_path / "picture.pfm").unlink()
    with record_file_writer(tmp_path / "test_.tfrecord") as writer:
        for stem in STEMS:
            writer.write(encode(arrays, stem, preparation))
    out = tmp_path / "deep" / "result"
    settings = ["--set", f"test.tfrecord_test={tmp_path / 'test_'}"]
    outcome = run_script("test.py", "--output", out, "--save_layers", *settings)
    assert outcome.returncode == 1
    assert outcome.stdout.splitlines()[-1] == f"1 written, {len(STEMS) - 1} skipped"
    assert outcome.stderr.count("cannot be the name of a result in") == len(STEMS) - 1
    assert "Traceback" not in outcome.stderr
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith("good")} == {"test_.tfrecord"}
    assert "good.jpg" in found and "good_high.jpg" in found
    assert not os.path.exists("/tmp/iqatm_outside.jpg")


# Runs in a process of its own: it watches what Python itself does while the files are read.
WATCH = """
import sys, pathlib
folder, checkpoint = map(pathlib.Path, sys.argv[1:])
from system.errors import InputError
from data.pictures import read_hdr
from data.records.test_records import inspect
from losses.perceptual import read_arrays
from models.weights import checkpoint_info, newest_checkpoint
import data.datasets

def read(path):
    try:
        if path.suffix == ".tfrecord":
            return inspect(path)
        if path.is_dir():
            return checkpoint_info(newest_checkpoint(path)).preparation
        return read_arrays(path) if path.name == "vgg16.npy" else read_hdr(path)
    except Exception as error:
        return error

for good in [*sorted((folder / "good").iterdir()), checkpoint]:
    assert not isinstance(read(good), Exception), (good, read(good))
for bad in sorted((folder / "bad").iterdir()):
    read(bad)  # imports what the refusal needs
seen, watching = [], True
def hook(event, arguments):
    if watching and event in ("exec", "import", "os.system", "subprocess.Popen", "os.exec",
                              "os.posix_spawn", "ctypes.dlopen", "pickle.find_class"):
        seen.append((event, str(arguments)[:200]))
sys.addaudithook(hook)
for bad in sorted((folder / "bad").iterdir()):
    print(bad.name, repr(read(bad))[:100])
watching = False
print("SEEN", seen, (folder / "ran").exists())
watching = True  # the counter-proof: what the hook sees where NumPy reads the pickle
import numpy
numpy.load(folder / "bad" / "vgg16.npy", allow_pickle=True)
print("PROOF", sorted({event for event, _ in seen}))
"""


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.script
def test_no_file_runs_a_program(tmp_path):
    import tensorflow as tf
    from helpers.hdr_files import encode_exr

    from data.records.test_records import encode, record_file_writer

    good, bad, marker = tmp_path / "good", tmp_path / "bad", tmp_path / "ran"
    good.mkdir()
    bad.mkdir()
    code = f"__import__('os').system('touch {marker}')"
    picture = scene(64, 72)
    np.save(good / "a.npy", picture)
    np.save(good / "vgg16.npy", {"a": [picture]}, allow_pickle=True)
    (good / "a.exr").write_bytes(encode_exr(picture))
    np.save(bad / "object.npy", np.array([[Malicious(marker)]], object), allow_pickle=True)
    np.save(bad / "vgg16.npy", {"a": Malicious(marker)}, allow_pickle=True)
    for name, header in {
        "descr": f"{{'descr': {code}, 'fortran_order': False, 'shape': (1, 1), }}",
        "shape": f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({code}, 1), }}",
        "header": code,
    }.items():
        text = header.ljust(245).encode() + b"\n"
        content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(64)
        (bad / f"{name}.npy").write_bytes(content)
    line = code.encode()
    for suffix, start in (
        ("hdr", b"#?RADIANCE\nFORMAT="),
        ("pfm", b"PF\n1 1\n"),
        ("exr", b"v/1\1"),
    ):
        (bad / f"code.{suffix}").write_bytes(start + line + b"\n\n" + line)
    preparation = Preparation("gamma", "bilateral", False, 3)
    arrays = picture_sample(good / "a.npy", preparation, False)
    with record_file_writer(good / "test_.tfrecord") as writer:
        writer.write(encode(arrays, "a", preparation))
    for number, text in enumerate(
        (code, f'{{"__reduce__": "{code}"}}', "!!python/object:os.system")
    ):
        example = tf.train.Example.FromString(encode(arrays, code, preparation))
        example.features.feature["settings"].bytes_list.value[:] = [text.encode()]
        with record_file_writer(bad / f"{number}.tfrecord") as writer:
            writer.write(example.SerializeToString())
        # A checkpoint that keeps such settings, with its settings.json.
        folder = bad / f"checkpoint {number}"
        kept = tf.Variable(text)
        prefix = tf.train.Checkpoint(settings=kept, step=tf.Variable(1)).write(str(folder / "x"))
        (folder / "settings.json").write_text(text)
        (folder / "checkpoint").write_text(f'model_checkpoint_path: "{prefix}"\n# {code}\n')
    outcome = subprocess.run(
        [sys.executable, "-c", WATCH, tmp_path, SHIPPED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=600,
    )
    assert outcome.returncode == 0, outcome.stderr
    *lines, seen, proof = outcome.stdout.splitlines()
    assert len(lines) == len(list(bad.iterdir())) == 14
    assert all("Error(" in line for line in lines), lines
    assert seen == "SEEN [] False"
    assert "os.system" in proof and "pickle.find_class" in proof and marker.exists()


UNSAFE = {
    *("eval", "exec", "compile", "__import__", "pickle", "cPickle", "dill", "shelve", "marshal"),
    *("yaml", "load_model", "import_meta_graph", "import_module", "run_path", "getoutput"),
}


def nodes():
    """Yield (path, node) of the syntax of all sources but the tests."""
    for path in ROOT.rglob("*.py"):
        if ROOT / "tests" not in path.parents and ".venv" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                yield path, node


def test_nothing_unsafe_is_called():
    for path, node in nodes():
        names = {getattr(node, "id", None), getattr(node, "attr", None)}
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.name for alias in node.names} | {getattr(node, "module", None)}
        if isinstance(node, ast.keyword):
            assert node.arg not in ("allow_pickle", "shell"), f"{path}:{node.value.lineno}"
        found = names & UNSAFE
        # The one pickle is read by an unpickler that makes arrays alone; the one module is the
        # user's configs.py.
        allowed = {"perceptual.py": {"pickle"}, "command_line.py": {"import_module"}}
        allowed = allowed.get(path.name, set())
        if isinstance(node, ast.Attribute):  # re.compile and the like
            allowed |= {"compile"}
        assert found <= allowed, f"{path}:{node.lineno}: {found}"


def test_settings_json_is_not_read(tmp_path):
    """The copy of the settings beside a checkpoint is for people."""
    from models.weights import checkpoint_info, newest_checkpoint

    folder = shutil.copytree(SHIPPED, tmp_path / "ftlayer")
    (folder / "settings.json").write_text('{"preparation": "damaged"')
    found, shipped = (checkpoint_info(newest_checkpoint(f)) for f in (folder, SHIPPED))
    assert found == shipped

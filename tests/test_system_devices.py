import os
import subprocess
import sys

import pytest
from conftest import ROOT

PROGRAM = """
from system.devices import import_tensorflow
import_tensorflow()
import sys
print("goes on", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("", 0, "goes on\n"),
        ("raise ImportError('no library')", 1, "Traceback"),
        ("os.abort()", -6, "needs AVX"),  # a processor that TensorFlow was not built for
    ],
)
def test_what_tensorflow_prints_is_seen_where_its_import_fails(tmp_path, end, status, said):
    text = f"import os\nos.write(2, b'this binary needs AVX\\n')\n{end}\n"
    (tmp_path / "tensorflow.py").write_text(text)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status
    assert said in done.stderr
    assert ("this binary needs AVX\n" in done.stderr) == (status != 0)
    assert ("goes on" in done.stderr) == (status == 0)

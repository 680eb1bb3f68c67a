"""A root script that has little memory, and a picture that does not fit into it."""

import resource
import subprocess
import sys

from conftest import ROOT

MEMORY_BYTES = 2**30


def large_file(path):
    """Write 120 kB that stand for 100 megapixels, in old run lengths: 1.6 GB to read."""
    runs = b"\5\6\7\x80\1\1\1\x0f\1\1\1\x27" * 10000
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 10000 +X 10000\n" + runs)


def run_limited(script, *arguments):
    """Run a root script as conftest.run_script does, within MEMORY_BYTES."""
    return subprocess.run(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES)),
    )

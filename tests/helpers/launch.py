"""Run a script with the tests' settings: python -m helpers.launch SCRIPT ARGUMENT ..."""

import runpy
import sys
from pathlib import Path

from helpers import config

if __name__ == "__main__":
    sys.modules["configs.configs"] = config
    del sys.argv[0]
    # As Python does for a script that it runs itself.
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")

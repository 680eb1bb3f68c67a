"""What all scripts share: flags, --set, messages, one-sentence errors and exit codes."""

import argparse
import ast
import copy
import importlib
import linecache
import logging
import os
import sys
import traceback
from pathlib import Path

from tqdm import tqdm

from configs.presets import PRESETS
from configs.schema import KINDS, PATHS, check_file, check_together, check_value
from system.errors import InputError
from system.quiet import keep_streams_apart

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
ROOT = Path(__file__).parents[1]

logger = logging.getLogger(__name__)


def make_parser(description, switches):
    """Return an ArgumentParser with a script's switches, --preset and --set.

    Args:
        description: the script's docstring, shown by --help.
        switches: dict from flag name to the "section.key" whose value it gives;
            True/False settings become flags without a value.

    Raises:
        InputError: see user_settings.
    """
    defaults = user_settings()
    parser = _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, name in switches.items():
        section, key = name.split(".")
        default = defaults.get(section, {}).get(key)
        note = f"{name} (now {default})"
        if isinstance(default, bool):
            parser.add_argument(f"--{flag}", action="store_true", default=None, help=note)
        else:
            parser.add_argument(f"--{flag}", metavar=flag.upper(), help=note)
    parser.add_argument(
        "--preset", choices=PRESETS, help="a named set of settings, see configs/presets.py"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="section.key=value",
        help="any setting of configs/configs.py for this run; may be repeated",
    )
    return parser


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that knows of files whose names begin with a dash."""

    def parse_args(self, args=None, namespace=None):
        """Return the arguments; what is none of them ends the program with status 2."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            files = [text for text in unknown if os.path.exists(text)]
            hint = f"; if a file is meant, write ./{files[0]}" if files else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found


def user_settings():
    """Return the config of configs/configs.py.

    Raises:
        InputError: the file is not Python, or a line of it fails; names the line.
    """
    path = ROOT / "configs" / "configs.py"
    try:  # imported here, where a mistake of the user's can be caught
        return importlib.import_module("configs.configs").config
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        number = getattr(error, "lineno", None) or (lines[-1] if lines else None)
        if number is None:
            raise InputError(f"{path} cannot be used: {error}") from error
        text = linecache.getline(str(path), number).strip()
        hint = ""
        if isinstance(error, (NameError, SyntaxError)):
            hint = "; texts such as paths stand in quotes"
        elif isinstance(error, TypeError):  # EasyDict's, of a dict's key that is no text
            hint = '; names in a dict are texts in quotes, for instance {"h": 0.0}'
        raise InputError(
            f"{path}, line {number}: {getattr(error, 'msg', error)}: {text}{hint}"
        ) from error


def settings(args, switches):
    """Return the checked config of one run: configs.py, --preset, --set, then the switches.

    Relative paths of configs.py start at the project's folder, those of --set and of the switches
    at the working directory. Logs which values of configs.py the preset replaces.

    Args:
        args: what make_parser's parser returned.
        switches: as given to make_parser.

    Raises:
        InputError: an unknown key or a value that is not allowed.
    """
    defaults = user_settings()
    check_file(defaults)
    config = copy.deepcopy(defaults)
    replaced = []
    for name, value in PRESETS.get(args.preset, {}).items():
        section, key = name.split(".")
        if config[section][key] != value:
            replaced.append(f"{name} {config[section][key]!r} by {value!r}")
            config[section][key] = copy.deepcopy(value)
    if replaced:
        logger.info("--preset %s replaces of configs.py: %s", args.preset, ", ".join(replaced))
    if not os.path.samefile(ROOT, os.curdir):
        for section, key in PATHS:
            if isinstance(value := config[section].get(key), str) and value != "imagenet":
                config[section][key] = os.path.join(ROOT, value)
    for text in args.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text}: write it as --set section.key=value")
        _set(config, name.strip(), value.strip())
    for flag, name in switches.items():
        if (value := getattr(args, flag)) is not None:
            _set(config, name, value)
    check_together(config)
    return config


def keys_from_set(args):
    """Return the set of "section.key" names that --set gave on the command line."""
    return {text.partition("=")[0].strip() for text in args.set}


def run(main):
    """Run a script's main() and exit: 0, its own status, 2 after one sentence, 130 after Ctrl-C."""
    keep_streams_apart()
    log_to_terminal()
    try:
        status = main()
    except InputError as error:
        logger.error("%s: %s", os.path.basename(sys.argv[0]), error)
        status = EXIT_BAD_INPUT
    except KeyboardInterrupt:
        logger.error("interrupted")
        status = EXIT_INTERRUPTED
    sys.exit(status)


def log_to_terminal():
    """Send log messages to the terminal as bare lines, above any progress bar.

    INFO goes to stdout and WARNING and above to stderr; of other libraries, warnings alone.
    """
    logging.getLogger().addHandler(_Terminal())
    for package in ROOT.glob("*/__init__.py"):
        logging.getLogger(package.parent.name).setLevel(logging.INFO)


class _Terminal(logging.Handler):
    def emit(self, record):
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        tqdm.write(self.format(record), file=stream)
        stream.flush()


def _set(config, name, value):
    """Give a setting a value, or what a text from the command line stands for."""
    section, dot, key = name.partition(".")
    if not dot:
        raise InputError(f"{name} is no setting; write section.key, for instance dev.level_num")
    if isinstance(value, str):
        kind, text = KINDS.get(section, {}).get(key), value
        value = _literal(text)
        # A folder may be called 2024, and a text setting take it as it is.
        if kind is not None and not kind.accepts(value) and kind.accepts(text):
            value = text
    check_value(section, key, value)
    config[section][key] = value


def _literal(text):
    """Read a Python literal; anything else is a text."""
    if text.lower() in ("true", "false", "none"):
        return ast.literal_eval(text.lower().capitalize())
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text

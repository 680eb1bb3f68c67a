"""What all scripts share: flags, --set, one-sentence errors and exit codes."""

import argparse
import ast
import copy
import os
import sys

from configs.configs import config as defaults
from configs.presets import PRESETS
from configs.schema import KINDS, check
from system.errors import InputError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def make_parser(description, switches):
    """Return an ArgumentParser with a script's switches and --set.

    Args:
        description: the script's docstring, shown by --help.
        switches: dict from flag name to the "section.key" whose value it gives;
            True/False settings become flags without a value.
    """
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


def settings(args, switches):
    """Return the checked config of one run: configs.py, --preset, --set, then the switches.

    Args:
        args: what make_parser's parser returned.
        switches: as given to make_parser.

    Raises:
        InputError: an unknown key or a value that is not allowed.
    """
    config = copy.deepcopy(defaults)
    for name, value in PRESETS.get(args.preset, {}).items():
        _put(config, name, copy.deepcopy(value))
    for text in args.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text}: write it as --set section.key=value")
        _put(config, name.strip(), value.strip())
    for flag, name in switches.items():
        given = getattr(args, flag)
        if given is not None:
            _put(config, name, given)
    check(config)
    return config


def keys_from_set(args):
    """Return the set of "section.key" names that --set gave on the command line."""
    return {text.partition("=")[0].strip() for text in args.set}


def run(main):
    """Run a script's main() and exit: 0, its own status, or 2 behind one sentence."""
    try:
        status = main()
    except InputError as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        status = EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = EXIT_INTERRUPTED
    sys.exit(status)


def _put(config, name, value):
    section, dot, key = name.partition(".")
    if not dot:
        raise InputError(f"{name} is no setting; write section.key, for instance dev.level_num")
    if section not in KINDS:
        raise InputError(f"{section} is no section; the sections are {', '.join(KINDS)}")
    if isinstance(value, str):
        kind, text = KINDS[section].get(key), value
        value = _value(text)
        # A folder may be called 2024, and a text setting take it as it is.
        if kind is not None and not kind.accepts(value) and kind.accepts(text):
            value = text
    config[section][key] = value


def _value(text):
    """Read a Python literal; anything else is a text."""
    if text.lower() in ("true", "false", "none"):
        return ast.literal_eval(text.lower().capitalize())
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text

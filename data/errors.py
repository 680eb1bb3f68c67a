"""The one exception that stands for a mistake the user can mend."""


class InputError(ValueError):
    """Bad input: a file, a setting or a folder.

    The message is one sentence that names the thing and the remedy. Root
    scripts print it without a traceback and exit with status 2.
    """

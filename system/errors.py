"""The one exception that stands for a mistake the user can mend."""


class InputError(ValueError):
    """Bad input: a file, a setting or a folder.

    The message is one sentence that names the thing and the remedy. Root
    scripts print it without a traceback and exit with status 2. It stays on
    one line, and cannot command the terminal, whatever a file is called.
    """

    def __str__(self):
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in super().__str__())

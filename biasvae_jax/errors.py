"""Errors of bad input, exit statuses, and texts that are safe to print in one line."""

DONE, CANNOT_GO_ON, BAD_INPUT = 0, 1, 2


class BadInput(ValueError):
    """What was asked cannot be done; one line says what is wrong and how to mend it. Status 2."""


class ConfigError(BadInput):
    """Settings that cannot be run."""


class UsageError(BadInput):
    """A command that cannot be understood, or that does not fit what it is used on."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def shown(value: object) -> str:
    r"""Return text for a terminal, what cannot be printed escaped as in `\x1b` or `\n`."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in str(value)
    )

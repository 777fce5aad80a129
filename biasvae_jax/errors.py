"""Errors of bad input, and exit statuses."""

DONE, CANNOT_GO_ON, BAD_INPUT = 0, 1, 2


class BadInput(ValueError):
    """What was asked cannot be done; one line says what is wrong and how to mend it. Status 2."""


class ConfigError(BadInput):
    """Settings that cannot be run."""


class UsageError(BadInput):
    """A command that cannot be understood, or that does not fit what it is used on."""

"""What every command shares: flags from dataclasses, one line for bad input, exit statuses."""

import contextlib
import io
import itertools
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import tyro

from biasvae_jax.cli.output import Streams
from biasvae_jax.errors import BAD_INPUT, CANNOT_GO_ON, DONE, BadInput, UsageError, shown
from biasvae_jax.runs.files import StorageError
from biasvae_jax.runs.signals import LISTENER, Interrupted

MAX_LINE = 2_000  # characters of an error

Flags = TypeVar("Flags")


def parse(
    flags: type[Flags], arguments: Sequence[str], default: Flags, command: str, description: str
) -> Flags:
    """Read flags over their defaults; raises UsageError of one line instead of tyro's box."""
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.cli(
                flags,
                args=list(arguments),
                default=default,
                prog=command,
                description=description,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
            )
    except SystemExit as stop:
        if not stop.code:
            raise  # --help
        raise UsageError(_one_line(errors.getvalue(), arguments)) from None


def _one_line(box: str, arguments: Sequence[str] = ()) -> str:
    """Take the message out of a framed box of text, and say it in words of our own."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("│ ") for line in box.splitlines()]
    lines = [line for line in lines if line and not re.match(r"[╭╰]", line)]
    rule = next((i for i, line in enumerate(lines) if set(line) == {"─"}), len(lines))
    message = " ".join(lines[:rule]).rstrip(".")
    message = re.sub(r"^Error parsing [a-z][\w.]*: ", "", message)  # a dataclass's own words
    known = [line for line in lines[rule:] if line.startswith("--")]  # flags that it explains
    if known and (wrong := re.match(r"Error parsing (--[\w-]+):", message)):
        given = " ".join(_given(wrong[1], arguments)) or "nothing"
        message = f"{wrong[1]} takes {_kind(known[0])}; got {given}"
    elif known:
        message += f"; did you mean {known[0].split()[0]}?"
    return message + "; --help explains every flag"


def _given(flag: str, arguments: Sequence[str]) -> Sequence[str]:
    """Return the values that follow a flag the last time it is given."""
    at = max((i for i, a in enumerate(arguments) if a.split("=")[0] == flag), default=None)
    if at is None:
        return ()
    inline = [arguments[at].partition("=")[2]] if "=" in arguments[at] else []
    return inline + list(itertools.takewhile(lambda a: a[:2] != "--", arguments[at + 1 :]))


def _kind(usage: str) -> str:
    """Name what a flag takes, from its line of usage."""
    noun = "whole number" if "INT" in usage else "number" if "FLOAT" in usage else "value"
    several = "..." in usage
    return (f"{noun}s" if several else f"a {noun}") + (", or None" if "None" in usage else "")


def run(command: Callable[[Sequence[str]], None]) -> NoReturn:
    """Run a command and exit with its status; expected errors become one line on stderr."""
    streams = Streams()
    LISTENER.start()
    try:
        command(sys.argv[1:])
        status = DONE
    except BadInput as error:
        _complain(error)
        status = BAD_INPUT
    except (StorageError, OSError) as error:
        _complain(error)
        status = CANNOT_GO_ON
    except Exception as error:
        if not _out_of_memory(error):
            raise
        _complain("out of memory; free some, or use another --out with a smaller --group")
        status = CANNOT_GO_ON
    except Interrupted as stop:
        status = stop.status
    if status == DONE and (failure := streams.failure()):
        _complain(f"all is done, but what was printed could not be written: {failure}")
        status = CANNOT_GO_ON
    sys.exit(status)


def _out_of_memory(error: Exception) -> bool:
    """Tell whether memory was short, the host's or a device's; a command may not know jax."""
    jax: Any = sys.modules.get("jax")
    of_jax = jax is not None and isinstance(error, jax.errors.JaxRuntimeError)
    return isinstance(error, MemoryError) or (of_jax and "RESOURCE_EXHAUSTED" in str(error))


def _complain(error: Exception | str) -> None:
    """Print one line, whatever strange characters a file or flag has put into it."""
    print("error: " + shown(" ".join(str(error).split())[:MAX_LINE]), file=sys.stderr)

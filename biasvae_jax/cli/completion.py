"""Completion of `biasvae` and its commands in bash, zsh and tcsh, made by tyro.

What is completed after `sweep` are the flags of its default study; those of other kinds are typed.
"""

import contextlib
import io
import re
from collections.abc import Sequence
from typing import Annotated, Any, Union

import tyro

from biasvae_jax.cli import flags, list, report, score, sweep
from biasvae_jax.errors import UsageError

FLAG = "--tyro-print-completion"
SHELLS = ("bash", "zsh", "tcsh")


def main(arguments: Sequence[str]) -> None:
    """Print the completion for a shell; raises UsageError for one that is not known."""
    shell = " ".join(arguments).removeprefix(FLAG).lstrip(" =")
    if shell not in SHELLS:
        raise UsageError(f"{FLAG} takes {' or '.join(SHELLS)}; got {shell or 'nothing'}")
    print(script(shell))


def script(shell: str) -> str:
    """Return the completion for a shell, one line a help text: each line would be a choice."""
    default: Any = {
        "sweep": flags.default_flags(flags.choose([]), sweep.Execution()),
        "score": score.Flags(run=tyro.MISSING),
        "report": report.Flags(),
        "list": list.Flags(),
    }
    of_each = tuple(
        Annotated[type(given), tyro.conf.subcommand(name, default=given)]
        for name, given in default.items()
    )
    any_of_them: Any = Union[of_each]  # noqa: UP007
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        tyro.cli(any_of_them, args=[FLAG, shell], prog="biasvae", config=config)
    return re.sub(
        "^COMPLETION_SPEC = .*$",
        lambda line: line[0].replace("\\n", " "),
        printed.getvalue(),
        flags=re.MULTILINE,
    )

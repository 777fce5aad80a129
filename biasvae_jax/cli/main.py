"""The `biasvae` command: its subcommands, and what is installed."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from biasvae_jax.cli import common
from biasvae_jax.errors import UsageError

COMMANDS = {
    "sweep": "train and score a whole study, and draw what came out",
    "score": "add the field's scores to a finished run",
    "report": "write the page of one run, or of two beside each other",
    "list": "list the runs in a folder, with their settings and best scores",
    "findings": "train what the open questions need and write the findings (in a checkout)",
}
EXAMPLES = {
    "biasvae sweep --preset smoke": "nine models in a minute; ends with the page to open",
    "biasvae score runs/smoke": "MIG, DCI, SAP, … of these models, which the page then has too",
    "biasvae list --where bias=shift": "the runs below runs/ that are of this bias",
}
COMPLETION = "--tyro-print-completion"
CHECKOUT = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> None:
    """Run a subcommand; raises UsageError for an unknown one."""
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h"):
        print(usage())
    elif name == "--version":
        print(versions())
    elif name.split("=")[0] == COMPLETION:
        import_module("biasvae_jax.cli.completion").main(arguments)
    else:
        command(name)(arguments[1:], f"biasvae {name}")


def usage() -> str:
    """Return what `biasvae --help` prints."""
    width = max(map(len, EXAMPLES))
    commands = [f"  {name:8}  {text}" for name, text in COMMANDS.items()]
    examples = [f"  {words:{width}}  {text}" for words, text in EXAMPLES.items()]
    more = [
        "biasvae COMMAND --help explains the flags of a command; biasvae sweep -h names them on",
        "one screen. biasvae --version tells the versions and the devices, and",
        "biasvae --tyro-print-completion bash (or zsh, tcsh) prints a completion for the shell.",
    ]
    return "\n".join(["usage: biasvae COMMAND …", "", *commands, "", *examples, "", *more])


def command(name: str) -> Callable[[Sequence[str], str], None]:
    """Return a subcommand's function; raises UsageError for an unknown one."""
    if name not in COMMANDS:
        raise UsageError(
            f"biasvae {name} is unknown; the commands are {', '.join(COMMANDS)}, and --version"
        )
    return findings() if name == "findings" else import_module(f"biasvae_jax.cli.{name}").main


def findings(checkout: Path = CHECKOUT) -> Callable[[Sequence[str], str], None]:
    """Return the findings' function from the checkout; raises UsageError where there is none."""
    if not (checkout / "experiments" / "findings" / "command.py").is_file():
        raise UsageError(
            "biasvae findings needs the project's checkout; clone it and run "
            "`pip install -e .` there"
        )
    sys.path.insert(0, str(checkout))  # before a user's own folder of that name
    return import_module("experiments.findings.command").main


def versions() -> str:
    """Return the versions of the package and of jax, and the devices jax sees, a line each."""
    import jax

    from biasvae_jax.versions import version

    devices = ", ".join(sorted({f"{d.platform}: {d.device_kind}" for d in jax.devices()}))
    lines = [f"{name} {version(name)}" for name in ("biasvae_jax", "jax", "jaxlib")]
    count = len(jax.devices())
    return "\n".join([*lines, f"{count} {'device' if count == 1 else 'devices'} ({devices})"])


def run() -> None:
    """Run the command line's subcommand and exit with its status."""
    common.run(main)


if __name__ == "__main__":
    run()

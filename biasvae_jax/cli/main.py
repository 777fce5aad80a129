"""The `biasvae` command: its subcommands, and what is installed."""

from collections.abc import Callable, Sequence
from importlib import import_module, metadata

from biasvae_jax.cli import common
from biasvae_jax.errors import UsageError

COMMANDS = {
    "sweep": "train and score a whole study, and draw what came out",
    "score": "add the field's scores to a finished run",
    "report": "write the page of one run, or of two beside each other",
    "list": "list the runs in a folder, with their settings and best scores",
}


def main(arguments: Sequence[str]) -> None:
    """Run a subcommand; raises UsageError for an unknown one."""
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h"):
        lines = "\n".join(f"  {each:8} {text}" for each, text in COMMANDS.items())
        print(f"usage: biasvae COMMAND …\n\n{lines}\n\nbiasvae COMMAND --help explains its flags.")
    elif name == "--version":
        print(versions())
    else:
        command(name)(arguments[1:], f"biasvae {name}")


def command(name: str) -> Callable[[Sequence[str], str], None]:
    """Return a subcommand's function; raises UsageError for an unknown one."""
    if name not in COMMANDS:
        raise UsageError(
            f"biasvae {name} is unknown; the commands are {', '.join(COMMANDS)}, and --version"
        )
    return import_module(f"biasvae_jax.cli.{name}").main


def versions() -> str:
    """Return the versions of the package and of jax, and the devices jax sees, a line each."""
    import jax

    devices = ", ".join(sorted({f"{d.platform}: {d.device_kind}" for d in jax.devices()}))
    lines = [f"{name} {metadata.version(name)}" for name in ("biasvae_jax", "jax", "jaxlib")]
    count = len(jax.devices())
    return "\n".join([*lines, f"{count} {'device' if count == 1 else 'devices'} ({devices})"])


def run() -> None:
    """Run the command line's subcommand and exit with its status."""
    common.run(main)


if __name__ == "__main__":
    run()

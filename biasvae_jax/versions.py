"""Which version of a package runs here, installed or not."""

import tomllib
from importlib import metadata
from pathlib import Path

OURS = "biasvae_jax"
UNKNOWN = "unknown"


def version(package: str) -> str:
    """Return the version of a package; of ours also in a clone that nobody installed.

    `UNKNOWN` where nothing says it.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[1] / "pyproject.toml"
        if package != OURS or not project.is_file():
            return UNKNOWN
        return tomllib.loads(project.read_text("utf-8"))["project"]["version"]

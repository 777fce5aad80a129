"""Draw `docs/images/world_….png`: training images of the drawn worlds, fair and most biased.

python -m experiments.world_pictures
"""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from biasvae_jax.cli.gathering.strip import training_strip
from biasvae_jax.presets import STUDIES

FOLDER = Path("docs/images")


def main() -> None:
    """Write the pictures."""
    for kind in ("rivers", "faces"):
        study: Any = STUDIES[kind]()
        run: Any = SimpleNamespace(recipe=study.recipe, grid=study.grid, data=())
        for name, drawn in zip(("fair", "biased"), _ends(run, study.biases), strict=True):
            file = FOLDER / f"world_{kind}_{name}.png"
            file.write_bytes(base64.b64decode(drawn.partition(",")[2]))
            print(file)


def _ends(run: Any, biases: tuple[float, ...]) -> tuple[str, str]:
    first, *_, last = training_strip(run, biases).values()
    return first, last


if __name__ == "__main__":
    main()

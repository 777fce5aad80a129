"""Write `report.html`: what a run shows, in one page that opens offline.

With two runs, both beside each other and the difference, in `compare-<second>.html`.
"""

import dataclasses
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from biasvae_jax.config import PRESETS, Config, single
from biasvae_jax.files import StorageError, reporting_disk_errors, short_name, write_atomically
from biasvae_jax.keys import Purpose, purpose_key
from biasvae_jax.loading import LoadedRun, load_run
from biasvae_jax.projection import fit_least_squares
from biasvae_jax.report import PICTURES, RunView, page
from biasvae_jax.report.maps import over_seeds
from biasvae_jax.report.sprites import sprite
from biasvae_jax.scores.recovery import test_codes
from biasvae_jax.theory import predict
from biasvae_jax.training import Recipe
from experiments import cli, launchers, output
from experiments.runtime import start_jax

SHOWN = 8  # test images, and prior samples in a row
TRAVERSED = 12  # latents at most
PICTURE_BYTES = 4_000_000  # of one run; with plotly's 5 MB the page stays below 10
CURVE_NUMBERS = 300_000
HEAD_ROWS = 4_000  # test images behind the drawn projection


@dataclass(frozen=True)
class Flags:
    """All flags."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN]")] = ()
    """One run directory, or two to compare."""
    out: Path | None = None
    """File to write (None: RUN/report.html, or RUN1/compare-RUN2.html)."""


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    launchers.refuse_copies()
    flags = cli.parse(Flags, arguments, Flags(), "python -m experiments.report", __doc__ or "")
    if len(flags.runs) not in (1, 2):
        raise cli.UsageError("name one run directory, or two to compare")
    start_jax()
    runs = [load_run(path) for path in flags.runs]
    print(f"open {output.shown(write_report(*runs, file=flags.out))}")


def write_report(*runs: LoadedRun, file: Path | None = None) -> Path:
    """Write the report of one run, or the comparison of two; returns the file.

    Raises UsageError when two runs share no μ or no β.
    """
    if file is None:
        compared = short_name("compare-", runs[-1].path.resolve().name, ".html")
        file = runs[0].path / ("report.html" if len(runs) == 1 else compared)
    shared = [_shared(axis, runs[0].config, runs[-1].config) for axis in ("mu", "beta")]
    if not all(shared):
        raise cli.UsageError("the two runs have no cell (μ, β) in common")
    views = [gather(run, *shared) for run in runs]
    if len(views) == 2 and views[0].name == views[1].name:
        views = [dataclasses.replace(v, name=str(r.path)) for v, r in zip(views, runs, strict=True)]
    with reporting_disk_errors(file):
        write_atomically(file, page(views).encode())
    return file


def _shared(axis: str, ours: Config, theirs: Config) -> tuple[float, ...]:
    """Return our values on an axis that are theirs too, up to single precision."""
    known = set(map(single, getattr(theirs, axis)))
    return tuple(value for value in getattr(ours, axis) if single(value) in known)


def gather(run: LoadedRun, mu: Sequence[float], beta: Sequence[float]) -> RunView:
    """Gather what the page shows of a run's cells at these μ and β."""
    rows, columns = (
        [run.config.find("mu", m) for m in mu],
        [run.config.find("beta", b) for b in beta],
    )
    config = run.config
    if (len(mu), len(beta)) != (len(config.mu), len(config.beta)):
        config = dataclasses.replace(config, mu=tuple(mu), beta=tuple(beta))
    scores = run.scores.isel(mu=rows, beta=columns)
    history = run.history.isel(mu=rows, beta=columns)
    names = [str(name) for name, v in scores.data_vars.items() if "mu" in v.dims]
    grid = {n: scores[n].transpose("mu", "beta", "seed").values for n in names}
    grid["active_units"] = np.where(grid["finite"] == 1, grid["active_units"], np.nan)
    regimes = grid.pop("regime", None)  # codes: no mean, no map
    if not run.config.patience:
        grid.pop("steps", None)  # all alike
    test_images, pictures = draw_pictures(run, mu, beta)
    return RunView(
        name=run.path.resolve().name,
        config=config,
        stored=run.config.to_json(),
        facts=_facts(run),
        command=command(run.config),
        banner=_banner(run),
        scores={name: over_seeds(values) for name, values in grid.items()},
        labels={name: str(scores[name].attrs.get("long_name", name)) for name in grid},
        random={n: float(scores[f"random_{n}"].mean()) for n in grid if f"random_{n}" in scores},
        theory=predictions(run.recipe, config),
        boundary=run.boundary[rows],
        regimes=regimes,
        step=_thin(history["step"].values, config),
        curves={
            name: _thin(_extremes(history[name].transpose("mu", "beta", "step", "seed")), config)
            for name in ("loss", "reconstruction", "kl")
        },
        test_images=test_images,
        pictures=pictures,
    )


def _extremes(values: Any) -> np.ndarray:
    """Summarise the last axis, seeds, as mean, lowest and highest."""
    v = values.values.astype(float)
    return np.stack([v.mean(-1), v.min(-1), v.max(-1)], axis=-1)


def _thin(values: np.ndarray, config: Config) -> np.ndarray:
    """Keep every k-th step, so that the curves of many cells fit the page."""
    lines = 9 if config.seeds > 1 else 3
    steps = values.shape[0] if values.ndim == 1 else values.shape[2]
    every = -(-len(config.mu) * len(config.beta) * lines * steps // CURVE_NUMBERS)
    kept = np.arange(steps)[::-1][:: max(1, every)][::-1]  # the last one always
    return values[kept] if values.ndim == 1 else values[:, :, kept]


# Theory, command and facts -----------------------------------------------------------------------


def predictions(recipe: Recipe, config: Config) -> dict[str, np.ndarray]:
    """Predict scores of the linear optimum, `[mu, beta]` each; empty for β = 0, which has none."""
    if min(config.beta) <= 0:
        return {}
    found = predict(
        recipe.world, config.mu, config.beta, recipe.likelihood_variance, config.latents
    )._asdict()
    return found | {"pmi_exact": found["pmi"], "gap": np.zeros_like(found["pmi"])}


def command(config: Config) -> str:
    """Return the shell command that computes this config: the nearest preset and what differs."""

    def words(preset: str) -> list[str]:
        base = PRESETS[preset]()
        out = ["--preset", preset] if preset != "blog" else []
        for field in dataclasses.fields(Config):
            value = getattr(config, field.name)
            if value != getattr(base, field.name):
                values = value if isinstance(value, tuple) else (value,)
                out += ["--" + field.name.replace("_", "-"), *map(_word, values)]
        return out

    shortest = min(map(words, PRESETS), key=len)
    return " ".join(["python -m experiments.full_sweep", *map(shlex.quote, shortest)])


def _word(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _facts(run: LoadedRun) -> dict[str, str]:
    about = run.description
    devices = [str(d) for d in about.get("devices", [])]
    counted = {d: devices.count(d) for d in devices}
    facts = {
        "Directory": str(run.path.absolute()),
        "Devices": ", ".join(f"{n} × {d}" for d, n in counted.items()),
        "Versions": ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items()),
        "Plan": ", ".join(f"{k} {v}" for k, v in about.get("plan", {}).items()),
    }
    facts["Started"] = f"{datetime.fromtimestamp(run.begun, UTC):%Y-%m-%d %H:%M} UTC"
    if not math.isnan(run.took):
        facts["Time"] = f"{run.took / 60:.1f} minutes from start to results, pauses included"
    return facts


def _banner(run: LoadedRun) -> str:
    if run.finished:
        return ""
    done, config = run.steps, run.config
    trained, begun = (done == config.steps).sum(), ((done > 0) & (done < config.steps)).sum()
    return (
        f"not finished. {trained} of {config.models} models are trained; {begun} more have taken "
        f"up to {done[done < config.steps].max(initial=0):,} of {config.steps:,} steps. "
        "The command below goes on."
    )


# Pictures ----------------------------------------------------------------------------------------


def draw_pictures(
    run: LoadedRun, mu: Sequence[float], beta: Sequence[float]
) -> tuple[str, dict[tuple[int, int], dict[str, str]]]:
    """Draw seed 0's models as sprites: (the test images, pictures of each cell).

    Cells are taken in a scattered order until the page's room for pictures is spent.
    """
    recipe = run.recipe
    u = recipe.world.test_factors()
    rng = np.random.default_rng(0)
    shown = rng.choice(len(u), min(len(u), SHOWN), replace=False)
    rows = rng.choice(len(u), min(len(u), HEAD_ROWS), replace=False)
    draw = jax.jit(lambda params: _images(recipe, params, u[rows], u[shown]))
    pictures, room = {}, PICTURE_BYTES
    cells = [(i, j) for i in range(len(mu)) for j in range(len(beta))]
    for i, j in (cells[k] for k in rng.permutation(len(cells))):
        try:
            params = run.params(mu=mu[i], beta=beta[j], seed=0)
        except StorageError:
            if run.finished:
                raise
            continue  # it has not begun
        images = [_square(image) for image in draw(params)]
        drawn = dict(zip(PICTURES, map(sprite, images), strict=True))
        room -= sum(map(len, drawn.values()))
        if room < 0:
            break
        pictures[i, j] = drawn
    test = sprite(_square(recipe.world.render(u[shown]))[None]) if pictures else ""
    return test, pictures


def _images(recipe: Recipe, params: Any, u: jax.Array, shown: jax.Array) -> tuple[jax.Array, ...]:
    """Draw one model's pictures `[rows, columns, pixels]`, in the order of `PICTURES`."""
    network, world = recipe.network, recipe.world
    with jax.default_matmul_precision("highest"):
        z_hat, mean = test_codes(purpose_key(0, Purpose.TEST), network, params, world.render(u))
        head = fit_least_squares(u, z_hat)
        reconstruction = network.decode(params, network.encode(params, world.render(shown))[0])
        projection = network.decode(params, head(shown))
        busiest = jnp.argsort(-mean.var(0))[:TRAVERSED]
        steps = jnp.linspace(-3, 3, 7)
        codes = jax.nn.one_hot(busiest, network.latent_dim)[:, None, :] * steps[None, :, None]
        prior = jax.random.normal(purpose_key(0, Purpose.FIGURE), (2, SHOWN, network.latent_dim))
        return (
            reconstruction[None],
            projection[None],
            network.decode(params, codes),
            network.decode(params, prior),
        )


def _square(images: Any) -> np.ndarray:
    images = np.asarray(images)
    side = round(images.shape[-1] ** 0.5)
    return images.reshape(*images.shape[:-1], side, side)


if __name__ == "__main__":
    cli.run(main)

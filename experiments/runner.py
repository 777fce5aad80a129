"""Runs a sweep into its run directory: groups, checkpoints, signals, progress."""

import signal
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import serialization

from biasvae_jax import history as training_history
from biasvae_jax import storage
from biasvae_jax.config import Config
from biasvae_jax.results import history_dataset, results_dataset
from biasvae_jax.sweep import Models, Sweep, grid
from experiments.cli import Interrupted
from experiments.progress import Progress


@dataclass(frozen=True)
class Run:
    """A run directory in the hands of its one writer."""

    path: Path
    config: Config
    sweep: Sweep
    checkpoint_interval: float
    progress: Progress

    def finished(self) -> bool:
        """Tell whether the results are all there."""
        return (self.path / "results.nc").exists() and (self.path / "history.nc").exists()

    def execute(self) -> None:
        """Train, score and store every group, then write `results.nc` and `history.nc`."""
        models = grid(self.config)
        groups = self.sweep.plan.groups(len(models.seed))
        stored = []
        with _signals() as stop, warnings.catch_warnings():
            warnings.simplefilter("always")
            for number, part in enumerate(groups):
                folder = storage.models_folder(self.path, number)
                if folder.exists():
                    tree = storage.load_tree(folder, self.config)
                    self.progress.skip(models[part], self.config.steps)
                else:
                    tree = self._group(number, models[part], stop)
                    storage.save_tree(folder, tree, self.config)
                storage.drop_checkpoints(self.path, number)
                stored.append({key: tree[key] for key in ("scores", "history")})
                stop.raise_if_asked()
            self.progress.note("scoring randomly initialised networks")
            baselines = self.sweep.baselines()
        merged: Any = jax.tree.map(lambda *parts: np.concatenate(parts), *stored)
        history = training_history.History(**merged["history"])
        results = results_dataset(self.config, merged["scores"], history, baselines)
        storage.write_dataset(self.path / "history.nc", history_dataset(self.config, history))
        storage.write_dataset(self.path / "results.nc", results)

    def _group(self, number: int, models: Models, stop: "_Stop") -> dict[str, Any]:
        """Train a group from its newest checkpoint, or from the start, and score it."""
        steps = self.config.steps
        state = self.sweep.init(models)
        history = training_history.empty(len(models.seed), steps)
        step = 0
        checkpoint = storage.load_checkpoint(self.path, number, self.config)
        if checkpoint is not None:
            step, tree = checkpoint
            state = self.sweep.put(serialization.from_state_dict(state, tree["state"]))
            history = training_history.History(**tree["history"])
        self.progress.skip(models, step)
        saved_at = time.monotonic()
        for done, trained, losses in self.sweep.train(models, state, step, steps):
            history = training_history.extend(history, step, losses, steps)
            step, state = done, trained
            self.progress.advance(models, losses.loss.shape[1], step, history.finite)
            due = time.monotonic() - saved_at >= self.checkpoint_interval
            if step < steps and (due or stop.asked):
                self._checkpoint(number, step, models, state, history)
                saved_at = time.monotonic()
            if step < steps:
                stop.raise_if_asked()
        self.progress.note(f"scoring {len(models.seed)} models")
        finite = history.finite & self.sweep.finite(models, state)
        scores = self.sweep.score(models, state.params)
        return {
            "params": serialization.to_state_dict(self.sweep.gather(state.params, models)),
            "scores": scores._asdict(),
            "history": history._replace(finite=finite)._asdict(),
        }

    def _checkpoint(self, number, step, models, state, history) -> None:
        host = serialization.to_state_dict(self.sweep.gather(state, models))
        tree = {"state": host, "history": history._asdict()}
        storage.save_checkpoint(self.path, number, step, tree, self.config)


class _Stop:
    """Whether a signal has asked the run to stop."""

    asked: int = 0

    def raise_if_asked(self) -> None:
        if self.asked:
            raise Interrupted(self.asked)


@contextmanager
def _signals():
    """Note the first SIGINT or SIGTERM; the second ends the process at once."""
    stop = _Stop()

    def note(number, _frame):
        stop.asked = number
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

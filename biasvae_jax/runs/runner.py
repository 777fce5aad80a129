"""Runs a sweep into its run directory: groups, checkpoints, signals, progress."""

import functools
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import serialization

from biasvae_jax.errors import shown
from biasvae_jax.runs import directory, processes
from biasvae_jax.runs.course import ADDED, Course, course_part
from biasvae_jax.runs.progress import Progress
from biasvae_jax.runs.results import history_dataset, results_dataset
from biasvae_jax.runs.signals import LISTENER, Listener, raise_if
from biasvae_jax.scores.base import SCORES, SWEPT, left_out
from biasvae_jax.scores.events import EVENT
from biasvae_jax.scores.generalisation import GENERALISATION
from biasvae_jax.study import Study
from biasvae_jax.sweep import Models, Sweep
from biasvae_jax.theory.reference import Reference, linear_reductions, reference
from biasvae_jax.training import history as training_history
from biasvae_jax.training import init_state

CHECKPOINT_SHARE = 0.02  # of a run's time, at most
STORED = ("scores", "history", "course")  # of a finished group, beside the parameters


@dataclass(frozen=True)
class Run:
    """A run directory in the hands of its one writer."""

    path: Path
    study: Study
    sweep: Sweep
    checkpoint_interval: float
    progress: Progress

    def execute(self) -> None:
        """Train, score and store every group, then write `results.nc` and `history.nc`."""
        models = self.study.grid.models
        groups = self.sweep.plan.groups(self.study.grid.size)
        stored = []
        with LISTENER.saving() as stop:
            for number, part in enumerate(groups):
                tree = self._finished_group(number, models[part])
                if not processes.gather(tree is not None)[0]:
                    tree = self._group(number, part, stop)
                    self._store_group(number, tree)
                else:
                    self.progress.skip(models[part], self._steps)
                    self._score_further(tree, models[part])
                if tree is not None:
                    whole = self._course.empty(models[part]) | tree.get("course", {})
                    stored.append({key: (tree | {"course": whole})[key] for key in STORED})
                raise_if(processes.gather(stop.asked).max())
            self.progress.note("scoring randomly initialised networks")
            baselines = self.sweep.baselines()
            raise_if(processes.gather(stop.asked).max())
        processes.on_first(lambda: self._write_results(stored, baselines))

    @property
    def _steps(self) -> int:
        return self.study.training.steps

    @functools.cached_property
    def _course(self) -> Course:
        return Course(self.study, self.sweep)

    @functools.cached_property
    def _reference(self) -> Reference | None:
        """What the theory predicts, computed once for the run."""
        self.progress.note("computing what the linear theory predicts")
        return reference(self.sweep.recipe, self.study.grid, self.sweep.data)

    def _write_results(self, stored: list[dict], baselines: dict[str, np.ndarray]) -> None:
        merged: Any = jax.tree.map(lambda *parts: np.concatenate(parts), *stored)
        history = training_history.History(**merged["history"])
        scores, theory = merged["scores"], self._reference
        results = results_dataset(self.study, scores, history, baselines, theory)
        pictures = self._course.pictures(merged["course"])
        curves = history_dataset(self.study, history, merged["course"], pictures)
        directory.write_dataset(self.path / "history.nc", curves)
        directory.end_description(self.path)
        directory.write_dataset(self.path / "results.nc", results)

    def _empty_history(self, models: int) -> training_history.History:
        terms = len(self.study.objective.Terms._fields)
        return training_history.empty(models, self._steps, terms)

    def _finished_group(self, number: int, of: Models) -> dict[str, Any] | None:
        """Read a group that is finished already; None when it is not, or on another process."""
        recipe, models = self.sweep.recipe, len(of.seed)
        one = jax.eval_shape(lambda: init_state(jax.random.key(0), recipe)).params
        stack = lambda a: jax.ShapeDtypeStruct((models, *a.shape), a.dtype)  # noqa: E731
        without = left_out(recipe)
        swept = (SCORES[name].variables for name in SWEPT if name not in without)
        like = {
            "params": serialization.to_state_dict(jax.tree.map(stack, one)),
            "scores": {
                name: np.zeros(models, meaning.dtype)
                for variables in swept
                for name, meaning in variables.items()
            },
            "history": self._empty_history(models)._asdict(),
            **course_part(self._course.empty(of)),
        }
        added = [ADDED, *(("scores", name) for name in EVENT)]
        return processes.on_first(
            lambda: directory.load_models(self.path, number, self.study, like, added)
        )

    def _score_further(self, tree: dict[str, Any] | None, models: Models) -> None:
        """Add the scores that a group stored by an older version lacks, from its parameters."""
        lacks = tree is not None and not EVENT.keys() <= tree["scores"].keys()
        if "event" in left_out(self.sweep.recipe) or not processes.gather(lacks)[0]:
            return
        params = self.sweep.gather(self.sweep.init(models), models).params
        if tree is not None:
            params = serialization.from_state_dict(params, tree["params"])
        found = self.sweep.events(models, self.sweep.put(processes.share(params)))
        if tree is not None and found is not None:
            tree["scores"] |= found._asdict()

    def _store_group(self, number: int, tree: dict[str, Any]) -> None:
        processes.on_first(lambda: directory.save_models(self.path, number, tree, self.study))

    def _group(self, number: int, part: slice, stop: Listener) -> dict[str, Any]:
        """Train a group from its newest checkpoint, or from the start, and score it."""
        models, steps = self.study.grid.models[part], self._steps
        step, state, history, course = self._start(number, models)
        self.progress.skip(models, step)
        saved_at, pause = time.monotonic(), self.checkpoint_interval
        snapshots = self.study.training.snapshot_steps
        for done, trained, losses in self.sweep.train(models, state, step, steps, snapshots):
            history = training_history.extend(history, step, losses, steps)
            step, state = done, trained
            self._course.measure(course, step, models, state.params)
            self.progress.advance(models, losses[0].shape[1], step, history.finite)
            # the last step too: whatever becomes of the scoring, nothing trained is lost
            due = step == steps or time.monotonic() - saved_at >= pause
            answers = processes.gather([int(due), stop.asked])  # process 0's clock, any signal
            asked = answers[:, 1].max()
            if answers[0, 0] or asked:
                started = time.monotonic()
                self._checkpoint(number, step, models, state, history, course)
                saved_at = time.monotonic()
                if self.checkpoint_interval:  # 0: at every chunk, whatever it takes
                    pause = max(self.checkpoint_interval, (saved_at - started) / CHECKPOINT_SHARE)
            raise_if(asked)
        finite = history.finite & self.sweep.finite(models, state)
        taken = self.sweep.gather(state.step, models)
        return {
            "params": serialization.to_state_dict(self.sweep.gather(state.params, models)),
            "scores": self._scores(models, state.params, part),
            "history": history._replace(finite=finite, steps=taken)._asdict(),
            **course_part(course),
        }

    def _scores(self, models: Models, params: Any, part: slice) -> dict[str, Any]:
        """Score a group's trained models."""
        reductions = None
        if self._reference is not None:
            reductions = linear_reductions(self._reference, self.study.grid.rows[part])
        self.progress.note(f"scoring {len(models.seed)} models")
        scores = self.sweep.score(models, params)._asdict()
        diagnosis = self.sweep.diagnose(models, params, reductions)._asdict()
        scores |= {name: value for name, value in diagnosis.items() if value is not None}
        losses = self.sweep.losses(models, params)
        if losses is not None:
            gap = losses.test - losses.train
            scores |= dict(zip(GENERALISATION, (*losses, gap), strict=True))
        events = self.sweep.events(models, params)
        return scores | (events._asdict() if events else {})

    def _start(
        self, number: int, models: Models
    ) -> tuple[int, Any, training_history.History, dict[str, np.ndarray]]:
        """Return the newest checkpoint's (step, state, history, time course), or the start."""
        state = self.sweep.init(models)
        history = self._empty_history(len(models.seed))
        course = self._course.empty(models)
        host = self.sweep.gather(state, models)  # the structure, on processes that did not read
        like = {
            "state": serialization.to_state_dict(host),
            "history": history._asdict(),
            **course_part(course),
        }
        found = processes.on_first(
            lambda: directory.load_checkpoint(self.path, number, self.study, like, _warn, [ADDED])
        )
        step = int(processes.gather(found[0] if found else 0)[0])
        self.progress.note(f"group {number + 1}: from {f'step {step:,}' if step else 'the start'}")
        if step == 0:
            return 0, state, history, course
        if found is not None:
            host = serialization.from_state_dict(host, found[1]["state"])
            history = training_history.History(**found[1]["history"])
            course |= found[1].get("course", {})
        host, history, course = processes.share((host, history, course))
        return step, self.sweep.put(host), history, course

    def _checkpoint(self, number, step, models, state, history, course) -> None:
        host = serialization.to_state_dict(self.sweep.gather(state, models))
        tree = {"state": host, "history": history._asdict(), **course_part(course)}
        save = lambda: directory.save_checkpoint(self.path, number, step, tree, self.study)  # noqa: E731
        processes.on_first(save)


def _warn(text: str) -> None:
    print(f"warning: {shown(text)}", file=sys.stderr)

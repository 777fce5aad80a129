"""What is known of a run beside its numbers."""

import math
from datetime import UTC, datetime

from biasvae_jax.runs.loading import LoadedRun


def facts(run: LoadedRun) -> dict[str, str]:
    """Say where a run is, what made it, and when: label → text."""
    about = run.description
    devices = [str(d) for d in about.get("devices", [])]
    counted = {d: devices.count(d) for d in devices}
    found = {
        "Directory": str(run.path.absolute()),
        "Devices": ", ".join(f"{n} × {d}" for d, n in counted.items()),
        "Versions": ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items()),
        "Plan": ", ".join(f"{k} {v}" for k, v in about.get("plan", {}).items()),
    }
    if run.study.objective.trap:
        found["Beware of the objective"] = run.study.objective.trap
    found["Started"] = f"{datetime.fromtimestamp(run.begun, UTC):%Y-%m-%d %H:%M} UTC"
    if not math.isnan(run.took):
        found["Time"] = f"{run.took / 60:.1f} minutes from start to results, pauses included"
    return found


def banner(run: LoadedRun) -> str:
    """Say in one sentence what is missing from a run; empty if nothing is."""
    if run.finished:
        return ""
    done, steps = run.steps, run.study.training.steps
    trained, begun = (done == steps).sum(), ((done > 0) & (done < steps)).sum()
    return (
        f"not finished. {trained} of {run.grid.size} models are trained; {begun} more have taken "
        f"up to {done[done < steps].max(initial=0):,} of {steps:,} steps. "
        "The command below goes on."
    )

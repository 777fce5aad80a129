"""What the variables of results mean, also of results that an older version stored."""

import xarray as xr

from biasvae_jax.objectives import Objective
from biasvae_jax.runs.results import MEANINGS, PREFIXES, loss_meanings
from biasvae_jax.scores.base import SCORES, Meaning


def with_todays_meanings(scores: xr.Dataset, objective: Objective) -> xr.Dataset:
    """Give variables without a plain name what the code knows of them, which the file does not get.

    What is stored of a variable is kept; one that the code does not know stays as it is.
    """
    bare = {
        str(name): next((p for p in PREFIXES if str(name).startswith(p)), "")
        for name, variable in scores.data_vars.items()
        if "title" not in variable.attrs
    }
    known = {**MEANINGS, **loss_meanings(objective)}
    unknown = {name for name, prefix in bare.items() if name.removeprefix(prefix) not in known}
    if any("seed" in scores[name].dims for name in unknown):  # those of models, not a threshold
        known = _asked_for() | known
    found = {}
    for name, prefix in bare.items():
        meaning = known.get(name.removeprefix(prefix))
        if meaning is not None:
            today = meaning.attributes(PREFIXES.get(prefix, ""))
            found[name] = scores[name].assign_attrs(today | scores[name].attrs)
    return scores.assign(found)


def _asked_for() -> dict[str, Meaning]:
    """Return the meanings of the scores that are asked for after a sweep."""
    from biasvae_jax.scores import families  # scikit-learn is slow to import

    names = [*families.FAMILIES, *families.NEURAL]
    return {name: meaning for each in names for name, meaning in SCORES[each].variables.items()}

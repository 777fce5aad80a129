"""Combinations of factors that training lacked: whether they are drawn, and who fails if not."""

import numpy as np

from biasvae_jax.statistics.intervals import Interval, t_interval
from experiments.agreement.cases.case import AGREES, DIFFERS, PARTLY, Case
from experiments.pages.ratios import geometric_interval
from experiments.pages.run import Run, Runs
from experiments.pages.words import value

WORSE = 1.1  # times the error of models that saw the combination, from which they fail
WORLDS = {"missing": "contrasts apart", "missing-alike": "equal contrasts"}


def held_out(runs: Runs) -> Case:
    """Montero et al. 2021: the combination is not drawn, however disentangled the code."""
    fails, words = [], []
    for name, world in WORLDS.items():
        run = runs[name]
        held, others = (_times(run, f"{which}_encoded") for which in ("held", "others"))
        fails.append(float(held.low) > WORSE and float(held.low) > float(others.high))
        apart = t_interval(run.values("mcc_mean")[-1, 0])
        words.append(
            f"With {world} (correlation of squares with matched latents {value(apart)}) models "
            f"without the combination draw it with {value(held)} times the error of models that "
            f"saw it, and other images with {value(others)} times."
        )
    return Case(
        "Montero et al. 2021",
        "Whatever their degree of disentanglement, VAEs generalise only weakly to combinations "
        "that training lacked.",
        "Four squares, one hidden layer; images with both of two squares in their upper half are "
        f"left out. {' '.join(words)}",
        AGREES if all(fails) else PARTLY if any(fails) else DIFFERS,
        "Theirs are convolutional networks on dSprites and 3D Shapes. A quarter of the fair images "
        "is left out here.",
    )


def encoder(runs: Runs) -> Case:
    """Montero et al. 2022: where models fail, their encoders do."""
    words, fails, at_fault = [], [], []
    for name, world in WORLDS.items():
        run = runs[name]
        drawn, told = (_times(run, f"held_{which}") for which in ("encoded", "told"))
        best, encoded = (
            np.log(run.values(f"held_{which}")[-1, 0]) for which in ("best", "encoded")
        )
        fails.append(float(drawn.low) > WORSE)
        at_fault.append(float(told.low) > WORSE)
        words.append(
            f"With {world} a linear head, fitted on all other images, misreads the two squares in "
            f"the encoder's code by {value(told)} times the squared error of models that saw the "
            f"combination. From the best code the decoder draws it with "
            f"{value(geometric_interval(best - encoded))} times the error that it has from the "
            "encoder's."
        )
    guilty = [fault for failed, fault in zip(fails, at_fault, strict=True) if failed]
    return Case(
        "Montero et al. 2022",
        "Where models fail at combinations that training lacked, their encoders do not put them "
        "where they belong either.",
        f"The same models. {' '.join(words)}",
        DIFFERS if not any(guilty) else AGREES if all(guilty) else PARTLY,
        "Each square is a part of the image by itself, and what the decoder has learned of one "
        "holds beside any other. The encoder was never asked.",
    )


def _times(run: Run, name: str) -> Interval:
    """Return an error without the combination over that with it, paired by seeds."""
    errors = np.log(run.values(name)[:, 0])
    return geometric_interval(errors[-1] - errors[0])

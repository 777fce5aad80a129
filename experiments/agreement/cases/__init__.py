"""What papers found, what is measured here, and whether the two agree."""

from collections.abc import Callable

from experiments.agreement.cases.case import Case
from experiments.agreement.cases.collapse import depth, frozen, kink
from experiments.agreement.cases.combinations import encoder, held_out
from experiments.agreement.cases.linear import cascade, length, optimum, spare
from experiments.agreement.cases.pairs import correlated
from experiments.agreement.cases.times import annealing, plateau
from experiments.agreement.cases.variance import sigma
from experiments.pages.run import Runs

CASES: tuple[Callable[[Runs], Case], ...] = (
    *(optimum, cascade, length, spare, plateau, annealing),
    *(kink, frozen, depth, sigma),
    *(correlated, held_out, encoder),
)

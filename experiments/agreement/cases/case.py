"""A published result beside ours, and what counts as agreement."""

from typing import NamedTuple

AGREES, PARTLY, DIFFERS = "agrees", "agrees in part", "differs"


class Case(NamedTuple):
    """A published result beside ours."""

    source: str
    claim: str
    found: str
    verdict: str
    why: str
    """What explains a difference, or what the comparison leaves open."""

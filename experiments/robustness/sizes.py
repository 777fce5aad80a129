"""Amounts of data: the effects of each, and what differs between them."""

from collections.abc import Iterator, Sequence

from experiments.robustness.effects import BETTER, WORSE, Effect


def by_size(found: Sequence[Effect]) -> Iterator[tuple[int | None, list[Effect]]]:
    """Yield each amount of data with its effects."""
    for images in dict.fromkeys(e.images for e in found):
        yield images, [e for e in found if e.images == images]


def data(images: int | None) -> str:
    """Name an amount of data."""
    return f"{images:,} training images" if images else "endless data"


def amounts(found: list[Effect]) -> str:
    """Say whether an endless stream of images changes verdicts; "" where one amount was tried."""
    key = lambda e: (e.question, e.objective, e.bias)  # noqa: E731
    sides = [{key(e): e for e in some if e.verdict} for _, some in by_size(found)]
    if len(sides) < 2:
        return ""
    few, many = sides
    both = few.keys() & many.keys()
    turned = {BETTER: 0, WORSE: 0}
    for each in both:
        pair = few[each].verdict, many[each].verdict
        if set(pair) == {BETTER, WORSE}:
            turned[pair[1]] += 1
    same = sum(few[k].verdict == many[k].verdict for k in both)
    return (
        f"Does the amount of data matter? Of {len(both)} verdicts asked of both amounts {same} are "
        f"the same; {turned[BETTER]} turn from worse to better with endless data and "
        f"{turned[WORSE]} from better to worse. In the others one of the two is open, or the same "
        "as the plain VAE."
    )

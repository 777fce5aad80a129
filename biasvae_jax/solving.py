"""Linear systems inside compiled programs, without what makes jaxlib's CPU stand still."""

import functools

import jax

SHARED = 200_000  # operations of a batch from which jaxlib gives it to its threads


def most_at_once(size: int) -> int | None:
    """Return how many systems of so many unknowns one batch may hold; None for any number.

    On a CPU jaxlib gives a batch of Cholesky factorisations, n³/3 operations each, to its pool of
    threads from 200,000 operations on, and waits for it on a thread of that pool: programs on as
    many devices as there are threads then wait for each other for ever (seen with jaxlib 0.10.2).
    """
    return max(1, (SHARED - 1) // max(1, size**3 // 3)) if jax.default_backend() == "cpu" else None


def solve_positive(matrix: jax.Array, right: jax.Array, batch: int) -> jax.Array:
    """Solve matrix·x = right for a positive definite matrix, `[n, n]` and `[n]`, by Cholesky.

    `batch` is how many of them the caller vmaps; one after another if they are more than
    `most_at_once`.
    """
    most = most_at_once(len(right))
    return (_solve if most is None or batch <= most else _one_by_one)(matrix, right)


_solve = functools.partial(jax.scipy.linalg.solve, assume_a="pos")
_one_by_one = jax.custom_batching.sequential_vmap(_solve)

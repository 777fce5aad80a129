"""Many tests at once: p-values that stay honest. numpy and SciPy."""

import numpy as np
from scipy import special


def paired_p(differences: np.ndarray) -> np.ndarray:
    """Return the two-sided p of Student's t test that the mean over seeds is 0, `[...]`.

    `differences` `[..., seed]`; what is not finite is left out. NaN below two seeds; where all
    seeds agree to the last bit there is no spread: 1 if they are 0, else 0.
    """
    values = np.where(np.isfinite(differences), differences, np.nan)
    count = np.isfinite(values).sum(-1)
    centre = np.where(count > 0, np.nansum(values, -1) / np.maximum(count, 1), np.nan)
    squares = np.nansum((values - centre[..., None]) ** 2, -1)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / np.maximum(count, 1))
    size = np.abs(centre)
    t = np.divide(size, error, out=np.where(size > 0, np.inf, 0.0), where=error > 0)
    return np.where(count > 1, 2 * special.stdtr(np.maximum(count - 1, 1), -t), np.nan)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values for being many: below α, the chance of any false one is at most α.

    The k-th smallest of m, k from 0, is multiplied by m − k, and none is made smaller than one
    before it; whatever depends on whatever. NaN stays NaN and does not count. Source: Holm 1979,
    "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p, float)
    flat, found = p.ravel(), np.full(p.size, np.nan)
    order = np.argsort(flat)[: np.isfinite(flat).sum()]
    raised = flat[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return found.reshape(p.shape)

"""Matplotlib with settings of our own, whatever the user's `MPLBACKEND` and `matplotlibrc` say."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def _tolerate_backend() -> None:
    """Import matplotlib though `MPLBACKEND` names a backend that only the caller's kernel has."""
    chosen = os.environ.get("MPLBACKEND")
    if chosen is None or "matplotlib" in sys.modules:
        return
    del os.environ["MPLBACKEND"]
    try:
        import matplotlib
    finally:
        os.environ["MPLBACKEND"] = chosen
    with suppress(ValueError):  # ours need none: they are Figures, drawn by the format's canvas
        matplotlib.rcParams["backend"] = chosen


@contextmanager
def own_settings() -> Iterator[None]:
    """Draw with matplotlib's own defaults in a block, or in a function this decorates."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


_tolerate_backend()

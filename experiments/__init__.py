"""Studies that run from the command line: `python -m experiments.full_sweep` and others."""

import logging
import os
import signal
import sys

if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # as a command: while modules are imported KeyboardInterrupt can be lost, so end without it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
# a cache of its own that matplotlib cannot make, as without a home, is no news
logging.getLogger("matplotlib").setLevel(logging.ERROR)
if "MPLBACKEND" in os.environ:  # before a module here imports matplotlib
    import biasvae_jax  # noqa: F401

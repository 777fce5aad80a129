"""Studies that run from the command line: `python -m experiments.full_sweep` and others."""

"""Attempts to lose a run, or to make it report a wrong number."""

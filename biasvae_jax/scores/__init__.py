"""Scores of what a model recovered, one file a family."""

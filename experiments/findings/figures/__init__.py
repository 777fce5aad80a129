"""The figures of the findings."""

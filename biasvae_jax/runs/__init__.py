"""Run directories: written, read, computed, by one process or several."""

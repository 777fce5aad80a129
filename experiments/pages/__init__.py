"""What pages written from runs share: their runs, and words for numbers."""

"""Speed beside PyTorch and plain JAX, measured side by side."""

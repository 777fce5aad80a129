"""The `biasvae` command."""

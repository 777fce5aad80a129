"""Draws the pictures of the README and of the documentation."""

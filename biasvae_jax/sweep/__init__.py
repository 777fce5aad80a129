"""The grid: how it is laid on memory and devices, and functions for one model at work on it."""

from biasvae_jax.axes import Models
from biasvae_jax.sweep.layout import Layout
from biasvae_jax.sweep.plan import Plan, PlanError, make_plan
from biasvae_jax.sweep.sweep import Sweep, grid

__all__ = ["Layout", "Models", "Plan", "PlanError", "Sweep", "grid", "make_plan"]

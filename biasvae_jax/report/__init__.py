"""The report of a run: plotly figures and one HTML page, from config and arrays alone."""

from biasvae_jax.report.page import page
from biasvae_jax.report.view import PICTURES, TRAVERSED, Pictures, RunView, Seen

__all__ = ["PICTURES", "TRAVERSED", "Pictures", "RunView", "Seen", "page"]

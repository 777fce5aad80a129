"""A plotly figure that a notebook shows whatever else is installed."""

import plotly.graph_objects as go


class NotebookFigure(go.Figure):
    """A plotly Figure that a notebook shows without nbformat too.

    plotly refuses to show a figure where nbformat is not installed. There IPython is told to ask
    for HTML instead: a page's part with plotly.js in it (5 MB), which works offline.
    """

    def _ipython_display_(self) -> None:
        try:
            super()._ipython_display_()
        except ValueError as error:
            if "nbformat" not in str(error):
                raise
            raise NotImplementedError from None  # IPython then goes on to `_repr_html_`

    def _repr_html_(self) -> str:
        return self.to_html(full_html=False)

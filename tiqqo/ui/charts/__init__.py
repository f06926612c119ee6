"""Charts drawn on the server: where the marks stand, what the axes say, the same in a table.

`line`, `columns` and `stacked` run over days, `bars` over names, `sparkline` stands in a cell, and
`releases_chart` shows sales windows. Positions are shares of the plot, so that a chart fills
whatever width it has while its text keeps its size.
"""

from tiqqo.ui.charts.changes import Change, change
from tiqqo.ui.charts.named import Bar, Bars, bars
from tiqqo.ui.charts.plots import MOST_SERIES, Limit, Plot, Series, columns, line, stacked
from tiqqo.ui.charts.releases import Clash, ReleasesChart, Window, releases_chart
from tiqqo.ui.charts.sparklines import Sparkline, sparkline
from tiqqo.ui.charts.units import COUNT, Unit, money_in

__all__ = [
    "COUNT",
    "MOST_SERIES",
    "Bar",
    "Bars",
    "Change",
    "Clash",
    "Limit",
    "Plot",
    "ReleasesChart",
    "Series",
    "Sparkline",
    "Unit",
    "Window",
    "bars",
    "change",
    "columns",
    "line",
    "money_in",
    "releases_chart",
    "sparkline",
    "stacked",
]

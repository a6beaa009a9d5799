"""The pictures of the page: the life as swim lanes, and every measurement as a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phr.charts import lanes_svg, svg
from phr.exporters.html_frame import words
from phr.exporters.html_words import Event
from phr.views.lanes import lanes
from phr.views.pictures import gathered

STYLE = svg.STYLE
"""What the page's own sheet has to hold: its policy lets no style sheet inside a picture in."""
_NO_CHARTS = "No measurement with a date and a number: nothing to draw."
_NO_LANES = "Nothing with a date: nothing to draw."
_HALF, _WHOLE = 460, 920
"""How wide pictures are drawn: as wide as they stand, so that their letters stay as large as those around them."""


def charts(events: Sequence[Event], born: str | None = None) -> Iterator[str]:
    """The section of the charts, part by part."""
    yield '<section id="charts">\n<h2>Charts</h2>\n'
    found = gathered(events, born=born)
    yield '<div class="charts">\n' if found else f'<p class="none">{_NO_CHARTS}</p>\n'
    for one in found:
        yield f'<figure class="drawn">\n{svg.draw(one.title, [one], look="page", width=_HALF)}</figure>\n'
    yield "</div>\n</section>\n" if found else "</section>\n"


def life(events: Sequence[Event], born: str | None = None) -> Iterator[str]:
    """The section of the swim lanes."""
    yield '<section id="life">\n<h2>Over the years</h2>\n'
    found = lanes(events, born=born)
    if any(one.bars or one.points for one in found.lanes):
        drawn = lanes_svg.draw(found, look="page", width=_WHOLE)
        name = words("Problems and medications as bars, results and visits as points")
        yield f'<figure class="drawn lanes" tabindex="0" role="group" aria-label="{name}">\n{drawn}</figure>\n'
    else:
        yield f'<p class="none">{_NO_LANES}</p>\n'
    yield "</section>\n"

"""The charts of a paper: a curve for each measurement, and the swim lanes of a life."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from phr.exporters.pdf_blocks import Block, figure
from phr.views.events import Event

MOST = 24
"""So many charts the full record has; their values stand in its tables all the same."""

_WIDTH = 400
"""Of a chart, in its own units: two stand beside each other, and their letters are as large as those of a table."""
_LANES = 660
"""Of the lanes, which take the whole line."""


@dataclass(slots=True)
class Pictures:
    """SVG by file name, and the blocks that show them."""

    files: dict[str, str] = field(default_factory=dict, repr=False)
    charts: list[Block] = field(default_factory=list, repr=False)
    more: int = 0
    """Measurements that have no chart here."""
    lanes: list[Block] = field(default_factory=list, repr=False)


def drawn(
    events: Sequence[Event],
    most: int,
    doing: Callable[[str, int, int], None],
    *,
    born: str | None = None,
    doubted: Mapping[str, str | None] | None = None,
) -> Pictures:
    """The most important measurements, and the lanes. `born`, `doubted`: see `views.lanes.lanes`."""
    from phr.charts import lanes_svg, svg
    from phr.views.lanes import lanes
    from phr.views.pictures import gathered

    found = Pictures()
    every = [one for one in gathered(events, born=born) if max(len(curve.dots) for curve in one.curves) > 1]
    found.more = max(0, len(every) - most)
    for number, one in enumerate(every[:most]):
        doing("Drawing the charts", number, min(most, len(every)))
        name = f"chart-{number + 1}.svg"
        found.files[name] = svg.draw(one.title, [one], look="paper", width=_WIDTH)
        found.charts.append(figure(name, svg.described([one])))
    said = lanes(events, born=born, doubted=doubted)
    if said.lanes:
        found.files["lanes.svg"] = lanes_svg.draw(said, look="paper", width=_LANES)
        found.lanes.append(figure("lanes.svg", lanes_svg.described(said)))
    return found


def pairs(charts: Sequence[Block]) -> list[Block]:
    """Charts two by two."""
    return [{"k": "pair", "figures": list(charts[at : at + 2])} for at in range(0, len(charts), 2)]

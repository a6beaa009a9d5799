"""`phr missing`: what should be in the record and is not.

Orders without a result, referrals without a visit, reports without their document, stays without a summary, results that
are pointed at, reports that never became final. Nothing here says that something was not done: only that no result is in
this record, how long that is so, and whom to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.fhir import dates
from phr.views import missing_reports as reports
from phr.views.missing_ground import ORDERS, Ground, Line
from phr.views.missing_orders import orders, standing
from phr.views.missing_referrals import is_referral, referrals, requests
from phr.views.missing_stays import stays

if TYPE_CHECKING:
    from phr.store.store import Store

REASONS = (
    "ordered_without_result",
    "referral_without_visit",
    "report_without_document",
    "stay_without_summary",
    "results_not_here",
    "never_final",
)


@dataclass
class Missing:
    """The answer."""

    missing: list[Line] = field(default_factory=list, repr=False)
    explained: list[Line] = field(default_factory=list, repr=False)
    """Why no result is to be waited for: it was not done, it is planned."""
    unsure: list[Line] = field(default_factory=list, repr=False)
    checked: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As `phr missing --json` prints it."""
        return {
            "missing": [one.document() for one in self.missing],
            "explained": [one.document() for one in self.explained],
            "unsure": [one.document() for one in self.unsure],
            "checked": self.checked,
        }


def missing(
    store: Store,
    *,
    since: str | None = None,
    kinds: Sequence[str] = (),
    sources: Sequence[str] = (),
    grace: int | None = None,
) -> Missing:
    """Everything that should be here. `grace`: days to wait before anything counts, instead of the usual ones."""
    _check(store, sources)
    ground = Ground(store, grace)
    rows = standing(ground, list(ground.rows(ORDERS, raw=True)))
    sent = [row for row in rows if is_referral(row)]
    known = {address for row in rows for address in ground.addresses(row.id)}
    found = Missing(checked=ground.checked)
    asked = [row for row in rows if row not in sent]
    for part in (orders(ground, asked), referrals(ground, [*sent, *requests(ground, known)])):
        found.missing += part[0]
        found.explained += part[1]
        found.unsure += part[2]
    for look in (
        reports.without_document,
        reports.empty_reports,
        reports.studies,
        stays,
        reports.results,
        reports.never_final,
    ):
        found.missing += look(ground)
    for name in ("missing", "explained", "unsure"):
        setattr(found, name, _kept(getattr(found, name), since, kinds, sources))
    return found


def _kept(lines: list[Line], since: str | None, kinds: Sequence[str], sources: Sequence[str]) -> list[Line]:
    """The newest first, each record once for each reason."""
    begin = dates.parse(since) if since else None
    kept: dict[tuple[str, int], Line] = {}
    for one in lines:
        when = dates.parse(one.date) if one.date else None
        if begin and (when is None or when.end <= begin.start):
            continue
        if (kinds and one.kind not in kinds) or (sources and one.source not in sources):
            continue
        kept.setdefault((one.reason, one.record), one)
    return sorted(kept.values(), key=lambda one: (REASONS.index(one.reason), _newest(one)))


def _newest(one: Line) -> tuple[bool, float]:
    when = dates.parse(one.date) if one.date else None
    return when is None, -float(when.start if when else 0)


def _check(store: Store, sources: Sequence[str]) -> None:
    there = [str(row[0]) for row in store.db.execute("SELECT name FROM source ORDER BY name")]
    for name in sources:
        if name not in there:
            raise UsageError(
                f"There is no source named {name}.", hint=f"There is: {', '.join(there)}" if there else None
            )

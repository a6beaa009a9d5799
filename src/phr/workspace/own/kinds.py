"""Each kind of record that a person can write down, by every word for it."""

from __future__ import annotations

from phr.workspace.own import kinds_clinical, kinds_life
from phr.workspace.own.kind import Kind

__all__ = ["BY_NAME", "KINDS", "Kind"]

KINDS = (*kinds_clinical.KINDS, *kinds_life.KINDS)
BY_NAME = {name: kind for kind in KINDS for name in (kind.name, *kind.words)}

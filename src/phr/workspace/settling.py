"""What follows when records came or went: what is told twice, and what stands out in a life, found anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phr.store.store import Store


def settle(store: Store) -> None:
    """Show what several sources say alike as one, then keep the milestones, so that looking need not find them."""
    from phr.views import milestones

    store.matches.settle()
    milestones.refresh(store)

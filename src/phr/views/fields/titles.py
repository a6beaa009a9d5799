"""A title in plain language, by the one function that all screens use."""

from __future__ import annotations


def plain(title: str) -> str:
    """The title without the grammar of its code system."""
    try:
        from phr.views import titles
    except ImportError:
        return title
    return titles.plain(title)

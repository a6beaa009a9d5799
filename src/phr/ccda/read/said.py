"""The words of the narrative that statements point at: each element is read once, and taken within bounds.

Any number of statements may point at one element. Three hundred comments that each repeat a megabyte would be 300 MB, so
a statement takes no more than `LONGEST` characters, and all of them together `ALL_LONG` of what is long. What is cut ends
with an ellipsis and is named; the whole stays in the original document.
"""

from __future__ import annotations

from hashlib import sha256

from phr.ccda.read.nodes import Node, children
from phr.ccda.read.people import text_within

LONGEST = 64 * 1024
BRIEF = 2 * 1024
"""Characters up to which words are never counted."""
ALL_LONG = 48 * 1024 * 1024
ALL_PAGES = 32 * 1024 * 1024
"""What the long texts of one document, and its notes, may come to."""


class Said:
    """What the elements of one narrative say."""

    def __init__(self) -> None:
        self._words: dict[Node, tuple[str | None, bool]] = {}
        self._gists: dict[Node, str] = {}
        self._sizes: dict[Node, int] = {}
        self._heads: dict[Node, list[str]] = {}
        self._left, self._pages = ALL_LONG, ALL_PAGES
        self.cut: set[Node] = set()
        """The elements of which no statement could take all."""

    def words(self, target: Node | None) -> str | None:
        """The words of an element for one statement, as much of them as there is room for."""
        if target is None:
            return None
        words, whole = self._read(target)
        if words is None:
            return None
        if len(words) > BRIEF:
            if len(words) > self._left:
                words, whole = words[:BRIEF], False
            else:
                self._left -= len(words)
        if whole:
            return words
        self.cut.add(target)
        return f"{words.rpartition(' ')[0] or words} …"

    def gist(self, target: Node | None) -> str:
        """What tells the words of an element from others: themselves, or a digest of long ones."""
        if target is None:
            return ""
        if target not in self._gists:
            words = self._read(target)[0] or ""
            self._gists[target] = (
                words if len(words) <= BRIEF else sha256(words.encode("utf-8", "replace")).hexdigest()
            )
        return self._gists[target]

    def heads(self, table: Node) -> list[str]:
        """The headings of the columns of a table."""
        if table not in self._heads:
            rows = (children(row, "th") for row in table.iter("tr"))
            self._heads[table] = [self.words(each) or "" for each in next(filter(None, rows), [])]
        return self._heads[table]

    def has_room(self, target: Node) -> bool:
        """Whether an element can be taken whole, with its tables and lists; then the room is taken."""
        if target not in self._sizes:
            self._sizes[target] = sum(len(str(each)) for each in target.itertext())
        size = self._sizes[target]
        if size > BRIEF:
            if size > self._pages:
                return False
            self._pages -= size
        return True

    def _read(self, target: Node) -> tuple[str | None, bool]:
        if target not in self._words:
            self._words[target] = text_within(target, LONGEST)
        return self._words[target]

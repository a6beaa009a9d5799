"""Taking a PDF apart: its words, its structure, and in which order both come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pikepdf
from pypdf import PdfReader


def words(pdf: bytes) -> str:
    """Everything that can be read on its pages, with single spaces; marks where a long word may break are gone."""
    reader = PdfReader(io.BytesIO(pdf))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).replace("\u200b", "").split())


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def elements(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """The elements of the structure tree in reading order."""
    yield from _below(pdf.Root.StructTreeRoot.K)


def _below(node: Any) -> Iterator[Any]:
    if isinstance(node, pikepdf.Array):
        for one in node:
            yield from _below(one)
    elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node
        if "/K" in node:
            yield from _below(node.K)


def kinds(pdf: pikepdf.Pdf) -> list[str]:
    return [str(one.S) for one in elements(pdf)]


def read_order(pdf: pikepdf.Pdf) -> dict[int, list[int]]:
    """By page (its object number) the marked contents in the order of the structure."""
    found: dict[int, list[int]] = {}

    def walk(node: Any, page: int) -> None:
        if isinstance(node, pikepdf.Array):
            for one in node:
                walk(one, page)
        elif isinstance(node, int):
            found.setdefault(page, []).append(node)
        elif isinstance(node, pikepdf.Dictionary):
            page = node.Pg.objgen[0] if "/Pg" in node else page
            if "/MCID" in node:
                found.setdefault(page, []).append(int(node.MCID))
            elif "/K" in node:
                walk(node.K, page)

    walk(pdf.Root.StructTreeRoot.K, 0)
    return found


def drawn_order(page: Any) -> list[int]:
    """The marked contents of a page in the order in which they are drawn."""
    found = []
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "BDC" and isinstance(operands[1], pikepdf.Dictionary) and "/MCID" in operands[1]:
            found.append(int(operands[1].MCID))
    return found

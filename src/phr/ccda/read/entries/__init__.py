"""The readers of entries, collected from the modules of this folder: by template, then by section.

Each module names its own in `BY_TEMPLATE` (templateId root to reader) and `BY_SECTION` (LOINC code of the
section to reader); a new module is found by being here.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from phr.ccda.read.reading import Reader


@lru_cache(maxsize=1)
def readers() -> tuple[dict[str, Reader], dict[str, Reader]]:
    """By template and by section; a root that two modules name belongs to the first by alphabet."""
    by_template: dict[str, Reader] = {}
    by_section: dict[str, Reader] = {}
    for found in sorted(iter_modules(__path__), key=lambda each: each.name):
        module = import_module(f"{__name__}.{found.name}")
        for table, name in ((by_template, "BY_TEMPLATE"), (by_section, "BY_SECTION")):
            for key, reader in getattr(module, name, {}).items():
                table.setdefault(key, reader)
    return by_template, by_section

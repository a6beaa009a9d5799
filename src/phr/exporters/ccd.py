"""The Continuity of Care Document: C-CDA R2.1, what a doctor's software reads.

The writing itself is the room `phr.ccda`; here the selected records are gathered for it.
"""

from __future__ import annotations

from typing import BinaryIO

from phr.ccda.document import write_ccd
from phr.exporters.base import Exported, Handover


class CcdExporter:
    """`phr export --format ccd`."""

    media_type = "text/xml"
    suffix = ".xml"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        gathered, header = given.summary(), given.header
        ccd = write_ccd(
            gathered.bundle,
            sources=gathered.sources,
            document_id=header.id,
            now=header.made,
            software=header.software,
        )
        out.write(ccd.xml)
        return Exported(len(ccd.xml), dict(ccd.sections), gathered.left_out + tuple(ccd.left_out))

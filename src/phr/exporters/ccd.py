"""The Continuity of Care Document: C-CDA R2.1, what a doctor's software reads; or a Referral Note.

The writing itself is the room `phr.ccda`; here the selected records are gathered for it, and what came of it is checked.
"""

from __future__ import annotations

from typing import BinaryIO

from phr.ccda.check import examine
from phr.ccda.document import write_ccd
from phr.ccda.outline import chosen_codes
from phr.ccda.template import TEMPLATES
from phr.exporters.base import Exported, Handover


class CcdExporter:
    """`phr export --format ccd`."""

    media_type = "text/xml"
    suffix = ".xml"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        options = given.options
        chosen = chosen_codes(options.sections) if options.sections else None
        gathered, header = given.summary(), given.header
        ccd = write_ccd(
            gathered.bundle,
            sources=gathered.sources,
            also=gathered.also,
            document_id=header.id,
            now=header.made,
            software=header.software,
            template=TEMPLATES[options.template],
            sections=chosen,
            reason=options.reason,
            opened=gathered.opened,
            whom=options.whom,
        )
        left_out = gathered.left_out + tuple(ccd.left_out)
        del gathered  # a large record is not held twice while the document is read again
        out.write(ccd.xml)
        return Exported(len(ccd.xml), dict(ccd.sections), left_out, examine(ccd.xml), ccd.about)

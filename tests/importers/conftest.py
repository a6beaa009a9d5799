"""Documents and archives made for a test, about an invented person."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest


def _document(text: str = "Aspirin", made: str = "20240102", root: str = "1.2.3.4") -> str:
    """A small C-CDA document with one medication."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
 <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
 <templateId root="2.16.840.1.113883.10.20.22.1.2"/>
 <id root="{root}" extension="{made}"/>
 <code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/>
 <title>Summary</title><effectiveTime value="{made}"/>
 <recordTarget><patientRole><id root="9.8.7" extension="p1"/><patient>
  <name><given>Ada</given><family>Example</family></name><birthTime value="19900101"/>
 </patient></patientRole></recordTarget>
 <component><structuredBody><component><section>
  <templateId root="2.16.840.1.113883.10.20.22.2.1.1"/>
  <code code="10160-0" codeSystem="2.16.840.1.113883.6.1"/><title>Medications</title>
  <text><content ID="m1">{text}</content></text>
  <entry><substanceAdministration classCode="SBADM" moodCode="EVN">
   <templateId root="2.16.840.1.113883.10.20.22.4.16"/><id root="{root}" extension="m1"/>
   <text><reference value="#m1"/></text><statusCode code="active"/>
   <effectiveTime xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="IVL_TS">
    <low value="20240101"/></effectiveTime>
   <doseQuantity value="1.50" unit="mg"/>
   <consumable><manufacturedProduct><manufacturedMaterial>
    <code code="1191" codeSystem="2.16.840.1.113883.6.88" displayName="{text}"/>
   </manufacturedMaterial></manufacturedProduct></consumable>
  </substanceAdministration></entry>
 </section></component></structuredBody></component>
</ClinicalDocument>"""


@pytest.fixture
def document() -> Callable[..., str]:
    """`document("Aspirin", "20240102")` as a small C-CDA document that was made then."""
    return _document


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    """`zipped({"a.json": b"…"})` as the bytes of a ZIP archive; a list of pairs may repeat names."""

    def make(files: dict[str, bytes | str] | list[tuple[str, bytes | str]]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items() if isinstance(files, dict) else files:
                packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    return make

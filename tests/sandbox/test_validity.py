"""What the sandbox writes itself is valid FHIR R4, as an independent library sees it."""

from __future__ import annotations

import pytest

from .conftest import ADA, App, Start

pytest.importorskip("fhir.resources", reason="fhir.resources is a development dependency")


def test_its_own_resources_are_valid(app: App) -> None:
    from fhir.resources.R4B.bundle import Bundle
    from fhir.resources.R4B.capabilitystatement import CapabilityStatement
    from fhir.resources.R4B.operationoutcome import OperationOutcome

    token = app.sandbox.issue_token()

    CapabilityStatement.model_validate(app.fhir("metadata").json())
    OperationOutcome.model_validate(app.fhir("Observation").json())
    for path in (
        "Observation?_count=2&_revinclude=Provenance:target",
        f"Patient/{ADA}/_history",
        "Condition",
    ):
        Bundle.model_validate(app.fhir(path, token).json())


def test_the_remark_of_a_vendor_is_valid(start: Start) -> None:
    from fhir.resources.R4B.bundle import Bundle

    app = start(vendor="epic")

    Bundle.model_validate(app.fhir("Observation?category=laboratory", app.sandbox.issue_token()).json())

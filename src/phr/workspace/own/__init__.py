"""What a person writes down themselves, as valid FHIR R4 resources of the source `self`, each with its Provenance.

`kinds` and `fields` what may be said of each kind · `told` one entry, checked · `measured`, `conditions`, `treatments`,
`visits`, `papers` an entry as a resource · `making` all of it · `vitals`, `units`, `measure` what is measured at home, and
whether a value can be · `suggest` codes from what the record knows · `links` what it is about · `person` whose it is ·
`writing` into the record, and out again.
"""

"""A pretend hospital on loopback: the SMART on FHIR R4 server that the demo and the tests talk to."""

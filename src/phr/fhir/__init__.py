"""Asking a FHIR R4 server, and reading what it said without losing a byte."""

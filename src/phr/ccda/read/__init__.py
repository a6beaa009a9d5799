"""Reading C-CDA: the bytes of a document in, FHIR R4 resources out. The other direction of `phr.ccda`."""

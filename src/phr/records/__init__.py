"""Records: one readable row out of each FHIR resource, derived by pure functions and rebuilt at will."""

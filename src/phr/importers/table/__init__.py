"""Tables (CSV): a mapping says what the columns mean, and each row becomes FHIR resources.

`mapping` is the TOML file that a person writes, checked whole; `file` goes through the table; `grid` cuts its text into rows
and cells; `cells` is what one row says; `resources` and `observations` are what it becomes, by the words in `kinds`;
`notation` reads one cell. Loaded only when somebody imports a table.
"""

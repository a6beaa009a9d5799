"""The record as plain tables: one definition, which CSV, SQLite and `phr sql` share.

`listing` has the tables; each is a name, a meaning and `shape.Column`s, and each column knows how it is read from a `Fact`
(a record with the resources that say it) and, for `phr sql`, from the table `record`. `docs/tables.md` is written from it.
"""

"""The derived tables of a records file: what may be dropped and made again from what is kept raw.

Declared for Python as `phr.store.tables` declares the others; the same tests hold them.
"""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class DocumentText(SQLModel, table=True):
    """What can be read in a document. Derived from its bytes."""

    __tablename__ = "document_text"

    document_id: int = Field(primary_key=True, foreign_key="document.id")
    media_type: str | None = None
    text: str
    made_by: str


class Record(SQLModel, table=True):
    """One readable row of a life (see model.Record). Derived; `codes` is JSON text.

    `supporting`: 0 an event, 1 supporting, 2 withdrawn (the source took it back: kept, shown only when asked for),
    3 the same fact as another record (shown there, as one of its sources).
    """

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    title: str
    description: str | None = None
    date: str | None = None
    precision: str | None = None
    date_from: int | None = None
    date_to: int | None = None
    end: str | None = None
    recorded: str | None = None
    value: str | None = None
    value_number: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    range_text: str | None = None
    interpretation: str | None = None
    abnormal: int | None = None
    status: str | None = None
    category: str | None = None
    codes: str
    facility: str | None = None
    performer: str | None = None
    encounter: str | None = None
    origin: str
    sensitivity: str
    supporting: int
    resource: str


class RecordSource(SQLModel, table=True):
    """Which sources say a record, and with which resource."""

    __tablename__ = "record_source"

    record_id: int = Field(primary_key=True, foreign_key="record.id")
    source_id: int = Field(primary_key=True, foreign_key="source.id")
    resource_id: int = Field(primary_key=True, foreign_key="resource.id")


class RecordLink(SQLModel, table=True):
    """What was looked up while deriving a record: `target` is `Type/id`."""

    __tablename__ = "record_link"

    source_id: int = Field(primary_key=True)
    target: str = Field(primary_key=True)
    record_id: int = Field(primary_key=True, foreign_key="record.id")


class RecordKey(SQLModel, table=True):
    """What tells that two records are one fact. Derived."""

    __tablename__ = "record_key"

    key: bytes = Field(primary_key=True)
    record_id: int = Field(primary_key=True, foreign_key="record.id")


class Milestone(SQLModel, table=True):
    """What stands out in a life, by the rules of the condition packs. Derived."""

    id: int | None = Field(default=None, primary_key=True)
    record_id: int
    rule: str
    pack: str | None = None
    title: str
    detail: str | None = None
    date: str | None = None
    date_from: int | None = None


class Tally(SQLModel, table=True):
    """How many records of a kind are shown, and how often that changed. Kept by triggers."""

    kind: str = Field(primary_key=True)
    shown: int
    changes: int

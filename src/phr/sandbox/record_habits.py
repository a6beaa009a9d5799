"""How a server gives out records, as data: one value for each habit that a vendor was seen to have.

The defaults are FHIR R4 and Bulk Data Access 2.0 to the letter. `vendor_records.py` says who has which habit, and
`SandboxConfig(change={…})` switches any single one for a test. Sign-in is in `habits.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FHIR_JSON = "application/fhir+json; charset=utf-8"

REFUSALS = (
    "outcome-404",
    "html-404",
    "html-401",
    "html-200",
    "outcome-401",
    "outcome-403",
    "empty-403",
    "denied-403",
    "stack-400",
    "500",
    "500-not-known",
    "redirect",
)
"""Ways to refuse a type. `denied-403` is NextGen's, whose issue has no code; `stack-400` shows a stack trace;
`html-200` is a page where JSON should be; `redirect` sends to a page on another host name."""


@dataclass(frozen=True, slots=True)
class RecordHabits:
    """One product's habits on the FHIR side; the defaults are the plain specification."""

    # which types
    open_access: bool = False
    """Nobody has to sign in."""
    types: tuple[str, ...] = ()
    """Only these are served; empty: all."""
    unknown_type: str = "outcome-404"
    """How a type that is not served is refused, see REFUSALS."""
    refused_type: str = "outcome-403"
    """How a type that the scopes do not cover is refused, see REFUSALS."""
    refuses: Mapping[str, str] = field(default_factory=dict)
    """Types that are refused whatever the scopes say, and how, see REFUSALS."""
    unknown_id: str = "outcome-404"
    """How reading what is not there ends: `outcome-404`, `500-not-known` (Cigna), `stack-400` (NextGen)."""
    fails: Mapping[str, int] = field(default_factory=dict)
    """`Type` (its searches) or `Type/id` (reading it) to a status that it always ends with."""
    fails_first: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """`Type` to a status and how many requests it meets before all is well."""
    practice: str = ""
    """What `ah-practice` has to say, the slash as it is (athenahealth)."""
    needs_practice: bool = False

    # what a search may ask
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Searches that are refused unless one of these parameters is there."""
    needs_person: bool = False
    """Every search of a person's own types needs `_id`, `patient` or `subject`."""
    needs_status: int = 400
    needs_status_of: Mapping[str, int] = field(default_factory=dict)
    needs_words: str = "{type} can be searched only with one of the parameters: {names}."
    """How that is said: `{type}`, `{names}`, `{given}` (as sent), `{combinations}` (each with `patient`)."""
    needs_words_of: Mapping[str, str] = field(default_factory=dict)
    needs_code: str = "required"
    """The code of that issue."""
    refused_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`Type.parameter` to values that end with 400."""
    known_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`Type.parameter` to the only values that do not end with 400."""
    unknown_params: str = "refused"
    """`refused` with 400, `ignored`, or `warned`: ignored with a remark in the Bundle."""
    id_alone: bool = False
    """`_id` may not be combined with anything but `_count`, which it then overrules."""
    many_ids: str = "yes"
    """`_id=a,b`: `yes`, `first` (the others are forgotten) or `refused`."""
    batch: bool = False
    """A batch of reads may be posted to the base."""
    revinclude: bool = True
    """`_revinclude=Provenance:target`."""
    largest_result: int | None = None
    """More matches than this end with 413."""

    # since when
    last_updated: tuple[str, ...] | None = None
    """Types that can be searched by `_lastUpdated`; None: all."""
    last_updated_name: str = "_lastUpdated"
    """How the parameter is spelt."""
    last_updated_lies: Mapping[str, str] = field(default_factory=dict)
    """Types (or `*`) that declare it and yet: `ignored`, `refused`, `empty` or `500`."""
    last_updated_not_with: tuple[str, ...] = ()
    """Parameters that it may not be combined with."""
    last_updated_prefixes: tuple[str, ...] = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
    meta: str = "kept"
    """`kept`, `none`, `no-last-updated`, `constant-version`, or `half`: every second resource has none."""
    etag: str = "ETag"
    """The header's name; Epic's was seen misspelt. Empty: none. Only a true ETag is compared."""

    # pages
    page_size: int = 50
    max_page_size: int = 200
    page_sizes_of: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Type to usual and largest page."""
    count: str = "kept"
    """`_count`: `kept` (up to the largest page), `ignored`, `refused` (400), `all` (one page, however long)."""
    next_by: str = "_cursor"
    """The parameter of a next link. `page` and `startIndex` are numbers that anybody can make up."""
    next_keeps_query: bool = False
    """The other parameters stay in the link."""
    next_with: tuple[tuple[str, str], ...] = ()
    """Parameters that stand beside it and mean nothing to us (Oracle's `direction=NEXT`)."""
    next_as: str = "absolute"
    """`absolute`, `relative`, `rooted`, `other-host` (unreachable, http), `localhost` (the same server by another
    name), `https`, `other-case` (of the path), or `unescaped` (`|` and spaces as they are)."""
    next_stops_after: int | None = None
    """No next link after so many pages, though there is more."""
    next_loops: str = "no"
    """`self`: every next link is the self link; `again`: the second page names itself; `first`: the last page
    leads back to the first."""
    next_dies: int = 0
    """So many times for each type the link to the second page is dead; below 0: always."""
    next_seconds: float | None = None
    """Life of a link."""
    dead_as: str = "410"
    """How a dead link answers: `404`, `410`, or `4113` (Epic: 400 with that code)."""
    shuffled: bool = False
    """Matches come in another order each time; between numbered pages too."""
    total: str = "all"
    """What `Bundle.total` counts: `all` matches, those on this `page`, or `none` (absent); wrong ones: `size` (the
    page size), `more` (59 more than there are), `text`."""
    total_without_entries: Mapping[str, int] = field(default_factory=dict)
    """Types whose searches announce so many and bring nothing."""

    # what is in a page
    bundle_type: str = "searchset"
    no_entries: str = "missing"
    """An empty page's `entry`: `missing`, `null` or `empty` (a list)."""
    entry_url: str = "absolute"
    """`fullUrl`: `absolute`, `missing`, `relative`, `other-host` or `urn`."""
    entry_mode: bool = True
    """Entries have `search`."""
    odd_entries: tuple[str, ...] = ()
    """Beside the matches: `no-resource`, `no-id`, `null`, `outcome` (without `search`)."""
    twice: str = "no"
    """The same resource twice: on one `page`, or again on the `next`."""
    bare: str = "no"
    """A search answers without a Bundle: `single` (if one matches, the resource) or `outcome` (if none does)."""
    outcome_entry: bool = False
    """A searchset carries an OperationOutcome entry that says it may not be the whole record."""
    warnings: Mapping[str, str] = field(default_factory=dict)
    """Type to what its searches warn of, in a 200."""
    issue_system: str = ""
    issue_codes: Mapping[str, str] = field(default_factory=dict)
    """The vendor's own codes, in `issue.details`, for `code` or `code:Type` of an issue."""
    issue_has_code: bool = True
    issue_text: str = "diagnostics"
    """Where an issue says what is wrong: `diagnostics` or `details` (athenahealth)."""
    references: str = "kept"
    """`versioned` (`/_history/1`), `absolute`, or `kept`."""

    # documents
    attachments: tuple[str, ...] = ()
    """Where attachments that point at a Binary are, one after another: `relative`, `absolute`, `document` (below
    the base, outside FHIR), `elsewhere` (another host name), `none` (the word), `data`, `neither`, `inline`,
    `broken-inline` (line breaks, wrong padding). Empty: as they are."""
    attachment_type: str = "kept"
    """`contentType` of those: `kept`, `missing` or `octet-stream`."""
    binary_by: str = "answer"
    """`redirect`: Binary sends on to another host name."""
    binary_needs_parent: bool = False
    """Reading a Binary needs the scope for DocumentReference or DiagnosticReport too."""
    signed_anew: bool = False
    """Addresses elsewhere are signed afresh in every answer."""
    generated_documents: bool = False
    """C-CDA is made anew on each read: another id, another time."""
    documents_a_day: int | None = None
    """So many reads of one Binary, then 4135 until tomorrow."""

    # $everything
    everything: bool = True
    """Patient/$everything."""
    everything_paged: bool = True
    everything_self: bool = True
    """False: the self link names another id."""
    everything_strangers: int = 0
    """Stubs of so many other patients are among the entries."""

    # how it is said
    content_type: str = FHIR_JSON
    """Empty: the header is missing."""
    byte_order_mark: bool = False
    not_acceptable: str = "outcome"
    """406 with an `outcome` or `empty`."""
    metadata: bool = True
    """False: there is no CapabilityStatement."""
    promises: tuple[str, ...] = ()
    """Types in the CapabilityStatement that are not there."""
    conceals: tuple[str, ...] = ()
    """Types that are there and not in the CapabilityStatement."""
    undeclared: tuple[str, ...] = ()
    """Parameters that work and are not declared."""
    latency: float = 0.0
    """Seconds before every FHIR answer."""
    slow_searches: Mapping[str, float] = field(default_factory=dict)
    """Type (or `*`) to seconds for each page."""

    # how much may be asked
    per_minute: int | None = None
    """By the minute of the clock."""
    per_second: float | None = None
    burst: int | None = None
    """Requests in any `burst_seconds`; None: as `per_second` has it."""
    burst_seconds: float = 2.0
    per_day: int | None = None
    limit_counts: str = "all"
    """`all`: signing in and tokens too; `fhir`: requests below the FHIR base alone."""
    retry_after: str = "seconds"
    """Of a 429: `seconds`, `date`, `past` (a date), `epoch`, `absurd` (a year), `text`, or `none`."""
    limit_headers: str = "none"
    """`ratelimit` (RateLimit-Limit, -Remaining, -Reset), `x-ratelimit` (X-RateLimit-…, reset as epoch),
    `both`, or `none`."""

    # Bulk Data Access 2.0
    bulk: tuple[str, ...] = ()
    """Levels of $export: `patient`, `group`, `system`."""
    bulk_for_people: bool = False
    """Patient scopes may export too, their own compartment."""
    bulk_polls: int = 1
    """Status requests that are answered with 202."""
    bulk_retry_after: str = "1"
    """Of these; empty: none."""
    bulk_progress: bool = True
    """X-Progress."""
    bulk_needs_prefer: bool = True
    bulk_lines: int = 20_000
    """Resources in one file at most."""
    bulk_page: int | None = None
    """Files on one page of the manifest; None: all."""
    bulk_token: bool = True
    """requiresAccessToken; False: the files are elsewhere and want no bearer."""
    bulk_gzip: bool = True
    bulk_seconds: float | None = 86_400.0
    """How long files and manifest are there."""
    bulk_at_once: int = 0
    """Exports of one client at a time; 0: any number."""
    bulk_repeats_type: bool = True
    """False: `_type` may be said once only."""
    bulk_deleted: bool = True
    """The manifest names what was deleted since `_since`."""
    bulk_errors: bool = False
    """An error file comes with every export."""
    bulk_kickoff_fails: int = 0
    bulk_status_fails: int = 0
    bulk_file_fails: int = 0
    """So many requests end with 503 first (of files: each file)."""
    bulk_ends_badly: bool = False
    """The export itself fails: status 500 with an OperationOutcome."""


CHOICES: Mapping[str, tuple[str, ...]] = {
    "unknown_type": REFUSALS,
    "refused_type": REFUSALS,
    "unknown_id": ("outcome-404", "500-not-known", "stack-400"),
    "unknown_params": ("refused", "ignored", "warned"),
    "many_ids": ("yes", "first", "refused"),
    "meta": ("kept", "none", "no-last-updated", "constant-version", "half"),
    "count": ("kept", "ignored", "refused", "all"),
    "next_as": (
        "absolute",
        "relative",
        "rooted",
        "other-host",
        "localhost",
        "https",
        "other-case",
        "unescaped",
    ),
    "next_loops": ("no", "self", "again", "first"),
    "dead_as": ("404", "410", "4113"),
    "total": ("all", "page", "none", "size", "more", "text"),
    "no_entries": ("missing", "null", "empty"),
    "entry_url": ("absolute", "missing", "relative", "other-host", "urn"),
    "twice": ("no", "page", "next"),
    "bare": ("no", "single", "outcome"),
    "issue_text": ("diagnostics", "details"),
    "references": ("kept", "versioned", "absolute"),
    "attachment_type": ("kept", "missing", "octet-stream"),
    "binary_by": ("answer", "redirect"),
    "not_acceptable": ("outcome", "empty"),
    "limit_counts": ("all", "fhir"),
    "retry_after": ("seconds", "date", "past", "epoch", "absurd", "text", "none"),
    "limit_headers": ("none", "ratelimit", "x-ratelimit", "both"),
}
"""The habits that are one word of a few: a slip of the pen must not pass for the plain specification."""


def wrong(habits: RecordHabits) -> list[str]:
    """The habits whose word means nothing."""
    found = [name for name, words in CHOICES.items() if getattr(habits, name) not in words]
    ways = {
        "relative",
        "absolute",
        "document",
        "elsewhere",
        "none",
        "data",
        "neither",
        "inline",
        "broken-inline",
    }
    found += ["attachments"] if not ways.issuperset(habits.attachments) else []
    return found + (["refuses"] if not set(REFUSALS).issuperset(habits.refuses.values()) else [])

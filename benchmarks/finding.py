"""How long it takes to find one of twenty thousand organisations, beside a plain scan of the same file."""

from __future__ import annotations

import itertools

from benchmarks.world import World, say, timed
from phr.providers.catalog import load
from phr.providers.organisations import Row, dump

COUNT = 20_000
SYLLABLES = "bra cor del fen gor hal jun kel mar nor pel quin ros tam und ver wil yar zan ost".split()
KINDS = "Family Medicine,Medical Center,Pediatrics,Health,Clinic,Regional Hospital,Orthopedics,Dental".split(
    ","
)
QUERIES = {
    "by name": "brafen regional hospital",
    "with a vendor and a place": "kelmar clinic epic ohio",
    "with two slips": "quinnros pedaitrics",
    "one common word": "health",
}


def run(world: World) -> None:
    """Read, index and search, as a fresh `phr providers search` does it."""
    path = world.folder / "organisations.tsv"
    path.write_bytes(dump(_made_up()))
    wanted = QUERIES["by name"].split()

    def scan() -> list[str]:
        """What nothing can beat that reads the file: every line in small letters, every word looked for."""
        lines = path.read_text(encoding="utf-8").split("\n")
        return [line for line in lines if all(word in line.lower() for word in wanted)]

    plain = timed(scan, 5)
    say(f"plain scan of {COUNT:,} organisations", "1.00", f"{plain * 1000:.1f} ms")
    for title, text in QUERIES.items():
        first = timed(lambda text=text: load(None, path).search(text), 5)  # type: ignore[misc]
        catalog = load(None, path)
        catalog.search(text)
        again = timed(lambda text=text, catalog=catalog: catalog.search(text), 5)  # type: ignore[misc]
        say(
            f"providers search, {title}",
            f"{first / plain:.2f}",
            f"{first * 1000:.1f} ms; once read {again * 1000:.1f}",
        )
    loading = timed(lambda: load(None, path), 5)
    say(
        "loading the catalogue, no organisation asked for",
        f"{loading / plain:.2f}",
        f"{loading * 1000:.1f} ms",
    )


def _made_up() -> list[Row]:
    names = itertools.product(SYLLABLES, SYLLABLES, SYLLABLES, KINDS)
    states = itertools.cycle(("OH", "CO", "TX", "NY"))
    vendors = itertools.cycle(("epic", "oracle", "meditech", "eclinicalworks", "athenahealth"))
    rows: list[Row] = []
    for at, (one, two, three, kind) in enumerate(itertools.islice(names, 0, COUNT)):
        name = f"{(one + two).title()} {three.title()} {kind}"
        place = f"{three.title()}, {next(states)}"
        rows.append(
            [f"made-{at}", name, next(vendors), place, f"https://h{at}.example.org/api/FHIR/R4/", "", ""]
        )
    return rows

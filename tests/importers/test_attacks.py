"""Damaged and hostile files: each ends in a sentence or a named skip, soon, in bounded memory, and nothing is written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import resource
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from phr.errors import PhrError, UnreadableFile, UsageError
from phr.importers.opening import read

SECONDS = 10
MEGABYTES = 700
HARMLESS = {"xml: huge attribute"}
"""What may as well be read, if it is soon done."""
V3 = 'xmlns="urn:hl7-org:v3"'
CONDITION = b'{"resourceType":"Condition","id":"c"}'
BUNDLE = b'{"resourceType":"Bundle","entry":[{"resource":' + CONDITION + b"}]}"
MAPPING = '[[rows]]\nkind = "problem"\n[rows.columns]\ntext = "What"\ndate = "When"\n'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def _zip(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in files:
            packed.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def _deflated(size: int, begin: bytes = b"") -> bytes:
    """`begin` and so many blanks in one raw deflate stream, without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(begin)]
    block = b" " * 1_000_000
    parts += [packer.compress(block) for _ in range(size // len(block))]
    return b"".join([*parts, packer.flush()])


def _handmade(
    packed: bytes, size: int, copies: int = 1, *, count: int | None = None, name: bytes = b"a.json"
) -> bytes:
    """A ZIP whose list names one deflated member `copies` times, wherever the truth lies."""
    head = struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, 8, 0, 33, 0, len(packed), size, len(name), 0)
    listed = (
        struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, 0, len(packed), size, len(name),
                    0, 0, 0, 0, 0, 0) + name
    ) * copies  # fmt: skip
    body = head + name + packed
    number = (copies if count is None else count) & 0xFFFF
    return (
        body
        + listed
        + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, number, number, len(listed), len(body), 0)
    )


def _encrypted() -> bytes:
    body = bytearray(_zip(("a.json", CONDITION)))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def _tar(*infos: tarfile.TarInfo) -> bytes:
    return b"".join(info.tobuf(tarfile.GNU_FORMAT) for info in infos) + b"\0" * 1024


def _tarinfo(name: str, **elements: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in elements.items():
        setattr(info, key, value)
    return info


def _nested(depth: int) -> bytes:
    body = _zip(("c.json", CONDITION))
    for _ in range(depth):
        body = _zip(("in.zip", body))
    return body


def _health(listing: bytes) -> bytes:
    return _zip(
        ("apple_health_export/export.xml", listing),
        ("apple_health_export/clinical-records/C-1.json", CONDITION),
    )


def _padded(packed: bytes) -> bytes:
    """With bytes that cannot be packed behind it, so that the whole does not look like a bomb."""
    return packed + gzip.compress(random.Random(1).randbytes(2_000_000))


_HARMLESS = _zip(*((f"{n}.json", b" " * 50_000_000) for n in range(2)))


def _cda(inside: str = "", doctype: str = "") -> bytes:
    return f'<?xml version="1.0"?>{doctype}<ClinicalDocument {V3}>{inside}</ClinicalDocument>'.encode()


ZIPPED = _zip(("a.json", CONDITION), ("b.xml", _cda()))
XML: dict[str, bytes] = {
    "billion laughs": _cda("<title>&l9;</title>", f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'),
    "quadratic entity": _cda(
        f"<title>{'&a;' * 20_000}</title>", f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'
    ),
    "external entity": _cda("<title>&x;</title>", '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "entity from the network": _cda(
        "<title>&x;</title>", '<!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'
    ),
    "external DTD": _cda("", '<!DOCTYPE ClinicalDocument SYSTEM "file:///etc/passwd">'),
    "parameter entity": _cda("", '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'),
    "DTD in UTF-16": _cda("&l9;", f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>').decode().encode("utf-16"),
    "deep": _cda("<component>" * 100_000 + "</component>" * 100_000),
    "deep and cut off": _cda()[:-19] + b"<component>" * 200_000,
    "huge attribute": _cda(f'<title a="{"x" * 20_000_000}"/>'),
    "huge text cut off": _cda("<title>" + "x" * 20_000_000)[:-19],
    "many attributes": _cda("<title " + " ".join(f'a{n}="1"' for n in range(200_000)) + "/>")[:-40],
    "same attribute twice": _cda('<id root="1" root="2"/>')[:-5],
    "more than any document": _cda("<title>" + " " * (101 * 1024**2) + "</title>"),
    "not well formed": _cda("<a><b></a></b>"),
    "two roots": _cda() + _cda(),
    "no end": _cda()[:-5],
    "no root": b'<?xml version="1.0"?>',
    "only a comment": b"<!-- nothing -->",
    "comment without end": b"<!-- " + b"-" * 100_000,
    "doctype without end": b"<!DOCTYPE ClinicalDocument [" + b"<!ELEMENT a ANY>" * 10_000,
    "NUL in the middle": _cda("<title>a\x00b")[:-19],
    "binary after the start": b"<ClinicalDocument" + bytes(range(256)) * 1000,
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADw-script+AD4-',
    "unknown encoding": b'<?xml version="1.0" encoding="x-none"?><a',
    "half of UTF-16": _cda().decode().encode("utf-16")[:41],
    "UTF-32": _cda().decode().encode("utf-32")[:90],
    "XInclude": b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></a>',
    "stylesheet that loads": b'<?xml-stylesheet href="http://127.0.0.1:9/"?><b/>',
    "FHIR": b'<Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>',
    "web page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "many angle brackets": b"<" * 1_000_000,
    "endless name": b"<" + b"a" * 5_000_000,
    "endless processing instruction": b"<?" + b"a" * 5_000_000,
}
ARCHIVES: dict[str, bytes] = {
    "only a header": b"PK\x03\x04",
    "empty": _zip(),
    "end without a list": b"PK\x05\x06" + b"\xff" * 18,
    **{f"cut off at {n} tenths": ZIPPED[: len(ZIPPED) * n // 10] for n in range(1, 10)},
    "locked with a password": _encrypted(),
    "bomb": _handmade(_deflated(200_000_000), 200_000_000),
    "bomb that lies about its size": _handmade(_deflated(200_000_000), 100),
    "bomb that lies upwards": _handmade(_deflated(1_000_000), 0xFFFFFFF0),
    "overlapping": _handmade(_deflated(60_000_000), 60_000_000, 5000),
    "100,000 members": _handmade(b"\x03\x00", 0, 100_000),
    "more members than it says": _handmade(b"\x03\x00", 0, 70_000, count=1),
    "list of 20 MB": _handmade(b"\x03\x00", 0, 300, name=b"a" * 65_000),
    "nested 30 deep": _nested(30),
    "many harmless archives in one": _zip(*((f"{n}.zip", _HARMLESS) for n in range(20))),
    "list of one endless element": _health(b"<ClinicalRecord " + b"a" * 3_000_000 + b">"),
    "list of elements without end": _health(b"<ClinicalRecord " * 200_000),
    "list of blanks": _health(b"<ClinicalRecord" + b" " * 3_000_000 + b"a" * 100_000),
    "list of open quotation marks": _health(b"<ClinicalRecord a='1' b=\"" * 200_000),
    "bomb in an archive": _zip(("in.zip", _handmade(_deflated(200_000_000), 200_000_000))),
    "unknown method": _handmade(b"\x03\x00", 0).replace(b"\x08\x00\x00\x00\x21", b"\x63\x00\x00\x00\x21"),
    "noise for deflate": _handmade(b"\xff" * 500, 500),
    "noise between": ZIPPED[:20] + b"\xff" * 30 + ZIPPED[50:],
    "path only": _zip(("../" * 500, b"")),
    "only pictures": _zip(("a.png", b"\x89PNG\r\n\x1a\n"), ("../../b.pdf", b"%PDF-")),
    "only laughs": _zip(("a.xml", XML["billion laughs"])),
    "lzma noise": _zip(("a.json", b"x" * 100), method=zipfile.ZIP_LZMA).replace(b"\x09\x04\x05\x00", b"\x09\x04\x00\x00"),
    "7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 50,
    "rar": b"Rar!\x1a\x07\x01\x00",
    "bzip2": bz2.compress(CONDITION),
    "xz": lzma.compress(CONDITION),
    "tar that ends early": _tar(_tarinfo("a.json", size=1_000_000)),
    "tar of links": _tar(_tarinfo("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"), _tarinfo("b", type=tarfile.LNKTYPE)),
    "tar with a device": _tar(_tarinfo("a", type=tarfile.CHRTYPE)),
    "tar with a bad sum": _tar(_tarinfo("a")).replace(b"ustar", b"ustar", 1)[:140] + b"xxxxxxx" + _tar(_tarinfo("a"))[147:],
    "tar with an endless name": _tarinfo("a", type=tarfile.GNUTYPE_LONGNAME, size=8_000_000_000).tobuf(tarfile.GNU_FORMAT),
    "tar with an endless header": _tarinfo("a", type=tarfile.XHDTYPE, size=8_000_000_000).tobuf(tarfile.GNU_FORMAT),
}  # fmt: skip
PACKED: dict[str, bytes] = {
    "gzip bomb": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _deflated(400_000_000, b"{"),
    "gzip bomb of one line": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _deflated(300_000_000, CONDITION + b"\n"),
    "gzip in gzip": gzip.compress(gzip.compress(CONDITION)),
    "gzip header only": b"\x1f\x8b",
    "gzip cut off": gzip.compress(CONDITION * 50)[:-12],
    "gzip of noise": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 200,
    "gzip of a tar bomb": gzip.compress(
        _tarinfo("a", type=tarfile.XHDTYPE, size=300_000_000).tobuf(tarfile.GNU_FORMAT) + bytes(300_000_000),
        1,
    ),
}
PACKED["gzip of a long tar header"] = _padded(PACKED["gzip of a tar bomb"])
JSON: dict[str, bytes] = {
    "empty": b"",
    "blanks": b" \r\n\t" * 1000,
    "deep lists": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 500_000,
    "deep in a resource": b'{"resourceType":"Patient","id":"a","x":' + b"[" * 100_000,
    **{f"bundle cut off at {n} eighths": BUNDLE[: len(BUNDLE) * n // 8] for n in range(1, 8)},
    "UTF-16": CONDITION.decode().encode("utf-16"),
    "NUL": b"\x00" * 1000,
    "a million empty entries": b'{"resourceType":"Bundle","entry":[' + b"{}," * 1_000_000 + b"{}]}",
    "a million short entries": b'{"resourceType":"Bundle","entry":[' + b'{"resource":{"a":1}},' * 1_000_000 + b"{}]}",
    "a million numbers for entries": b'{"resourceType":"Bundle","entry":[' + b"1," * 1_000_000 + b"1]}",
    "a million values in a resource": b'{"resourceType":"Basic","id":"1","x":[' + b'"aaaaaaaaaaa",' * 1_100_000 + b"0]}",
    "a million lists that are no JSON": b'{"resourceType":"Basic","x":[' + b"[],[]," * 1_000_000 + b"NaN",
    "60,000 broken lines": CONDITION + b"\n" + b'{"a"\n' * 60_000,
    "NUL inside": b'{"resource\x00Type":"Patient"',
    "number without end": b'{"n":' + b"9" * 1_000_000,
    "text without end": b'{"n":"' + b"x" * 5_000_000,
    "not FHIR": b'{"a":1}',
    "noise": bytes(range(128, 256)) * 100,
    "HL7 v2": b"MSH|^~\\&|",
    "PDF": b"%PDF-1.7",
    "RTF": b"{\\rtf1 hello}",
    "program": b"MZ" + b"\0" * 100,
}  # fmt: skip
TABLES: dict[str, bytes] = {
    "NUL": b"What,When\nA\x00B,2024\n" + b"\x00" * 1000,
    "only a header": b"What,When\n",
    "no such column": b"A,B\n1,2\n",
    "open quotation mark": b'What,When\n"A,2024\n' + b"B,2024\n" * 20,
    "quotation marks everywhere": b'What,When\n' + b'"' * 100_001 + b"\n",
    "line of 10 MB": b"What,When\n" + b"x" * 10_000_000 + b",2024\n",
    "header of 10 MB": b"What," + b"x" * 10_000_000,
    "formulas that are no dates": b'What,When\n=cmd|\'/C calc\'!A0,=HYPERLINK("http://127.0.0.1:9")\n',
    "a million commas": b"What,When\n" + b"," * 90_000 + b"x\n",
    "mixed encodings": "What,When\nGrün,x\n".encode() + "Grün,y\n".encode("latin-1"),
    "UTF-16 cut off": "What,When\nA,2024\n".encode("utf-16")[:-1][:25],
    "noise": bytes(range(128, 256)) * 100,
    "dates that never were": b"What,When\nA,2024-13-45\nB,99999-01-01\nC,0000-00-00\n",
}  # fmt: skip


def _cases(mapping: bool, *tables: tuple[str, dict[str, bytes]]) -> list[object]:
    return [
        pytest.param(content, mapping, id=f"{kind}: {name}")
        for kind, table in tables
        for name, content in table.items()
    ]


@pytest.mark.parametrize(
    ("content", "mapped"),
    [
        *_cases(False, ("xml", XML), ("archive", ARCHIVES), ("packed", PACKED), ("json", JSON)),
        *_cases(True, ("table", TABLES)),
    ],
)
def test_a_hostile_file_ends_in_a_sentence(
    tmp_path: Path, content: bytes, mapped: bool, request: pytest.FixtureRequest
) -> None:
    path, mapping = tmp_path / "a.bin", tmp_path / "m.toml"
    path.write_bytes(content)
    mapping.write_text(MAPPING)
    begun, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        found = read(path, mapping=mapping if mapped else None)
        list(found.resources())
    except (UnreadableFile, UsageError) as error:
        assert error.message.startswith(("a.bin", "The line of a.bin"))
        assert error.message.endswith(".")
        assert "\n" not in error.message
        assert "root:" not in f"{error.message}{error.hint}"
    else:
        assert found.problems or request.node.callspec.id in HARMLESS
        assert all("root:" not in one.reason for one in found.problems)
        assert b"root:x" not in b"".join(one.raw for one in found.resources())
    assert time.monotonic() - begun < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024 < MEGABYTES
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["a.bin", "m.toml"]


@pytest.mark.parametrize("step", [1, 7])
def test_a_good_file_cut_off_anywhere_is_read_or_refused(
    document: Callable[..., str], zipped: Callable[..., bytes], step: int
) -> None:
    whole = {1: zipped({"a.json": CONDITION, "b.json": b"{}"}), 7: document().encode()}[step]
    for end in range(0, len(whole), step):
        try:
            list(read(io.BytesIO(whole[:end]), name="x").resources())
        except PhrError as error:
            assert error.message


def test_a_good_file_with_one_byte_changed_is_read_or_refused(zipped: Callable[..., bytes]) -> None:
    whole = zipped({"a.json": CONDITION})
    for at in range(len(whole)):
        for change in (0x00, 0xFF, whole[at] ^ 0x01):
            try:
                list(read(io.BytesIO(whole[:at] + bytes([change]) + whole[at + 1 :]), name="x").resources())
            except PhrError as error:
                assert error.message


def test_archives_in_an_archive_draw_on_one_budget() -> None:
    found = read(io.BytesIO(_zip(*((f"{n}.zip", _HARMLESS) for n in range(20)), ("last.json", CONDITION))))

    assert [one.raw for one in found.resources()] == [CONDITION]
    assert sum("far more than its size" in one.reason for one in found.problems) > 20


@pytest.mark.parametrize(
    "content",
    [b".".join([b"a"] * 30_000), b"a = " + b"[" * 70_000, b"#" * 70_000],
    ids=["dots", "lists", "long"],
)
def test_a_hostile_mapping_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_bytes(content)
    begun = time.monotonic()
    with pytest.raises(UsageError, match="larger than any mapping"):
        read(io.BytesIO(b"What,When\nA,2024\n"), mapping=mapping)
    assert time.monotonic() - begun < 2

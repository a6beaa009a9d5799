"""Interrupted at any instant, the next run goes on where it was, and the result is as if nothing had happened."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from phr.store.store import Store
from phr.sync.desk import Desk
from phr.sync.pull import Pull

from .ward import NOW, Record, Ward, replace_clock


class Killed(BaseException):
    """The process ends here."""


def first_day(*, last_updated: bool) -> Ward:
    ward = Ward(
        last_updated=last_updated,
        ids=True,
        types=("Observation", "Condition", "Encounter", "DocumentReference"),
    )
    ward.put("Patient", "p", name=[{"text": "Ada Quill"}])
    for n in range(14):
        ward.put("Observation", f"o{n}", status="final", performer=[{"reference": f"Practitioner/d{n % 5}"}])
    for n in range(7):
        ward.put(
            "Condition",
            f"c{n}",
            code={"text": f"Condition {n}"},
            encounter={"reference": f"Encounter/e{n % 3}"},
        )
    for n in range(4):
        ward.put("Encounter", f"e{n}", status="finished")
    for n in range(5):
        ward.put("Practitioner", f"d{n}", name=[{"text": f"Dr. {n}"}])
    document = {"contentType": "text/plain", "url": "Binary/b"}
    ward.put("DocumentReference", "doc", content=[{"attachment": document}])
    ward.put("Binary", "b", contentType="text/plain", data="SGVsbG8=")
    return ward


def second_day(ward: Ward) -> None:
    """Something new, something changed, something gone, something hidden, something withdrawn."""
    changed = "2026-03-01T11:00:00Z"
    ward.put("Observation", "o1", changed, status="amended")
    ward.put("Observation", "o99", changed, status="final", performer=[{"reference": "Practitioner/new"}])
    ward.put("Practitioner", "new", changed, name=[{"text": "Dr. New"}])
    ward.put("Condition", "c2", changed, verificationStatus={"coding": [{"code": "entered-in-error"}]})
    ward.delete("Observation", "o3")
    ward.hidden.add(("Condition", "c5"))
    del ward.resources["Encounter", "e3"]
    ward.asked.clear()


class Scene:
    """A record after the first day, the second day's server, and what an undisturbed run makes of it."""

    def __init__(self, folder: Path, *, last_updated: bool, full: bool) -> None:
        self.folder, self.full = folder, full
        self.last_updated = last_updated
        self.start = Record(folder / "start.db")
        assert self.start.pull(first_day(last_updated=last_updated)).status == "completed"
        undisturbed, ward = self.record("undisturbed"), self.ward()
        run = undisturbed.pull(ward, full=full)
        assert run.status == "completed", run.skipped
        self.expected, self.requests = undisturbed.whole(), len(ward.asked)

    def ward(self) -> Ward:
        ward = first_day(last_updated=self.last_updated)
        second_day(ward)
        return ward

    def record(self, name: str) -> Record:
        path = self.folder / f"{name}.db"
        shutil.copy(self.start.path, path)
        return Record(path, now=replace_clock(NOW, hours=20))


def killed(
    monkeypatch: pytest.MonkeyPatch, record: Record, ward: Ward, where: str, at: int, **wish: Any
) -> bool:
    """Run until the `at`-th request or piece of writing, and end there as a process does that is killed."""
    count = [0]
    work = Desk._work

    def counted(self: Desk, *handed: Any) -> None:
        count[0] += 1
        if where == "before" and count[0] >= at:
            raise Killed
        work(self, *handed)
        if where == "after" and count[0] >= at:
            raise Killed

    def dies(number: int, _request: object) -> None:
        if where == "request" and number >= at:
            raise Killed

    ward.before = dies
    with monkeypatch.context() as patched:
        patched.setattr(Desk, "_work", counted)
        patched.setattr(Pull, "give_up", lambda *_: None)
        patched.setattr(
            Pull, "_finish", dead(Pull._finish, lambda: where == "request" and len(ward.asked) >= at)
        )
        try:
            record.pull(ward, **wish)
        except Killed:
            return True
        finally:
            ward.before = lambda _number, _request: None
            ward.asked.clear()
    return False


def dead(finish: Any, is_dead: Any) -> Any:
    """A process that was killed in the middle of a request writes nothing down any more."""

    def instead(self: Pull, store: Store, status: str, *rest: Any) -> Any:
        if is_dead() and status == "cancelled":
            raise Killed
        return finish(self, store, status, *rest)

    return instead


@pytest.fixture(scope="module", params=["by content", "by date", "full on wish"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    by_date = request.param != "by content"
    return Scene(tmp_path_factory.mktemp("scene"), last_updated=by_date, full=request.param == "full on wish")


def check(scene: Scene, monkeypatch: pytest.MonkeyPatch, points: int, seed: int) -> None:
    chance, died = random.Random(seed), 0
    for number in range(points):
        record, ward = scene.record(f"killed-{seed}-{number}"), scene.ward()
        deaths = []
        for _ in range(chance.choice((1, 1, 2, 3))):
            where = chance.choice(("request", "before", "after"))
            at = chance.randint(1, 2 * scene.requests)
            deaths.append((where, at))
            if not killed(monkeypatch, record, ward, where, at, full=scene.full):
                break
            died += 1
        run = record.pull(ward, full=scene.full)
        assert run.status == "completed", (seed, deaths, run.skipped, run.error)
        assert record.whole() == scene.expected, (seed, deaths)
        record.path.unlink()
    assert died >= points // 3, "most of them were to be interrupted"


def test_ten_interruptions_leave_no_trace(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    check(scene, monkeypatch, 10, seed=random.randrange(1_000_000))


@pytest.mark.full
def test_a_hundred_interruptions_leave_no_trace(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    check(scene, monkeypatch, 100, seed=random.randrange(1_000_000))

"""The questions of `phr visit`: noted, closed, taken away, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.cli import output
from phr.cli.text import clean, count

if TYPE_CHECKING:
    from phr.store.questions import Question
    from phr.store.store import Store


def ask(store: Store, text: str, who: str | None, *, json: bool) -> None:
    """Note a question for somebody, or for nobody in particular."""
    meant = _meant(store, who) if who else None
    found = store.questions.ask(text, who)
    if json:
        output.emit_json({"question": found.document()})
        return
    for_whom = f"for {clean(meant or who)}" if who else "for nobody in particular: it stands on every page"
    output.talk(f"Question {found.id} is noted, {for_whom}.")
    if who and meant is None:
        output.talk(f"Nobody in your record is called {clean(who)} so far; it waits for a page of that name.")


def _meant(store: Store, who: str) -> str | None:
    """How the one who is meant is called; None where nobody, or several, are."""
    from phr.errors import UsageError
    from phr.views.whom import whom

    try:
        return whom(store, who).name
    except UsageError as error:
        if not error.message.startswith("Nobody"):
            raise
        return None


def close(store: Store, number: int, words: list[str], *, json: bool) -> None:
    """Close a question, with what they said."""
    found = store.questions.answer(number, _answer(store, number, words))
    if json:
        output.emit_json({"question": found.document()})
    else:
        output.talk(f"Question {found.id} is closed{', with what they said' if found.answer else ''}.")


def _answer(store: Store, number: int, words: list[str]) -> str | None:
    """What they said: the last words, unless these only name who was asked (`phr visit "Dr. Martinez" --answered 2`)."""
    from phr.views.visit_names import words_of

    if not words:
        return None
    asked = store.questions.find(number).whom
    if len(words) == 1 and asked is not None and words_of(words[0]) == words_of(asked):
        return None
    return words[-1]


def take_away(store: Store, number: int, *, json: bool) -> None:
    """Take a question away."""
    found = store.questions.find(number)
    store.questions.remove(number)
    if json:
        output.emit_json({"removed": found.document()})
    else:
        output.talk(f"Question {number} is gone.")


def listed(store: Store, who: str | None, *, json: bool) -> None:
    """All questions; with a name those for them and for nobody in particular."""
    found = store.questions.all()
    if who:
        from phr.views.whom import whom

        meant = whom(store, who)
        found = [one for one in found if one.whom is None or meant.means(one.whom)]
    if json:
        output.emit_json({"questions": [one.document() for one in found]})
        return
    if not found:
        output.talk(
            'No question is noted. To note one: phr visit "Dr. Martinez" --ask "Can the dose be halved?"'
        )
        return
    output.emit(_lines(found, _groups(store, found)))


def _groups(store: Store, found: list[Question]) -> dict[str, str]:
    """By each name that was said who is meant: `Elena` and `Elena Martinez` are one."""
    from phr.errors import UsageError
    from phr.views.visit_people import known_people
    from phr.views.whom import whom

    named = {one.whom for one in found if one.whom}
    known = known_people(store) if len(named) > 1 else None
    told: dict[str, str] = {}
    for name in named if known else ():
        try:
            told[name] = whom(store, name, known).name
        except UsageError:
            told[name] = name
    # one name alone stays as it was said
    return {name: meant if list(told.values()).count(meant) > 1 else name for name, meant in told.items()}


def _lines(found: list[Question], meant: dict[str, str]) -> list[str]:
    from phr.cli.visit_screen import question_lines

    view = output.out()
    open_ = [one for one in found if not one.answered]
    closed = [one for one in found if one.answered]
    lines: list[str] = []
    groups: dict[str, list[Question]] = {}
    for one in open_:
        name = meant.get(one.whom, one.whom) if one.whom else None
        groups.setdefault(clean(name) or "For anybody", []).append(one)
    for name, questions in groups.items():
        lines.append(view.paint(view.spell(view.fit(name)), "bold"))
        for one in questions:
            lines += question_lines(one, view)
    if closed:
        lines.append(view.paint("Answered", "bold"))
        for one in closed:
            lines += question_lines(one, view, whom=True)
    lines.append(view.paint(f"{count(len(open_), 'open question')}.", "dim"))
    return lines

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from phr.smart.pkce import challenge_of, new_pkce, new_state


def test_the_challenge_is_the_one_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_verifier_is_long_enough_and_uses_only_allowed_characters() -> None:
    for _ in range(50):
        pair = new_pkce()
        assert re.fullmatch(r"[A-Za-z0-9\-._~]{43,128}", pair.verifier)
        assert pair.challenge == challenge_of(pair.verifier)


def test_nothing_is_ever_used_twice_or_shown() -> None:
    pairs = [new_pkce() for _ in range(20)]
    assert len({p.verifier for p in pairs}) == len({new_state() for _ in range(20)}) == 20
    assert pairs[0].verifier not in repr(pairs[0])


@given(st.text(alphabet="ABCabc019-._~", min_size=43, max_size=128))
def test_every_challenge_is_43_url_safe_characters(verifier: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge_of(verifier))

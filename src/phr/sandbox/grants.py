"""The nouns of the authorization server: a consent, what came of it, and an error of the token endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field


class OAuthError(Exception):
    """An error answer of the token endpoint (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(slots=True)
class Grant:
    """One consent: who, to which app, what. All tokens that come from it point here."""

    client_id: str
    patient: str | None
    """None for a machine, which sees everybody."""
    scopes: tuple[str, ...]
    nonce: str | None = None
    began: float | None = None
    """When the person agreed."""
    alive: bool = True
    parent: Grant | None = None
    """The consent that this one came of: a dynamic client lives as long as the sign-in that registered it."""
    refresh: str | None = field(default=None, repr=False)
    """Hash of the refresh token that is good now."""
    renewed: float | None = None
    """When it was last refreshed."""
    renewals: int = 0

    @property
    def app(self) -> str:
        """The client that the person agreed to, of which others may have come."""
        return self.parent.app if self.parent else self.client_id

    @property
    def lives(self) -> bool:
        return self.alive and (self.parent is None or self.parent.lives)


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token allows."""

    grant: Grant
    scopes: tuple[str, ...]
    expires: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the token endpoint hands out."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    grant: Grant
    first: bool
    """True for the answer to a code, which carries an id_token."""
    refresh_ends: float | None = None

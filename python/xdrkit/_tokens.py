"""Named tuples of `xdrkit.credentials`, whose making takes longer than all the rest of that module: made when first asked for."""

from __future__ import annotations

from typing import NamedTuple


class AccessToken(NamedTuple):
    """A token and when it ends, as azure-core has it."""

    token: str
    expires_on: int

    def __repr__(self) -> str:
        return f"AccessToken(token='…', expires_on={self.expires_on})"


class DeviceCode(NamedTuple):
    """What a user must be shown to sign in by device code."""

    message: str
    """A sentence with all that follows, in Entra's words."""
    user_code: str
    """The code to type in."""
    verification_uri: str
    """The page to type it into."""
    expires_in: int
    """Seconds until the code is void."""


class SignInPage(NamedTuple):
    """The page on which a user signs in."""

    url: str
    """Its address."""
    redirect_uri: str
    """Where the browser ends up after it."""
    note: str | None = None
    """Why the last answer was not the right one, if the user is asked again."""


for _made in (AccessToken, DeviceCode, SignInPage):
    _made.__module__ = "xdrkit.credentials"  # where they are public, and where pickle finds them

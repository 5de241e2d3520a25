"""Ways to sign in.

An application signs in with a secret, a user with a code that is typed into a browser elsewhere, and whoever has a
token at hand uses it. The work is done in Rust; these classes give it a Python shape that also fits other libraries:
each has ``get_token(*scopes)`` as azure-core expects, so that one of ours can be handed to an Azure SDK client, and any
azure-identity credential to `xdrkit.Client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _core

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol, Union

    class TokenCredential(Protocol):
        """Anything with ``get_token(*scopes)``, such as the classes of azure-identity."""

        def get_token(self, *scopes: str, **kwargs: Any) -> Any: ...

    #: A function that is given a scope and answers a token, or a token and when it ends (seconds since 1970).
    TokenFunction = Callable[[str], Any]
    CredentialLike = Union["Credential", TokenCredential, TokenFunction]

__all__ = [
    "AccessToken",
    "ClientSecretCredential",
    "Credential",
    "DeviceCode",
    "DeviceCodeCredential",
    "StaticTokenCredential",
]


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


class Credential:
    """What all credentials of xdrkit have in common. Make one of its subclasses."""

    _core: _core.Credential

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """A token for a scope, from the cache while it is good.

        Args:
            scopes: One scope, such as ``"https://graph.microsoft.com/.default"``.
            claims: What a service's challenge wants to be proven.
            tenant_id: Another tenant than the credential's own.
            enable_cae: Whether the caller can handle a challenge that revokes the token early.
            kwargs: Taken and left aside, as azure-core asks.

        Returns:
            The token and when it ends, in seconds since 1970.

        Raises:
            AuthenticationError: sign-in failed; its subclasses say whether another way may work.
        """
        given: dict[str, Any] = {"claims": claims, "tenant_id": tenant_id, "enable_cae": enable_cae or None}
        options = {name: value for name, value in given.items() if value is not None}
        return AccessToken(*self._core.get_token(list(scopes), options or None))

    def __repr__(self) -> str:
        return repr(self._core)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not pickled, since a secret would go with it: make it anew in the other process, "
            "from environment variables or a vault"
        )


class ClientSecretCredential(Credential):
    """An application with a client secret.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The app registration's id, a GUID.
        client_secret: The secret's value (not its id).
        authority: Where to sign in. Default: the public cloud, https://login.microsoftonline.com.
        options: `proxy` and `ca_bundle` as for a client; `trust_authority=True` for a login host that is not Microsoft's.

    Raises:
        ConfigurationError: a value cannot be right; it is named.
    """

    def __init__(
        self, tenant_id: str, client_id: str, client_secret: str, *, authority: str | None = None, **options: Any
    ) -> None:
        self._core = _core.Credential.client_secret(
            tenant_id, client_id, client_secret, _given(authority=authority, **options)
        )


class DeviceCodeCredential(Credential):
    """A user who signs in with a browser elsewhere, by typing in a short code.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The id of an app registration that allows public client flows, a GUID.
        prompt: Called with a `DeviceCode` when somebody has to sign in. Default: its message goes to standard error.
        authority: Where to sign in. Default: the public cloud, https://login.microsoftonline.com.
        options: `proxy` and `ca_bundle` as for a client; `trust_authority=True` for a login host that is not Microsoft's.

    Raises:
        ConfigurationError: a value cannot be right; it is named.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        prompt: Callable[[DeviceCode], object] | None = None,
        authority: str | None = None,
        **options: Any,
    ) -> None:
        def show(facts: dict[str, Any]) -> None:
            if prompt is None:
                show_on_stderr(facts)
            else:
                prompt(DeviceCode(**{name: facts[name] for name in DeviceCode._fields}))

        self._core = _core.Credential.device_code(tenant_id, client_id, show, _given(authority=authority, **options))


class StaticTokenCredential(Credential):
    """A token at hand. It is never renewed: when it ends, calls raise `UnauthorizedError`.

    Args:
        token: The access token for the service that will be called, without the word "Bearer".
    """

    def __init__(self, token: str) -> None:
        self._core = _core.Credential.static_token(token)


def show_on_stderr(facts: dict[str, Any]) -> None:
    """The prompt where none was given. Flushed: in a pipe or a runbook the user would otherwise see a code that is void."""
    import sys

    sys.stderr.write(f"{facts['message']}\n")
    sys.stderr.flush()


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def native(credential: CredentialLike | str) -> Any:
    """The form in which Rust takes a credential: ours unwrapped, anybody else's as it is."""
    return credential._core if isinstance(credential, Credential) else credential

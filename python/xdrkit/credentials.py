"""Ways to sign in, for applications and for people.

An application proves itself with a secret, a certificate, or a token that its platform gives it; a user signs in with a
browser, a code, a pasted address, or a password. The work is done in Rust; these classes give it a Python shape that also
fits other libraries: each has ``get_token(*scopes)`` and ``get_token_info(*scopes)`` as azure-core expects, so that one of
ours can be handed to an Azure SDK client (``.aio`` is the same for their async clients), and any azure-identity credential,
MSAL application or function to `xdrkit.Client`.

Secrets may be given as text, as bytes, as an object with ``get_secret_value()`` (pydantic's `SecretStr`), or as a function
that gives one of these. Text stays in Python's memory until its garbage is collected; what reaches Rust is wiped.
"""

from __future__ import annotations

from . import _core
from .errors import ConfigurationError

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import timedelta
    from types import TracebackType
    from typing import Any, Literal, NoReturn, Protocol, Union

    from typing_extensions import Self

    from ._tokens import AccessToken, DeviceCode, SignInPage

    class TokenCredential(Protocol):
        """Anything with ``get_token(*scopes)``, such as the classes of azure-identity."""

        def get_token(self, *scopes: str, **kwargs: Any) -> Any: ...

    class SecretHolder(Protocol):
        """Anything with ``get_secret_value()``, such as pydantic's `SecretStr`."""

        def get_secret_value(self) -> str: ...

    #: A function that is given a scope and answers a token, or a token and when it ends (seconds since 1970).
    TokenFunction = Callable[..., Any]
    CredentialLike = Union["Credential", TokenCredential, TokenFunction, Any]
    Secret = Union[str, bytes, bytearray, SecretHolder, Callable[[], Any]]
    Seconds = Union[float, timedelta]
    Path = Union[str, "os.PathLike[str]"]

__all__ = [
    "AccessToken",
    "AccessTokenInfo",
    "AsyncCredential",
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "CertificateCredential",
    "ChainedCredential",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "Credential",
    "DefaultCredential",
    "DeviceCode",
    "DeviceCodeCredential",
    "EnvironmentCredential",
    "GitHubActionsCredential",
    "InteractiveBrowserCredential",
    "ManagedIdentityCredential",
    "OnBehalfOfCredential",
    "PasteRedirectCredential",
    "PersistentCache",
    "SignInPage",
    "StaticTokenCredential",
    "UsernamePasswordCredential",
    "WorkloadIdentityCredential",
]

# What every credential may be told besides its own arguments.
_COMMON = ("authority", "cloud", "additionally_allowed_tenants", "trust_authority", "ca_bundle", "proxy", "user_agent")


class AccessTokenInfo:
    """A token with what is known about it, as azure-core has it."""

    def __init__(
        self,
        token: str,
        expires_on: int,
        *,
        token_type: str = "Bearer",  # noqa: S107 - no password, the kind of token
        refresh_on: int | None = None,
    ) -> None:
        self.token = token
        self.expires_on = expires_on
        self.token_type = token_type
        self.refresh_on = refresh_on

    def __repr__(self) -> str:
        return f"AccessTokenInfo(token='…', expires_on={self.expires_on}, refresh_on={self.refresh_on})"


class PersistentCache:
    """Remember a user between runs: one encrypted file for each account.

    What is kept is the refresh token, nothing of an application. Files are written whole or not at all, and processes that
    share an account take turns, so that a refresh token is redeemed once.

    Args:
        directory: Where the files lie. Default: `XDRKIT_CACHE_DIR`, or ``xdrkit`` in the user's cache directory.
        key: 32 bytes to encrypt with, for machines without a keyring. Default: a key in the system's keyring; where there is
            none, users are remembered in memory only, and a warning in the log says so.
        allow_unencrypted: Whether to write the files in plain where there is no keyring. They are readable by the owner alone.
    """

    def __init__(
        self, directory: Path | None = None, *, key: bytes | None = None, allow_unencrypted: bool = False
    ) -> None:
        self._options = {"directory": directory, "key": key, "allow_unencrypted": allow_unencrypted}

    def __repr__(self) -> str:
        return f"PersistentCache({str(self._options['directory'] or 'default')!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PersistentCache is not pickled, since its key would go with it")


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
            scopes: One scope, such as ``"https://graph.microsoft.com/.default"``; a user's credential takes several of one
                service.
            claims: What a service's challenge wants to be proven, JSON text.
            tenant_id: Another tenant than the credential's own; it has to be one of `additionally_allowed_tenants`.
            enable_cae: Whether the caller can handle a challenge that revokes the token early. The token then lives longer.
            kwargs: Taken and left aside, as azure-core asks.

        Returns:
            The token and when it ends, in seconds since 1970.

        Raises:
            AuthenticationError: sign-in failed; its subclasses say whether another way may work.
            InvalidArgumentError: the scope is none, or the tenant is not allowed; nothing was sent.
        """
        token, expires_on, _ = self._core.get_token(scopes, claims, tenant_id, enable_cae)
        return _access_token(token, expires_on)

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> AccessTokenInfo:
        """The same with the time at which the token should be renewed, as newer Azure SDK clients ask for it.

        Args:
            scopes: As for `get_token`.
            options: `claims`, `tenant_id` and `enable_cae`, as for `get_token`.
        """
        asked = options or {}
        token, expires_on, refresh_on = self._core.get_token(
            scopes, asked.get("claims"), asked.get("tenant_id"), bool(asked.get("enable_cae"))
        )
        return AccessTokenInfo(token, expires_on, refresh_on=refresh_on)

    @property
    def aio(self) -> AsyncCredential:
        """The same credential, with the same cache, for async Azure SDK clients."""
        return AsyncCredential(self)

    def accounts(self) -> list[dict[str, str]]:
        """Who is signed in or remembered: `username`, `tenant_id`, `home_account_id`, `authority`, `client_id`.

        Empty for an application.
        """
        return self._core.accounts()

    @property
    def tenant_id(self) -> str | None:
        """The tenant, if this credential has one."""
        return self._core.tenant_id

    @property
    def client_id(self) -> str | None:
        """The application, if this credential knows it."""
        return self._core.client_id

    def close(self) -> None:
        """Does nothing: connections end by themselves. Azure SDK clients call it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._core)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not pickled, since a secret would go with it: make it anew in the other process, "
            "from environment variables or a vault"
        )

    def _make(self, kind: str, common: Mapping[str, Any], **own: Any) -> None:
        for name in common:
            if name not in _COMMON and not name.startswith("_"):
                raise ConfigurationError(
                    f"{name}: is unknown to {type(self).__name__}; besides its own arguments it takes {', '.join(_COMMON)}",
                    argument=name,
                )
        given = {name: value for name, value in {**common, **own}.items() if value is not None}
        if isinstance(given.get("cache"), PersistentCache):
            given["cache"] = given["cache"]._options
        self._core = _core.Credential(kind, given)


class AsyncCredential:
    """A credential as async Azure SDK clients want it. Made by `Credential.aio`."""

    def __init__(self, credential: Credential) -> None:
        self._core = credential._core

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """As `Credential.get_token`."""
        token, expires_on, _ = await self._get(scopes, claims, tenant_id, enable_cae)
        return _access_token(token, expires_on)

    async def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> AccessTokenInfo:
        """As `Credential.get_token_info`."""
        asked = options or {}
        token, expires_on, refresh_on = await self._get(
            scopes, asked.get("claims"), asked.get("tenant_id"), bool(asked.get("enable_cae"))
        )
        return AccessTokenInfo(token, expires_on, refresh_on=refresh_on)

    async def _get(
        self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None, cae: bool
    ) -> tuple[str, int, int]:
        # A token that is there needs no trip through the event loop.
        cached = self._core.cached(scopes, claims, tenant_id, cae)
        return cached or await self._core.get_token_async(scopes, claims, tenant_id, cae)

    async def close(self) -> None:
        """Does nothing: connections end by themselves."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._core)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled, since a secret would go with it")


# ---- application context ----------------------------------------------------------------------------------------------


class ClientSecretCredential(Credential):
    """An application with a client secret.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The app registration's id, a GUID.
        client_secret: The secret's value (not its id).
        common: What every credential takes: `authority` (where to sign in; default: the cloud's), `cloud`,
            `additionally_allowed_tenants` (others than its own; ``["*"]`` for any), `trust_authority` (True takes a login
            host that is not Microsoft's), `ca_bundle`, `proxy` and `user_agent` as for a client.

    Raises:
        ConfigurationError: a value cannot be right; it is named.
    """

    def __init__(self, tenant_id: str, client_id: str, client_secret: Secret, **common: Any) -> None:
        self._make("client-secret", common, tenant_id=tenant_id, client_id=client_id, client_secret=client_secret)


class CertificateCredential(Credential):
    """An application with a certificate.

    The file is read again when it changes, so that a certificate is replaced without a restart.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The app registration's id, a GUID.
        certificate_path: A file with the certificate and its RSA key: PEM, or PFX (PKCS #12).
        certificate_data: The same as bytes, instead of a file.
        password: The password of the key.
        send_certificate_chain: Whether to send the certificate and those above it, for applications that trust a subject name
            and issuer.
        algorithm: ``"PS256"``, or ``"RS256"`` for login hosts that know nothing newer.
        thumbprint_sha1: Whether to name the certificate by its SHA-1 thumbprint, for the same hosts.
        common: As for `ClientSecretCredential`.

    Raises:
        ConfigurationError: the file cannot be read, the password is wrong, the key is not the certificate's, or no RSA key.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        certificate_path: Path | None = None,
        *,
        certificate_data: bytes | None = None,
        password: Secret | None = None,
        send_certificate_chain: bool = False,
        algorithm: Literal["PS256", "RS256"] = "PS256",
        thumbprint_sha1: bool = False,
        **common: Any,
    ) -> None:
        if (certificate_path is None) == (certificate_data is None):
            raise ConfigurationError(
                "certificate_path: give a file, or certificate_data with its content", argument="certificate_path"
            )
        self._make(
            "certificate",
            common,
            tenant_id=tenant_id,
            client_id=client_id,
            certificate_path=certificate_path,
            certificate_data=certificate_data,
            certificate_password=password,
            send_certificate_chain=send_certificate_chain,
            algorithm=algorithm,
            thumbprint_sha1=thumbprint_sha1,
        )


class ClientAssertionCredential(Credential):
    """An application with assertions that somebody else signs.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The app registration's id, a GUID.
        func: Gives an assertion, a JWT. It may be async. It is called anew for each token request, and what it gave is used
            once.
        common: As for `ClientSecretCredential`.
    """

    def __init__(
        self, tenant_id: str, client_id: str, func: Callable[[], str | bytes | Awaitable[str | bytes]], **common: Any
    ) -> None:
        self._make("client-assertion", common, tenant_id=tenant_id, client_id=client_id, assertion=func)


class WorkloadIdentityCredential(Credential):
    """An application with the token that Kubernetes, or another platform, keeps in a file.

    The file is read for each token request.

    Args:
        tenant_id: Default: `AZURE_TENANT_ID`.
        client_id: Default: `AZURE_CLIENT_ID`.
        token_file_path: Default: `AZURE_FEDERATED_TOKEN_FILE`.
        common: As for `ClientSecretCredential`.

    Raises:
        CredentialUnavailableError: when a token is wanted and a value is neither given nor in the environment, or there is
            no such file.
    """

    def __init__(
        self,
        tenant_id: str | None = None,
        client_id: str | None = None,
        token_file_path: Path | None = None,
        **common: Any,
    ) -> None:
        self._make(
            "workload-identity", common, tenant_id=tenant_id, client_id=client_id, token_file_path=token_file_path
        )


class GitHubActionsCredential(Credential):
    """An application that a GitHub Actions job stands for; the job needs ``permissions: id-token: write``.

    A new GitHub token is fetched for each token request, since they live minutes.

    Args:
        tenant_id: Default: `AZURE_TENANT_ID`.
        client_id: Default: `AZURE_CLIENT_ID`.
        audience: The audience of GitHub's token. Default: ``"api://AzureADTokenExchange"``, which Entra expects.
        common: As for `ClientSecretCredential`.

    Raises:
        CredentialUnavailableError: when a token is wanted and this is no GitHub Actions job, or it lacks the permission.
    """

    def __init__(
        self, tenant_id: str | None = None, client_id: str | None = None, *, audience: str | None = None, **common: Any
    ) -> None:
        self._make("github-actions", common, tenant_id=tenant_id, client_id=client_id, audience_of_assertion=audience)


class AzurePipelinesCredential(Credential):
    """An application that a service connection of Azure Pipelines stands for.

    Args:
        tenant_id: Default: `AZURESUBSCRIPTION_TENANT_ID`, which the AzureCLI and AzurePowerShell tasks set.
        client_id: Default: `AZURESUBSCRIPTION_CLIENT_ID`.
        service_connection_id: The connection's resource id. Default: `AZURESUBSCRIPTION_SERVICE_CONNECTION_ID`.
        system_access_token: The job's ``$(System.AccessToken)``. Default: `SYSTEM_ACCESSTOKEN`.
        common: As for `ClientSecretCredential`.

    Raises:
        CredentialUnavailableError: when a token is wanted and a value is neither given nor in the environment.
    """

    def __init__(
        self,
        tenant_id: str | None = None,
        client_id: str | None = None,
        service_connection_id: str | None = None,
        system_access_token: Secret | None = None,
        **common: Any,
    ) -> None:
        self._make(
            "azure-pipelines",
            common,
            tenant_id=tenant_id,
            client_id=client_id,
            service_connection_id=service_connection_id,
            system_access_token=system_access_token,
        )


class ManagedIdentityCredential(Credential):
    """The identity of the machine or service that this program runs on.

    Virtual machines, App Service, Functions, Container Apps, Azure Automation (cloud and hybrid workers), Azure Machine
    Learning, Azure Arc and Cloud Shell are told apart by their environment.

    Args:
        client_id: A user-assigned identity by its client id. Default: the system-assigned one.
        object_id: The same by its object (principal) id.
        resource_id: The same by its Azure resource id.
        common: As for `ClientSecretCredential`.

    Raises:
        ConfigurationError: more than one id was given, or one that cannot be right.
        CredentialUnavailableError: when a token is wanted and there is no such identity here.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        object_id: str | None = None,
        resource_id: str | None = None,
        **common: Any,
    ) -> None:
        self._make("managed-identity", common, client_id=client_id, object_id=object_id, resource_id=resource_id)


class EnvironmentCredential(Credential):
    """What the environment names: `AZURE_TENANT_ID` and `AZURE_CLIENT_ID`, with a secret, a certificate or a user.

    `AZURE_CLIENT_SECRET`; or `AZURE_CLIENT_CERTIFICATE_PATH` (`AZURE_CLIENT_CERTIFICATE_PASSWORD`,
    `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN`: 1, true or yes); or `AZURE_USERNAME` and `AZURE_PASSWORD`. `AZURE_AUTHORITY_HOST`
    says where. The prefixes `XDRKIT_` and `DEFENDER_` are looked at first; an empty variable counts as absent.

    Raises:
        CredentialUnavailableError: when a token is wanted and the environment names nothing whole.
    """

    def __init__(self, **common: Any) -> None:
        self._make("environment", common)


class OnBehalfOfCredential(Credential):
    """A service that acts for the user who called it.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The service's app registration.
        user_assertion: The access token that the user sent to the service.
        client_secret: What proves the service: its secret,
        certificate_path: or its certificate (PEM or PFX file),
        certificate_data: or the same as bytes,
        client_assertion_func: or a function that gives assertions.
        password: The password of the certificate's key.
        send_certificate_chain: As for `CertificateCredential`.
        common: As for `ClientSecretCredential`.

    Raises:
        InteractionRequiredError: when a token is wanted and the user has to prove more; `claims` says what.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        user_assertion: Secret,
        client_secret: Secret | None = None,
        certificate_path: Path | None = None,
        certificate_data: bytes | None = None,
        client_assertion_func: Callable[[], str | bytes | Awaitable[str | bytes]] | None = None,
        password: Secret | None = None,
        send_certificate_chain: bool = False,
        **common: Any,
    ) -> None:
        self._make(
            "on-behalf-of",
            common,
            tenant_id=tenant_id,
            client_id=client_id,
            user_assertion=user_assertion,
            client_secret=client_secret,
            certificate_path=certificate_path,
            certificate_data=certificate_data,
            assertion=client_assertion_func,
            certificate_password=password,
            send_certificate_chain=send_certificate_chain,
        )


# ---- user context -----------------------------------------------------------------------------------------------------


class InteractiveBrowserCredential(Credential):
    """A user who signs in with a browser on this computer.

    The address of the page is always shown as well. Where no browser can be opened, the next way is taken within a second; in
    a remote notebook or over SSH, where "this computer" is another one, the address is pasted from the start.

    Args:
        tenant_id: The tenant: a GUID or one of its domains. Default: any organization's.
        client_id: The id of an app registration with the redirect URI ``http://localhost`` for mobile and desktop
            applications, a GUID.
        redirect_uri: Another one that is registered, on this computer. Default: ``http://localhost`` with a free port.
        login_hint: The user name to fill in.
        domain_hint: The domain whose sign-in page to show.
        prompt: ``"login"``, ``"select_account"`` or ``"consent"``: what to ask even who is signed in already.
        timeout: Seconds until nobody is expected any more. Default: 300.
        fallback: What to do where no browser can be opened: ``"paste"``, ``"device-code"`` or ``"none"``.
        open_browser: Called with a `SignInPage` instead of opening a browser; answers whether it did.
        cache: A `PersistentCache` to remember the user. Default: in memory.
        common: As for `ClientSecretCredential`.
    """

    def __init__(
        self,
        tenant_id: str | None = None,
        client_id: str | None = None,
        *,
        redirect_uri: str | None = None,
        login_hint: str | None = None,
        domain_hint: str | None = None,
        prompt: Literal["login", "select_account", "consent"] | None = None,
        timeout: Seconds | None = None,
        fallback: Literal["paste", "device-code", "none"] = "paste",
        open_browser: Callable[[SignInPage], bool] | None = None,
        cache: PersistentCache | None = None,
        **common: Any,
    ) -> None:
        self._make(
            "browser",
            common,
            tenant_id=tenant_id,
            client_id=client_id,
            redirect_uri=redirect_uri,
            login_hint=login_hint,
            domain_hint=domain_hint,
            prompt=prompt,
            sign_in_timeout=timeout,
            fallback=fallback,
            open_page=open_browser,
            cache=cache,
        )


class DeviceCodeCredential(Credential):
    """A user who signs in with a browser elsewhere, by typing in a short code.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The id of an app registration that allows public client flows, a GUID.
        prompt: Called with a `DeviceCode` when somebody has to sign in. Default: a card in a notebook, and its message on
            standard error elsewhere.
        cache: A `PersistentCache` to remember the user. Default: in memory.
        common: As for `ClientSecretCredential`.

    Raises:
        ConfigurationError: a value cannot be right; it is named.
    """

    def __init__(
        self,
        tenant_id: str | None = None,
        client_id: str | None = None,
        *,
        prompt: Callable[[DeviceCode], object] | None = None,
        cache: PersistentCache | None = None,
        **common: Any,
    ) -> None:
        self._make("device-code", common, tenant_id=tenant_id, client_id=client_id, show_code=prompt, cache=cache)


class PasteRedirectCredential(Credential):
    """A user who signs in with any browser and pastes the address that it ended on.

    For remote notebooks where no browser reaches this computer and device codes are blocked: it needs neither an open port nor
    a device code. The page at the end is blank or fails to load; its address is what counts, and it is good for this
    sign-in only. Never paste such an address anywhere else.

    Args:
        tenant_id: The tenant: a GUID or one of its domains. Default: any organization's.
        client_id: The id of an app registration for mobile and desktop applications, a GUID.
        redirect_uri: A registered one. Default: the login host's own page for native applications,
            ``https://login.microsoftonline.com/common/oauth2/nativeclient``.
        login_hint: The user name to fill in.
        domain_hint: The domain whose sign-in page to show.
        ask: Called with a `SignInPage`; answers the pasted address. Default: shows the page and asks for input.
        cache: A `PersistentCache` to remember the user. Default: in memory.
        common: As for `ClientSecretCredential`.
    """

    def __init__(
        self,
        tenant_id: str | None = None,
        client_id: str | None = None,
        *,
        redirect_uri: str | None = None,
        login_hint: str | None = None,
        domain_hint: str | None = None,
        ask: Callable[[SignInPage], str] | None = None,
        cache: PersistentCache | None = None,
        **common: Any,
    ) -> None:
        self._make(
            "paste",
            common,
            tenant_id=tenant_id,
            client_id=client_id,
            redirect_uri=redirect_uri,
            login_hint=login_hint,
            domain_hint=domain_hint,
            ask=ask,
            cache=cache,
        )


class UsernamePasswordCredential(Credential):
    """A user whose name and password the program knows. Take another way if there is one.

    It works for accounts that the tenant itself manages and that need no second factor; a warning in the log says so.
    Microsoft advises against it.

    Args:
        tenant_id: The tenant: a GUID or one of its domains.
        client_id: The id of an app registration that allows public client flows, a GUID.
        username: The user principal name.
        password: The password.
        cache: A `PersistentCache` to remember the user. Default: in memory.
        common: As for `ClientSecretCredential`.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        username: str,
        password: Secret,
        *,
        cache: PersistentCache | None = None,
        **common: Any,
    ) -> None:
        self._make(
            "username-password",
            common,
            tenant_id=tenant_id,
            client_id=client_id,
            username=username,
            password=password,
            cache=cache,
        )


# ---- tools, chains, tokens at hand ------------------------------------------------------------------------------------


class AzureCliCredential(Credential):
    """Whoever is signed in to the Azure CLI (``az login``).

    Args:
        tenant_id: A tenant other than the CLI's present one.
        subscription: A subscription's id or name, whose tenant and user are meant.
        process_timeout: Seconds that ``az`` may take. Default: 30.
        common: As for `ClientSecretCredential`.

    Raises:
        CredentialUnavailableError: when a token is wanted and there is no ``az``, or nobody is signed in.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        subscription: str | None = None,
        process_timeout: Seconds | None = None,
        **common: Any,
    ) -> None:
        self._make("azure-cli", common, tenant_id=tenant_id, subscription=subscription, process_timeout=process_timeout)


class AzureDeveloperCliCredential(Credential):
    """Whoever is signed in to the Azure Developer CLI (``azd auth login``). Arguments as for `AzureCliCredential`."""

    def __init__(self, *, tenant_id: str | None = None, process_timeout: Seconds | None = None, **common: Any) -> None:
        self._make("azure-developer-cli", common, tenant_id=tenant_id, process_timeout=process_timeout)


class AzurePowerShellCredential(Credential):
    """Whoever is signed in to Azure PowerShell (``Connect-AzAccount``). Arguments as for `AzureCliCredential`."""

    def __init__(self, *, tenant_id: str | None = None, process_timeout: Seconds | None = None, **common: Any) -> None:
        self._make("azure-powershell", common, tenant_id=tenant_id, process_timeout=process_timeout)


class ChainedCredential(Credential):
    """Several credentials, tried in order until one is available here.

    It goes on when a credential says that it is not available, and stops when one fails to sign in. The one that worked is
    kept.

    Args:
        credentials: At least one, of ours or of anybody's.

    Raises:
        CredentialUnavailableError: when a token is wanted and none is available; the message tells why for each.
    """

    def __init__(self, *credentials: CredentialLike) -> None:
        self._make("chain", {}, members=[native(c) for c in credentials])


class DefaultCredential(Credential):
    """The first that is available of: environment, workload identity, managed identity, Azure CLI, azd, Azure PowerShell.

    Never asks anybody, unless told to. `AZURE_TOKEN_CREDENTIALS` narrows it down: ``prod``, ``dev``, or one class's name.

    Args:
        interactive: Whether to open a browser when nothing else is available; `client_id` names the app registration.
        tenant_id: The tenant, for those that have none of their own.
        client_id: The app registration of the browser's sign-in, or the user-assigned managed identity.
        common: As for `ClientSecretCredential`.

    Raises:
        CredentialUnavailableError: when a token is wanted and none is available; the message tells why for each.
    """

    def __init__(
        self, *, interactive: bool = False, tenant_id: str | None = None, client_id: str | None = None, **common: Any
    ) -> None:
        self._make("default", common, interactive=interactive, tenant_id=tenant_id, client_id=client_id)


class StaticTokenCredential(Credential):
    """A token at hand. It is never renewed: when it ends, calls raise `InteractionRequiredError`.

    Args:
        token: The access token for the service that will be called, without the word "Bearer".
    """

    def __init__(self, token: Secret) -> None:
        self._make("static-token", {}, token=token)


def native(credential: CredentialLike | str) -> Any:
    """The form in which Rust takes a credential: ours unwrapped, anybody else's as it is."""
    return credential._core if isinstance(credential, (Credential, AsyncCredential)) else credential


def _access_token(token: str, expires_on: int) -> AccessToken:
    from ._tokens import AccessToken

    return AccessToken(token, expires_on)


def __getattr__(name: str) -> Any:
    if name in ("AccessToken", "DeviceCode", "SignInPage"):
        from . import _tokens

        found = globals()[name] = getattr(_tokens, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

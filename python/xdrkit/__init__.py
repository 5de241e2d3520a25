"""Hunt and respond with Microsoft Defender XDR and Defender for Endpoint.

    import xdrkit

    with xdrkit.sandbox() as sb, sb.client() as client:
        for row in client.hunt("DeviceProcessEvents | where FileName =~ 'powershell.exe' | take 5"):
            print(row["Timestamp"], row["DeviceName"])

Put `xdrkit.Client()` in place of `sb.client()` for a tenant of your own.
"""

from __future__ import annotations

from . import errors
from ._client import Client
from ._core import __version__, operations
from .errors import (
    ActionFailedError,
    ActionOutcomeUnknownError,
    ActionRefusedError,
    ApiError,
    AuthenticationError,
    BadRequestError,
    BadResponseError,
    CassetteError,
    ClosedError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    ConnectionLostError,
    CredentialUnavailableError,
    DeadlineExceededError,
    FileError,
    InteractionRequiredError,
    InternalError,
    InvalidArgumentError,
    LegacyHuntingWarning,
    LimitExceededError,
    NotFoundError,
    PagingError,
    PartialFailureError,
    PartialResultError,
    PartialResultWarning,
    PermissionDeniedError,
    QueryError,
    ServiceError,
    ThrottledError,
    TruncatedResultWarning,
    UnauthorizedError,
    UnknownOperationError,
    UnsafeUrlError,
    XdrError,
)

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from . import credentials, kql
    from ._async_client import AsyncClient
    from ._cache import HuntCache
    from ._filter import Filter, field
    from ._indicator_plan import IndicatorChange, IndicatorPlan
    from ._indicators import infer_type
    from ._permissions import Permissions, permissions_for, permissions_for_script
    from ._policy import Outcome, Outcomes, Plan
    from ._sandbox import Sandbox, sandbox
    from ._stitched import HuntPlan
    from ._worlds import record_world
    from .credentials import (
        AccessToken,
        AccessTokenInfo,
        AsyncCredential,
        AzureCliCredential,
        AzureDeveloperCliCredential,
        AzurePipelinesCredential,
        AzurePowerShellCredential,
        CertificateCredential,
        ChainedCredential,
        ClientAssertionCredential,
        ClientSecretCredential,
        Credential,
        DefaultCredential,
        DeviceCode,
        DeviceCodeCredential,
        EnvironmentCredential,
        GitHubActionsCredential,
        InteractiveBrowserCredential,
        ManagedIdentityCredential,
        OnBehalfOfCredential,
        PasteRedirectCredential,
        PersistentCache,
        SignInPage,
        StaticTokenCredential,
        UsernamePasswordCredential,
        WorkloadIdentityCredential,
    )
    from .results import AsyncPages, HuntResult, Pages

__all__ = [
    "AccessToken",
    "AccessTokenInfo",
    "ActionFailedError",
    "ActionOutcomeUnknownError",
    "ActionRefusedError",
    "ApiError",
    "AsyncClient",
    "AsyncCredential",
    "AsyncPages",
    "AuthenticationError",
    "AzureCliCredential",
    "AzureDeveloperCliCredential",
    "AzurePipelinesCredential",
    "AzurePowerShellCredential",
    "BadRequestError",
    "BadResponseError",
    "CassetteError",
    "CertificateCredential",
    "ChainedCredential",
    "Client",
    "ClientAssertionCredential",
    "ClientSecretCredential",
    "ClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "Credential",
    "CredentialUnavailableError",
    "DeadlineExceededError",
    "DefaultCredential",
    "DeviceCode",
    "DeviceCodeCredential",
    "EnvironmentCredential",
    "FileError",
    "Filter",
    "GitHubActionsCredential",
    "HuntCache",
    "HuntPlan",
    "HuntResult",
    "IndicatorChange",
    "IndicatorPlan",
    "InteractionRequiredError",
    "InteractiveBrowserCredential",
    "InternalError",
    "InvalidArgumentError",
    "LegacyHuntingWarning",
    "LimitExceededError",
    "ManagedIdentityCredential",
    "NotFoundError",
    "OnBehalfOfCredential",
    "Outcome",
    "Outcomes",
    "Pages",
    "PagingError",
    "PartialFailureError",
    "PartialResultError",
    "PartialResultWarning",
    "PasteRedirectCredential",
    "PermissionDeniedError",
    "Permissions",
    "PersistentCache",
    "Plan",
    "QueryError",
    "Sandbox",
    "ServiceError",
    "SignInPage",
    "StaticTokenCredential",
    "ThrottledError",
    "TruncatedResultWarning",
    "UnauthorizedError",
    "UnknownOperationError",
    "UnsafeUrlError",
    "UsernamePasswordCredential",
    "WorkloadIdentityCredential",
    "XdrError",
    "__version__",
    "credentials",
    "errors",
    "field",
    "infer_type",
    "kql",
    "operations",
    "permissions_for",
    "permissions_for_script",
    "record_world",
    "sandbox",
]

# Those who never use it do not pay for it: module to names.
_LATER = {
    "_async_client": ("AsyncClient",),
    "_cache": ("HuntCache",),
    "_filter": ("Filter", "field"),
    "_indicator_plan": ("IndicatorChange", "IndicatorPlan"),
    "_indicators": ("infer_type",),
    "_permissions": ("Permissions", "permissions_for", "permissions_for_script"),
    "_policy": ("Outcome", "Outcomes", "Plan"),
    "_sandbox": ("Sandbox", "sandbox"),
    "_stitched": ("HuntPlan",),
    "_worlds": ("record_world",),
    "credentials": (
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
    ),
    "results": ("AsyncPages", "HuntResult", "Pages"),
}
_MODULES = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("credentials", "kql"):
        return import_module(f".{name}", __name__)
    if (module := _MODULES.get(name)) is not None:
        found = globals()[name] = getattr(import_module(f".{module}", __name__), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

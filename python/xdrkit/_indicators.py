"""Indicators before they are sent: what a value is, whether it is allowed, and what an item says, in the service's words.

A batch of 500 is refused by the service for one wrong item, or worse, taken: a domain that is meant as a URL never
matches. So everything that can be known here is checked here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._time import iso, ticks
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any, Callable, Literal, NoReturn, TypedDict, Union

    from ._time import Moment

    IndicatorType = Literal[
        "FileSha1", "FileSha256", "FileMd5", "IpAddress", "DomainName", "Url", "CertificateThumbprint"
    ]

    class IndicatorItem(TypedDict, total=False):
        """An indicator as it is given: the arguments of `indicators.upsert`, of which only `value` must be there."""

        value: str
        type: str
        action: str
        title: str
        description: str
        expires: Moment
        severity: str
        recommended_actions: str
        rbac_group_names: list[str]
        rbac_group_ids: list[str]
        external_id: str
        educate_url: str
        generate_alert: bool

    # What stands for an indicator: its value, its value and type, or a dict.
    Given = Union[str, tuple[str, str], Mapping[str, Any]]

_FILES = ("FileSha1", "FileSha256", "FileMd5")
_NETWORK = ("IpAddress", "DomainName", "Url")
_TYPES = (*_FILES, *_NETWORK, "CertificateThumbprint")
_LENGTHS = {"FileMd5": 32, "FileSha1": 40, "FileSha256": 64, "CertificateThumbprint": 40}
_SEVERITIES = ("Informational", "Low", "Medium", "High")
_ACTIONS = {
    **dict.fromkeys(_FILES, ("Allowed", "Audit", "Warn", "Block", "BlockAndRemediate")),
    **dict.fromkeys(_NETWORK, ("Allowed", "Audit", "Warn", "Block")),
    "CertificateThumbprint": ("Allowed", "Block", "BlockAndRemediate"),
}
_GONE = {"Alert": '"Audit" with generate_alert=True', "AlertAndBlock": '"Block" with generate_alert=True'}
_WIRE = {
    "value": "indicatorValue",
    "type": "indicatorType",
    "action": "action",
    "title": "title",
    "description": "description",
    "application": "application",
    "expires": "expirationTime",
    "severity": "severity",
    "recommended_actions": "recommendedActions",
    "rbac_group_names": "rbacGroupNames",
    "rbac_group_ids": "rbacGroupIds",
    "external_id": "externalId",
    "educate_url": "educateUrl",
    "generate_alert": "generateAlert",
}
_SET_BY_THE_SERVICE = (
    "id",
    "createdBy",
    "createdByDisplayName",
    "createdBySource",
    "creationTimeDateTimeUtc",
    "lastUpdateTime",
    "lastUpdatedBy",
    "sourceType",
    "source",
    "category",
    "version",
)
# Also taken as they are: the rest of what an indicator has.
_OTHERS = (
    "bypassDurationHours",
    "certificateInfo",
    "notificationId",
    "notificationBody",
    "mitreTechniques",
    "historicalDetection",
    "lookBackPeriod",
    "additionalInfo",
)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


_KNOWN = {
    **{_plain(name): name for name in _OTHERS},
    **{_plain(name): wire for name, wire in _WIRE.items()},
    **{_plain(wire): wire for wire in _WIRE.values()},
}
_LEFT_OUT = {_plain(name) for name in _SET_BY_THE_SERVICE}
_SPOKEN = {wire: name for name, wire in _WIRE.items()}

_HEX = re.compile(r"[0-9A-Fa-f]+")
_PAIRS = re.compile(r"[0-9A-Fa-f]{2}([: ][0-9A-Fa-f]{2}){19}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LABEL = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?")
_DEFANGED = re.compile(
    r"^\s*(?:hxxp|h\*\*p|htxp|meow|fxp)s?(?=\[?:)|\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\[:\]|\[://\]|\[/\]|\[@\]",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"\s+from now$|^in\s+|^\+\s*", re.IGNORECASE)


def refanged(value: str) -> str:
    """A value that was made harmless for reading (``hxxp://evil[.]example``), as it was."""
    text = re.sub(r"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)", ".", value.strip(), flags=re.IGNORECASE)
    text = text.replace("[://]", "://").replace("[:]", ":").replace("[/]", "/").replace("[@]", "@")
    text = re.sub(r"^(?:hxxp|h\*\*p|htxp|meow)(s?)(?=:)", r"http\1", text, flags=re.IGNORECASE)
    return re.sub(r"^fxp(s?)(?=:)", r"ftp\1", text, flags=re.IGNORECASE)


def infer_type(value: str, *, refang: bool = False) -> IndicatorType:
    """What an indicator's value is.

    Hashes go by their length, and 40 digits are a file's SHA-1: a certificate's thumbprint is as long, so that one must be
    named by its type, or be written as certificate programs do (``AA:BB:…``), or be the certificate itself (PEM).

    Args:
        value: The value.
        refang: Whether a value that was made harmless (``hxxp://``, ``1.2.3[.]4``) is taken as what it was.

    Returns:
        One of `FileMd5`, `FileSha1`, `FileSha256`, `IpAddress`, `DomainName`, `Url`, `CertificateThumbprint`.

    Raises:
        InvalidArgumentError: it is none of them, or a range, a wildcard, a port.
    """
    kind: IndicatorType = normalized(value, None, refang=refang)[1]
    return kind


def normalized(value: Any, given: str | None, *, refang: bool = False) -> tuple[str, Any]:
    """The value as it is sent, and its type; both checked."""
    if not isinstance(value, str):
        raise _wrong("value", f"{value!r} is no text")
    text = value.strip()
    if not text:
        raise _wrong("value", "is empty" if not value else "is blank")
    if _DEFANGED.search(text):
        if not refang:
            raise _wrong(
                "value",
                f"{_cut(text)} was made harmless for reading, so it would match nothing",
                hint=f"refang=True takes it as {_cut(refanged(text))}",
            )
        text = refanged(text)
    kind = _inferred(text) if given is None else _member("type", given, _TYPES)
    return _CHECKS[kind](text, kind), kind


def _inferred(text: str) -> str:
    if text.startswith("-----BEGIN CERTIFICATE") or _PAIRS.fullmatch(text):
        return "CertificateThumbprint"
    if _HEX.fullmatch(text):
        for kind in _FILES:
            if len(text) == _LENGTHS[kind]:
                return kind
        if len(text) >= 24:
            raise _wrong(
                "value",
                f"{_cut(text)} has {len(text)} hexadecimal digits; MD5 has 32, SHA-1 40 and SHA-256 64",
            )
    if _SCHEME.match(text):
        return "Url"
    if _ip(text) is not None:
        return "IpAddress"
    if "/" in text:
        return _slashed(text)
    return "DomainName"


def _slashed(text: str) -> NoReturn:
    host, _, rest = text.partition("/")
    if _ip(host) is not None and rest.isdigit():
        raise _wrong("value", f"{_cut(text)} is a range; the service takes single addresses", hint=_RANGES)
    raise _wrong(
        "value",
        f"{_cut(text)} has a path but no scheme",
        hint=f"a URL begins with its scheme: {_cut('https://' + text)}; or name the domain alone",
    )


_RANGES = "list its addresses, such as with ipaddress.ip_network(value).hosts(), if they are few"


def _ip(text: str) -> Any:
    import ipaddress

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _check_hash(text: str, kind: str) -> str:
    if kind == "CertificateThumbprint":
        text = _thumbprint(text)
    if not _HEX.fullmatch(text) or len(text) != _LENGTHS[kind]:
        n = len(text)
        other = next((k for k in _FILES if _LENGTHS[k] == n and _HEX.fullmatch(text)), None)
        guess = f"; it looks like {other}" if other and kind != "CertificateThumbprint" else ""
        raise _wrong("value", f"{_cut(text)} is no {kind}, which is {_LENGTHS[kind]} hexadecimal digits{guess}")
    return text.lower()


def _thumbprint(text: str) -> str:
    if not text.startswith("-----BEGIN CERTIFICATE"):
        return text.replace(":", "").replace(" ", "")
    import base64
    import binascii
    import hashlib

    body = (
        text.partition("-----END")[0].partition("-----\n")[2] or text.partition("-----END")[0].partition("-----\r\n")[2]
    )
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if not der:
        raise _wrong("value", "is no certificate that can be read: PEM has base64 between its two lines")
    # The thumbprint is SHA-1 by definition; it names a certificate and protects nothing.
    return hashlib.sha1(der, usedforsecurity=False).hexdigest()


def _check_ip(text: str, kind: str) -> str:
    address = _ip(text)
    if address is None and "/" in text:
        raise _wrong("value", f"{_cut(text)} is a range; the service takes single addresses", hint=_RANGES)
    if address is None:
        raise _wrong("value", f"{_cut(text)} is no IP address")
    if "%" in text:
        raise _wrong("value", f"{_cut(text)} names an interface, which means something on one machine only")
    if address.is_unspecified or address.is_loopback:
        raise _wrong("value", f"{_cut(text)} is an address of every machine's own")
    return str(address)


def _check_domain(text: str, kind: str) -> str:
    if "*" in text:
        raise _wrong(
            "value",
            f"{_cut(text)} has a wildcard; the service takes none",
            hint="a domain covers what is below it",
        )
    if _SCHEME.match(text) or "/" in text:
        raise _wrong("value", f"{_cut(text)} is no domain", hint='a value with a scheme or a path has the type "Url"')
    if _ip(text) is not None:
        raise _wrong("value", f"{_cut(text)} is no domain", hint='its type is "IpAddress"')
    if ":" in text or "@" in text:
        raise _wrong("value", f"{_cut(text)} is no domain: it has a {'port' if ':' in text else 'user'}")
    name = _ascii(text.rstrip(".")).lower()
    labels = name.split(".")
    fits = len(name) <= 253 and len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)
    if not fits or labels[-1].isdigit():
        raise _wrong(
            "value",
            f"{_cut(text)} is no hash, IP address, domain or URL"
            if len(labels) < 2
            else f"{_cut(text)} is no domain name",
        )
    return name


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise _wrong("value", f"{_cut(name)} is no domain name") from None


def _check_url(text: str, kind: str) -> str:
    from urllib.parse import urlsplit

    found = _SCHEME.match(text)
    if not found:
        raise _wrong("value", f"{_cut(text)} has no scheme", hint=f"a URL begins with one: {_cut('https://' + text)}")
    if any(c.isspace() or ord(c) < 32 for c in text):
        raise _wrong("value", f"{_cut(text)} has white space in it; in a URL that is %20")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise _wrong("value", f"{_cut(text)} is no URL: {error}") from None
    if "*" in host:
        raise _wrong("value", f"{_cut(text)} has a wildcard; the service takes none")
    if parts.username is not None or parts.password is not None:
        raise _wrong("value", f"{_cut(parts.scheme + '://…@' + host)} has a user or a password in it")
    if not host:
        raise _wrong("value", f"{_cut(text)} names no host")
    if _ip(host) is None:
        ascii_host = _check_domain(host, kind)
        at = text.index("//") + 2
        text = text[:at] + ascii_host + text[at + len(host) :]
    return text


_CHECKS: dict[str, Callable[[str, str], str]] = {
    **dict.fromkeys((*_FILES, "CertificateThumbprint"), _check_hash),
    "IpAddress": _check_ip,
    "DomainName": _check_domain,
    "Url": _check_url,
}


def key(indicator: Mapping[str, Any]) -> tuple[str, str]:
    """What the service holds one of: type and value, whatever case a hash, host or address is written in."""
    kind, value = str(indicator.get("indicatorType") or ""), str(indicator.get("indicatorValue") or "").strip()
    if kind != "Url":
        value = value.rstrip(".").lower() if kind == "DomainName" else value.lower()
        address = _ip(value) if kind == "IpAddress" else None
        return kind.lower(), str(address) if address is not None else value
    head, slashes, rest = value.partition("://")
    cut = min((i for i in map(rest.find, "/?#") if i >= 0), default=len(rest))
    return kind.lower(), f"{head.lower()}{slashes}{rest[:cut].lower()}{rest[cut:]}"


def prepared(item: Given, defaults: Mapping[str, Any], now: datetime, *, refang: bool = False) -> dict[str, Any]:
    """An item with the defaults, in the service's words and checked.

    Raises:
        InvalidArgumentError: something about it is wrong; the message names the value.
    """
    given = named(item)
    out = {**named({k: v for k, v in defaults.items() if v is not None}), **given}
    where = _cut(str(out.get("indicatorValue", item)))
    value, kind = normalized(out.get("indicatorValue"), out.get("indicatorType"), refang=refang)
    out["indicatorValue"], out["indicatorType"] = value, kind
    try:
        _check_content(out, kind, now)
    except InvalidArgumentError as error:
        raise _wrong(
            error.argument or "indicators", f"of {where}: {error.message.partition(': ')[2]}", hint=error.hint
        ) from None
    return out


def named(item: Any) -> dict[str, Any]:
    """An item's members by the service's names. What only the service sets is left out, so that what a list answered can be given back."""
    if isinstance(item, str):
        return {"indicatorValue": item}
    if isinstance(item, (tuple, list)):
        if len(item) != 2:
            raise _wrong("indicators", f"{_cut(repr(item))} is no pair of value and type")
        return {"indicatorValue": item[0], "indicatorType": item[1]}
    if not hasattr(item, "items"):
        raise _wrong("indicators", f"{_cut(repr(item))} is no value, no pair of value and type, and no dict")
    out: dict[str, Any] = {}
    for name, value in item.items():
        plain = _plain(str(name))
        if plain in _LEFT_OUT or str(name).startswith("@") or value is None:
            continue
        wire = _KNOWN.get(plain)
        if wire is None:
            from difflib import get_close_matches

            close = get_close_matches(str(name).lower(), _WIRE, 1)
            raise _wrong(
                "indicators",
                f"an indicator has no {name!r}; it has {', '.join(_WIRE)}",
                hint=f"did you mean {close[0]!r}?" if close else None,
            )
        if wire in out and out[wire] != value:
            raise _wrong("indicators", f"an item says {_SPOKEN.get(wire, wire)!r} twice, and not the same")
        out[wire] = value
    return out


def _check_content(out: dict[str, Any], kind: str, now: datetime) -> None:
    for wire in ("title", "description", "action"):
        if not isinstance(out.get(wire), str) or not out[wire].strip():
            raise _wrong(wire, "is missing" if out.get(wire) is None else f"{out[wire]!r} is no text")
    action = _member("action", out["action"], ("BlockAndRemediate", "Allowed", "Audit", "Warn", "Block", *_GONE))
    if action in _GONE:
        raise _wrong("action", f"{action!r} is taken no more since January 2022; take {_GONE[action]}")
    if action not in _ACTIONS[kind]:
        raise _wrong("action", f"{action!r} does not go with {kind}, which takes {', '.join(_ACTIONS[kind])}")
    out["action"] = action
    alert = out.get("generateAlert")
    if alert is not None and not isinstance(alert, bool):
        raise _wrong("generate_alert", f"{alert!r} is neither True nor False")
    if action == "Audit" and alert is not True:
        raise _wrong("generate_alert", 'the action "Audit" needs generate_alert=True: it does nothing else')
    if out.get("severity") is not None:
        out["severity"] = _member("severity", out["severity"], _SEVERITIES)
    for wire in ("rbacGroupNames", "rbacGroupIds"):
        if wire in out:
            groups = out[wire]
            if isinstance(groups, str) or not hasattr(groups, "__iter__"):
                raise _wrong(_SPOKEN[wire], f"{groups!r} is no list")
            out[wire] = list(groups)
            if not out[wire] or any(not str(group).strip() for group in out[wire]):
                raise _wrong(_SPOKEN[wire], "names no device group; leave it out for all machines")
    if out.get("educateUrl") is not None:
        if kind not in _NETWORK or action not in ("Warn", "Block"):
            raise _wrong("educate_url", "goes with Warn and Block of an IP address, a domain or a URL only")
        if not _SCHEME.match(str(out["educateUrl"])):
            raise _wrong("educate_url", f"{out['educateUrl']!r} is no URL")
    if out.get("expirationTime") is not None:
        out["expirationTime"] = _expiry(out["expirationTime"], now)


def _expiry(moment: Any, now: datetime) -> str:
    at = ticks("expires", from_now(moment, now), now)
    if at <= ticks("expires", now, now):
        raise _wrong("expires", f"{iso(at)} is over already")
    return iso(at)


def is_while(moment: Any) -> bool:
    """Whether a moment is so long from now, and not a point in time."""
    from datetime import timedelta

    return isinstance(moment, timedelta) or (
        isinstance(moment, str) and re.fullmatch(r"\d{1,9}\s*[smhdw]", _bare(moment), re.ASCII) is not None
    )


def _bare(text: str) -> str:
    return _LAST_WORD.sub("", text.strip())


def from_now(moment: Any, now: datetime) -> Any:
    """An expiry: a while is from now on, anything else is the point in time that it says."""
    from datetime import timedelta

    if not is_while(moment):
        return moment
    if isinstance(moment, str):
        text = _bare(moment)
        moment = int(text[:-1]) * timedelta(**{_UNITS[text[-1]]: 1})
    if moment <= timedelta(0):
        raise _wrong("expires", "is over already")
    return now + moment


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def unique(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items without repetitions, in order.

    Raises:
        InvalidArgumentError: two items have the same value and type and say different things.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for item in items:
        first = found.setdefault(key(item), item)
        if first is not item and (differs := contradiction(first, item)):
            raise _wrong("indicators", f"{_cut(item['indicatorValue'])} is there twice, with different {differs}")
    return list(found.values())


def contradiction(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What two items of the same value and type say differently, in words."""
    names = [n for n in {**one, **other} if n != "indicatorValue" and one.get(n) != other.get(n)]
    return ", ".join(_SPOKEN.get(n, n) for n in names)


def _member(argument: str, given: Any, members: tuple[str, ...]) -> str:
    for member in members:
        if isinstance(given, str) and _plain(given.strip()) == _plain(member):
            return member
    allowed = [m for m in members if m not in _GONE]
    error = _wrong(argument, f"{given!r} is not allowed; it is {', '.join(allowed)}")
    error.allowed = allowed
    raise error


def _cut(text: str) -> str:
    shown = repr(text) if not text.startswith(("'", '"')) else text
    return shown if len(shown) <= 90 else shown[:87] + "...'"


def _wrong(argument: str, message: str, hint: str | None = None) -> InvalidArgumentError:
    return InvalidArgumentError(f"{argument}: {message}", argument=argument, hint=hint)

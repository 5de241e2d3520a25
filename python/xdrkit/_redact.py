"""Names and secrets out of what is kept: the same value always gives the same stand-in, so that what belongs together still does.

Secrets are removed. Names (of people, machines, domains, tenants) are replaced by words made of a keyed hash, and the key is kept with the
text: whoever has the text cannot read a name out of it, but whoever knows a name can ask for its stand-in.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

REMOVED = "[removed]"

_GUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*")
_SIGNED = re.compile(r"(?i)([?&;]|\\u0026|%26)(sig|skoid|sktid|code|access_token|client_secret)(=|%3D)[^&\s\"'<>\\]+")
_SECRET = re.compile(
    r"(?i)^(client_?secret|client_?assertion|password|passwd|pwd|access_?token|refresh_?token|id_?token|authorization|cookie|"
    r"set-cookie|.*(private|api|account|access|shared)_?key|connection_?string|sas_?(token|uri|url)?)$"
)
_MAIL = re.compile(r"[A-Za-z0-9._+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SID = re.compile(r"S-1-(?:5-21|12-1)(?:-\d+){3,}")
_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_ADDRESS6 = re.compile(r"(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4})+(?![0-9a-fA-F:])")
_HOME = re.compile(r"(?i)((?:[\\/]|\\\\)(?:users|home)(?:[\\/]|\\\\))([^\\/\"'<>|:*?\r\n]+)")
_WORD = re.compile(r"[\w$][\w$.-]*[\w$]")

# Members whose values are names, by what they name.
_MACHINES = re.compile(
    r"(?i)^((remote|source|target|initiating|destination|local)?_?(device|machine|computer|host)_?(dns)?_?name|hostname|netbiosname|"
    r"dnshostname|computerdnsname|fqdn)$"
)
_PEOPLE = re.compile(
    r"(?i)^(.*account_?name|.*account_?upn|.*user_?name|.*user_?principal_?name|.*account_?display_?name|givenname|surname|"
    r".*mail_?nickname|.*upn|assignedto|manager|requestor|createdby|lastmodifiedby|.*sender_?display_?name|loggedonusers)$"
)
_DOMAINS = re.compile(
    r"(?i)^(.*account_?domain|domainname|ntdomain|.*(sender|recipient)(from|mailfrom)?_?domain|dnsdomain)$"
)
_TENANTS = re.compile(r"(?i)^((aad|azuread|vendor|home|resource)?_?tenant_?id|tid|org_?id|aadorgid)$")

# Names that every tenant has, and words that only look like names.
_COMMON = frozenset(
    [
        "system", "local service", "network service", "localservice", "networkservice", "root", "administrator", "guest",
        "nt authority", "nt-autorität", "builtin", "window manager", "font driver host", "workgroup", "localhost", "unknown",
        "none", "null", "true", "false", "default", "public", "automation", "api", "azuread", "everyone", "anonymous logon",
        "example.com", "microsoft.com", "onmicrosoft.com", "all users", "default user",
    ]
)  # fmt: skip


class Redactor:
    """Replaces names and removes secrets, in texts and in values.

    Args:
        key: What stand-ins are made with; equal keys give equal ones.
        also: Further texts that are replaced wherever they stand.
        keep: Texts that are no names, whatever they look like; of a domain also what is below it.
        addresses: Whether public IP addresses are replaced as well.
    """

    def __init__(self, key: bytes, also: Iterable[str] = (), keep: Iterable[str] = (), addresses: bool = False) -> None:
        self.key = key
        self.made: set[str] = set()
        self._addresses: dict[str, str] | None = {} if addresses else None
        # Texts that were looked at already, since the last name was learnt: most repeat.
        self._seen: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._keep = {text.lower() for text in keep}
        self._pattern: re.Pattern[str] | None = None
        for text in also:
            if len(text) < 3:
                raise InvalidArgumentError(f"redact: {text!r} is shorter than 3 characters", argument="redact")
            self._learn(text, self._word("text", text))

    def stand_in(self, kind: str, value: str) -> str:
        """The word that stands for a name: ``host-3f9c01aa``. Letter case makes no difference."""
        return self._word(kind, value)

    def value(self, value: Any) -> Any:
        """A JSON value without names and secrets. What is learnt from it holds for all that comes later."""
        self.learn(value)
        return self._walk(value)

    def text(self, text: str) -> str:
        """A text without secrets, and without those names that are known by their form or were learnt."""
        said = self._seen.get(text)
        if said is None:
            said = self._cleaned(text)
            self._seen[text] = said
        return said

    def _cleaned(self, text: str) -> str:
        text = _TOKEN.sub(REMOVED, text)
        text = _SIGNED.sub(lambda m: m.group(1) + m.group(2) + m.group(3) + REMOVED, text)
        text = _MAIL.sub(lambda m: self._mail(m.group()), text)
        text = _SID.sub(lambda m: self._sid(m.group()), text)
        for _, name in _HOME.findall(text):
            self._person(name.strip())
        if self._addresses is not None:
            text = _ADDRESS.sub(lambda m: self._address(m.group()), text)
            text = _ADDRESS6.sub(lambda m: self._address(m.group()), text)
        return self._replace(text)

    def known(self, text: str, made: set[str]) -> str:
        """A text in which those names are replaced whose stand-ins are among `made`, whether or not they were learnt."""

        def word(match: re.Match[str]) -> str:
            said = match.group()
            for form in (
                self._host(said),
                self._word("user", said),
                self._word("domain", said),
                self._word("text", said),
            ):
                if form in made or any(part in made for part in form.split(".")[:1]):
                    return form
            return said

        text = self.text(text)
        text = _WORD.sub(word, text)
        return re.sub(_GUID, lambda m: self._guid(m.group()) if self._guid(m.group()) in made else m.group(), text)

    def learn(self, value: Any) -> None:
        """Remembers the names in a value."""
        if isinstance(value, dict):
            person = any(name in value for name in ("userPrincipalName", "accountUpn", "AccountUpn"))
            for name, item in value.items():
                if isinstance(item, str):
                    # Alerts and rules have a displayName as well, which names nobody.
                    self._named("userName" if person and name == "displayName" else str(name), item)
                elif isinstance(item, list) and all(isinstance(one, str) for one in item):
                    for one in item:
                        self._named(str(name), one)
                else:
                    self.learn(item)
        elif isinstance(value, list):
            for item in value:
                self.learn(item)

    def _named(self, name: str, value: str) -> None:
        if value[:1] in "[{" and value[-1:] in "]}":
            import json

            with suppress(ValueError):
                self.learn(json.loads(value))
        elif _TENANTS.match(name):
            self._learn(value, self._guid(value))
        elif _MACHINES.match(name):
            self._machine(value)
        elif _PEOPLE.match(name):
            self._person(value)
        elif _DOMAINS.match(name):
            self._domain(value)

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._packed(value) if value[:1] in ("{", "[") else self.text(value)
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            secret = {
                name for name, item in value.items() if _SECRET.match(str(name)) and isinstance(item, str) and item
            }
            return {name: REMOVED if name in secret else self._walk(item) for name, item in value.items()}
        return value

    def _packed(self, text: str) -> str:
        """JSON inside a text, as many hunting columns have it."""
        import json

        try:
            value = json.loads(text)
        except ValueError:
            return self.text(text)
        clean = self._walk(value)
        return text if clean == value else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))

    # ---- names -------------------------------------------------------------------------------------------------------

    def _machine(self, name: str) -> None:
        if self._is_name(name) and not re.fullmatch(r"[\d.:]+", name):
            short, _, domain = name.partition(".")
            self._learn(name, self._host(name))
            self._learn(short, self._word("host", short))
            if domain:
                self._domain(domain)

    def _person(self, name: str) -> None:
        if "\\" in name:
            domain, _, name = name.rpartition("\\")
            self._domain(domain)
        if "@" in name:
            self._mail(name)
        elif self._is_name(name):
            self._learn(name, self._word("user", name))

    def _domain(self, name: str) -> None:
        if self._is_name(name) and not name.lower().endswith((".microsoft.com", ".windows.net")):
            self._learn(name, self._domain_form(name))

    def _mail(self, mail: str) -> str:
        user, _, domain = mail.rpartition("@")
        if domain.lower() in _COMMON or domain.lower() in self._keep or mail.lower() in self._keep:
            return mail
        self._person(user)
        self._domain(domain)
        made = f"{self._word('user', user)}@{self._domain_form(domain)}"
        self.made.update((made, self._word("user", user)))
        return made

    def _host(self, name: str) -> str:
        short, _, domain = name.partition(".")
        return f"{self._word('host', short)}.{self._domain_form(domain)}" if domain else self._word("host", short)

    def _domain_form(self, name: str) -> str:
        word = self._word("domain", name)
        return f"{word}.example" if "." in name else word

    def _sid(self, sid: str) -> str:
        digest = self._digest("sid", sid)
        parts = [str(int.from_bytes(digest[at : at + 4], "big")) for at in (0, 4, 8)]
        head = "-".join(sid.split("-")[:4])
        return "-".join([head, *parts, str(1000 + digest[12])])

    def _address(self, text: str) -> str:
        """One of those that are kept for documents and tests of networks, for one that others can reach; the rest tell nothing."""
        import ipaddress

        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        made = self._addresses
        if made is None or text in made.values():
            return text
        # What is kept for documents is public here: a sandbox's world has no other.
        inside = (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "127.0.0.0/8",
            "224.0.0.0/3",
            "0.0.0.0/8",
        )
        if address.version == 4 and any(address in ipaddress.ip_network(net) for net in inside):
            return text
        if address.version == 6 and (
            address.is_link_local or address.is_loopback or address in ipaddress.ip_network("fc00::/7")
        ):
            return text
        if text.lower() not in made:
            base = "198.18.0.0" if address.version == 4 else "2001:db8::"
            made[text.lower()] = str(ipaddress.ip_address(base) + len(made) + 1)
        return made[text.lower()]

    def _guid(self, value: str) -> str:
        digits = self._digest("guid", value).hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

    def _digest(self, kind: str, value: str) -> bytes:
        import hashlib
        import hmac

        return hmac.new(self.key, f"{kind}\0{value.lower()}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def _word(self, kind: str, value: str) -> str:
        return f"{kind}-{self._digest(kind, value).hex()[:8]}"

    def _is_name(self, text: str) -> bool:
        lower = text.lower()
        kept = lower in self._keep or any(lower.endswith(f".{name}") for name in self._keep)
        return len(text) > 2 and lower not in _COMMON and not kept and not text.isdigit() and text not in self.made

    def _learn(self, text: str, stand_in: str) -> None:
        if text and text.lower() not in self._names and text not in self.made:
            self._names[text.lower()] = stand_in
            self.made.add(stand_in)
            self._pattern = None
            self._seen.clear()

    def _replace(self, text: str) -> str:
        if not self._names:
            return text
        if self._pattern is None:
            longest = sorted(self._names, key=len, reverse=True)
            words = "|".join(re.escape(name) for name in longest)
            self._pattern = re.compile(rf"(?<![A-Za-z0-9_-])(?:{words})(?![A-Za-z0-9_-])", re.IGNORECASE)
        return self._pattern.sub(lambda m: self._names.get(m.group().lower(), REMOVED), text)

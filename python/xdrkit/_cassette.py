"""Record and replay: exchanges with the services in a file, so that a playbook is tested without the tenant that it ran on.

A cassette is JSON lines: what it is, then an exchange a line. Sign-in is not in it, and on replay there is none. Names are replaced and
secrets removed before anything is written; see `_redact`.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _base
from ._exchanges import Exchange, exchange, learn, masked, parts, read, redacted, target, written
from ._redact import Redactor
from .errors import CassetteError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self

    Record = Literal["none", "once", "new", "all"]
    Pairs = list[tuple[str, str]]

_VERSION = 1
_MODES = ("none", "once", "new", "all")
# A moment in a request may differ by this much from what "7d ago" was then, counted from now.
_SLACK = 600.0
# What tells requests apart beside method, path, query and body; and what an answer's reader looks at.
_ASKED = ("range", "if-range", "content-type")
_TOLD = (
    "content-type",
    "content-length",
    "content-range",
    "content-encoding",
    "etag",
    "last-modified",
    "retry-after",
    "location",
    "request-id",
    "client-request-id",
    "x-ms-request-id",
    "odata-version",
)


class Cassette:
    """Exchanges with the services, being recorded or played. Made by `xdrkit.testing.cassette`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        record: Record = "none",
        redact: Iterable[str] = (),
        keep: Iterable[str] = (),
    ) -> None:
        if record not in _MODES:
            raise InvalidArgumentError(
                f'record: {record!r} is not allowed; it is "none", "once", "new" or "all"', argument="record"
            )
        for name, texts in (("redact", redact), ("keep", keep)):
            if isinstance(texts, str):
                raise InvalidArgumentError(f"{name}: must be a list of texts", argument=name)
        self._path = Path(path)
        self._mode = record
        self._redact = tuple(redact)
        self._keep = tuple(keep)
        self._lock = threading.Lock()
        self._before: Any = None
        self._open = False
        self._begin()

    def _begin(self) -> None:
        self._head: dict[str, Any] = {}
        self._exchanges: list[Exchange] = []
        self._sought: list[tuple[str, ...]] = []
        self._played: list[bool] = []
        self._misses: list[str] = []
        self._new = 0
        self._clients = 0

    # ---- what a test asks --------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def recording(self) -> bool:
        """Whether requests that are not on it are sent and recorded."""
        return self._mode in ("new", "all") or (self._mode == "once" and not self._head.get("whole", False))

    @property
    def requests(self) -> list[str]:
        """What is on it, in order: ``"POST /api/machines/…/isolate"``."""
        return [f"{e.method} {e.target.partition('?')[0]}" for e in self._exchanges]

    @property
    def unplayed(self) -> list[str]:
        """What is on it and was not asked for so far."""
        pairs = zip(self.requests, self._played)
        return [request for request, played in pairs if not played]

    def assert_all_played(self) -> None:
        """Fail unless everything that is on it was asked for.

        Raises:
            AssertionError: something was not; it is listed.
        """
        if self.unplayed:
            raise AssertionError(f"{self._path}: not asked for: " + ", ".join(self.unplayed))

    # ---- the frame ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._open:
            raise CassetteError(f"{self._path}: the cassette is in use already")
        self._begin()
        from datetime import datetime, timezone

        self._started = datetime.now(timezone.utc)
        fresh = self._mode == "all" or (self._mode in ("once", "new") and not self._path.exists())
        if fresh:
            key = os.urandom(16)
            self._head = {
                "xdrkit_cassette": _VERSION,
                "recorded": self._started.isoformat(),
                "key": key.hex(),
                "base_urls": {},
                "claims": {},
            }
        else:
            self._load()
            key = bytes.fromhex(self._head["key"])
        self._redactor = Redactor(key, self._redact, self._keep)
        self._stand_ins = set(self._head.get("stand_ins", ()))
        self._before, _base.cassette = _base.cassette, self
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        _base.cassette, self._before = self._before, None
        self._open = False
        if self._new:
            self._save()
        if self._misses and kind is None:
            raise CassetteError("\n".join(self._misses))

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<Cassette {self._path} {self._mode} {len(self._exchanges)} requests>"

    # ---- clients -----------------------------------------------------------------------------------------------------

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """A client's options with this cassette in them: on replay nobody signs in, and no wait takes time."""
        if self.recording:
            return {**options, "_tape": self}
        signing = (
            "tenant_id", "client_id", "client_secret", "cloud", "region", "base_url", "audience", "authority", "login_hint",
            "additionally_allowed_tenants", "cache", "ca_bundle", "proxy", "trust_authority", "_virtual_clock",
        )  # fmt: skip
        kept = {name: value for name, value in options.items() if name not in signing}
        bases = self._head["base_urls"]
        return {
            **kept,
            "credential": self._token,
            **({"base_url": bases} if bases else {}),
            "limits": options.get("limits") or "off",
            "_virtual_clock": self._moment(self._head["recorded"]),
            "_tape": self,
        }

    def client_made(self, base_urls: dict[str, str]) -> None:
        """A client begins to record: its hosts are where next links lead."""
        if self.recording and not self._head["base_urls"]:
            self._head["base_urls"] = dict(base_urls)

    def _token(self, scope: str) -> tuple[str, int]:
        from base64 import urlsafe_b64encode

        audience = scope[: -len("/.default")] if scope.endswith("/.default") else scope
        claims = {"aud": audience, **self._head["claims"].get(audience.rstrip("/"), {})}
        ends = int(self._moment(self._head["recorded"])) + 10 * 366 * 86_400
        parts = ({"alg": "none", "typ": "JWT"}, {**claims, "exp": ends})
        return ".".join(
            [*(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "played"]
        ), ends

    # ---- what the wire asks: these are called from other threads --------------------------------------------------------

    def play(self, method: str, url: str, headers: Pairs, body: bytes) -> tuple[int, Pairs, bytes] | None:
        """What was answered to such a request; None: it is to be sent."""
        if self._mode == "all":
            return None
        with self._lock:
            where = self._redactor.known(target(url), self._stand_ins)
            sent = redacted(self._redactor, body, self._stand_ins)
            asked = {name: value for name, value in headers if name in _ASKED}
            at = self._find(method, where, asked, sent)
            if at is not None:
                self._played[at] = True
                found = self._exchanges[at]
                return found.status, list(found.answer_headers.items()), found.answer
            if self.recording:
                return None
            miss = self._miss(method, where, sent)
            self._misses.append(miss)
        raise CassetteError(miss)

    def keep(self, request: tuple[str, str, Pairs, bytes, str | None], answer: tuple[int, Pairs, bytes]) -> None:
        """Takes an exchange."""
        from datetime import datetime, timezone

        method, url, headers, body, claims = request
        status, told, content = answer
        at = (datetime.now(timezone.utc) - self._started).total_seconds()
        with self._lock:
            if claims:
                self._claim(claims)
            # What comes later may name what was unknown when this was asked: both are written at the end.
            self._exchanges.append(
                Exchange(
                    at,
                    method,
                    target(url),
                    {name: value for name, value in headers if name in _ASKED},
                    body,
                    status,
                    {name: value for name, value in told if name in _TOLD},
                    content,
                )
            )
            self._sought.append(())
            self._played.append(True)
            self._new += 1
            learn(self._redactor, content)
            learn(self._redactor, body)

    def _claim(self, text: str) -> None:
        try:
            claims = json.loads(text)
        except ValueError:
            return
        self._redactor.learn({name: claims[name] for name in ("tid", "upn", "unique_name") if name in claims})
        audience = str(claims.get("aud", "")).rstrip("/")
        self._head["claims"][audience] = {
            name: claims[name] for name in ("roles", "scp", "idtyp", "tid", "upn") if name in claims
        }

    # ---- matching ----------------------------------------------------------------------------------------------------

    def _find(self, method: str, where: str, asked: dict[str, str], sent: bytes) -> int | None:
        wanted = parts(where, sent)
        mask, moments = masked(wanted)
        best: tuple[float, int] | None = None
        for at, (one, played) in enumerate(zip(self._exchanges, self._played)):
            if played or one.method != method or one.headers.get("range") != asked.get("range"):
                continue
            there = self._sought[at]
            if there == wanted:
                return at
            other, then = masked(there)
            if other != mask:
                continue
            distance = self._distance(moments, then, one.at)
            if distance is not None and (best is None or distance < best[0]):
                best = (distance, at)
        return None if best is None else best[1]

    def _distance(self, sent: list[str], then: list[str], at: float) -> float | None:
        """How far the moments of two requests are from being the same, or from being as long ago. None: too far."""
        from datetime import datetime, timezone

        passed = datetime.now(timezone.utc).timestamp() - self._moment(self._head["recorded"]) - at
        total = 0.0
        for one, other in zip(sent, then):
            difference = self._moment(one) - self._moment(other)
            off = min(abs(difference), abs(difference - passed))
            if off > _SLACK:
                return None
            total += off
        return total

    def _miss(self, method: str, where: str, sent: bytes) -> str:
        from difflib import SequenceMatcher

        def shown(one: str, body: bytes) -> str:
            text = body.decode("utf-8", "replace")
            return f"{one} {text[:300]}".strip()

        wanted = shown(f"{method} {where}", sent)
        left = [
            shown(f"{e.method} {e.target}", e.body) for e, played in zip(self._exchanges, self._played) if not played
        ]
        nearest = max(left, key=lambda text: SequenceMatcher(None, wanted, text, autojunk=False).ratio(), default=None)
        rest = f"; nearest of what is left: {nearest}" if nearest else "; everything on it was asked for already"
        return f"{self._path}: nothing was recorded for {wanted}{rest}"

    @staticmethod
    def _moment(text: str) -> float:
        return _datetime(text).timestamp()

    # ---- the file ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        try:
            with self._path.open(encoding="utf-8") as file:
                lines = [line for line in file if line.strip()]
        except FileNotFoundError:
            raise CassetteError(
                f'{self._path}: there is no such cassette; record it with record="once" and a tenant'
            ) from None
        try:
            self._head = json.loads(lines[0])
            if self._head.get("xdrkit_cassette") != _VERSION:
                raise ValueError(f"version {self._head.get('xdrkit_cassette')!r}")
            self._exchanges = [exchange(json.loads(line)) for line in lines[1:]]
        except (ValueError, LookupError, TypeError) as error:
            raise CassetteError(f"{self._path}: is no cassette that this version reads: {error}") from None
        self._head["whole"] = True
        self._sought = [parts(one.target, one.body) for one in self._exchanges]
        self._played = [False] * len(self._exchanges)

    def _save(self) -> None:
        redactor = self._redactor
        lines = []
        for one in self._exchanges:
            line = {
                "at": round(one.at, 3),
                "method": one.method,
                "target": redactor.text(one.target),
                "headers": {name: redactor.text(value) for name, value in one.headers.items()},
                "body": written(redacted(redactor, one.body)),
                "status": one.status,
                "answer_headers": {name: redactor.text(value) for name, value in one.answer_headers.items()},
                "answer": written(redacted(redactor, one.answer)),
            }
            lengths = line["answer_headers"]
            if "content-length" in lengths:  # names and stand-ins have different lengths
                lengths["content-length"] = str(len(read(line["answer"])))
            lines.append(line)
        head = {name: value for name, value in self._head.items() if name != "whole"}
        head["claims"] = redactor.value(head["claims"])
        head["stand_ins"] = sorted(redactor.made | self._stand_ins)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *lines))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
                file.write(text)
            temporary.replace(self._path)
        except BaseException:
            temporary.unlink()
            raise


def _datetime(text: str) -> datetime:
    from datetime import timedelta, timezone

    from ._time import _EPOCH, ticks

    text = text if text[-1:] in "Zz" or text[-6:-5] in ("+", "-") else f"{text}Z"
    moment = _EPOCH + timedelta(microseconds=ticks("moment", text, _EPOCH) // 10)
    return moment.astimezone(timezone.utc)

"""`cache=`: answers that were paid for once, kept as Parquet files.

A file's name is a digest of all that an answer depends on, the person or application that asked among it: two who may see different
things never share one. A window that has ended long enough ago does not change any more, so its answer is kept for ever; everything else
is believed for a while. What was cut off or is incomplete is never kept. Nothing about the cache fails a hunt once it is open.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from . import _core
from ._flow import Step
from ._windows import SECOND, duration
from .errors import AuthenticationError, FileError, InvalidArgumentError, XdrError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from typing import Any

    from ._asked import Asked
    from ._flow import Flow
    from ._split import Piece

# Another number: files of other versions are not looked at.
_FORMAT = 1
_FILE = re.compile(r"[0-9a-f]{64}\.(?:keep|[0-9]{1,12})\.parquet")
# Functions that give something else at another time.
_MOVING = re.compile(r"\b(?:ago|now|rand|ingestion_time|new_guid|current_principal\w*)\s*\(", re.ASCII)
_EPOCH = 62_135_596_800  # seconds from the year 1 to 1970


class HuntCache:
    """A folder with answers of hunts, for `hunt(..., cache=)`.

    Answers about a window with two fixed ends, of which the later is past by more than `settle`, are kept until `clear`. All
    others, such as those of ``since="7d"``, are believed for `max_age`. The pieces of a split are kept one by one, so that a
    hunt that was broken off goes on where it was. Files are readable by their owner alone; what is damaged is ignored and
    written anew. Who asks is part of the key: where the token does not say who that is, nothing is kept.

    Args:
        path: The folder; it is made where it is missing. ``~`` is the home folder.
        max_age: How long an answer about a window that moves is believed: ``"15m"``, or a timedelta.
        settle: How long after a window's end rows may still arrive.
        max_bytes: The most that all files may take; the oldest go first. Default: no limit.

    Raises:
        InvalidArgumentError: an argument is wrong.
        FileError: the folder cannot be made, or others may write to it.
    """

    path: Path
    max_age: float
    settle: int

    def __init__(
        self,
        path: Any,
        *,
        max_age: str | timedelta = "15m",
        settle: str | timedelta = "1h",
        max_bytes: Any = None,
    ) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise InvalidArgumentError("cache: must be a folder's path or a HuntCache", argument="cache")
        self.path = Path(os.fspath(path)).expanduser()
        self.max_age = duration("max_age", max_age, zero=True) / SECOND
        self.settle = duration("settle", settle, zero=True)
        if max_bytes is not None and (isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 0):
            raise InvalidArgumentError("max_bytes: must be a number of bytes", argument="max_bytes")
        self.max_bytes = max_bytes
        self._who: dict[Any, str] = {}
        _own_folder(self.path)

    def __repr__(self) -> str:
        return f"<HuntCache {self.path}: {sum(1 for _ in self._files())} answers, {self.size:,} bytes>"

    @property
    def size(self) -> int:
        """The bytes that its files take."""
        return sum(size for _, size, _ in self._files())

    def clear(self) -> int:
        """Remove all answers. What else lies in the folder stays.

        Returns:
            How many there were.
        """
        count = 0
        for path, _, _ in list(self._files()):
            _remove(path)
            count += 1
        return count

    # What flows ask for

    def _identity(self, core: _core.Client, api: str) -> Flow[str | None]:
        """Who asks, as far as an answer depends on it; None if the token does not say."""
        for service in ("graph", "xdr", "endpoint") if api == "auto" else (api,):
            try:
                who = yield Step("whoami", service)
            except AuthenticationError:
                if service == "endpoint" or api != "auto":
                    raise
                continue
            kind, tenant = who.get("kind"), who.get("tenant_id")
            person = who.get("user") if kind == "user" else who.get("client_id")
            if kind not in ("app", "user") or not tenant or not person:
                return None
            return "\n".join(map(str, (kind, tenant, who.get("client_id"), person, sorted(core.base_urls.items()))))
        return None

    def _key(self, who: str, asked: Asked, piece: Piece | None, now: float) -> Key:
        """Under what the answer to a hunt, or to a piece of it, is kept."""
        import hashlib
        import json

        options = asked.options(piece)
        end = asked.when.end if piece is None else piece.end
        is_fixed = asked.when.fixed if piece is None else piece.begin is not None
        is_settled = end is not None and end + self.settle <= int((now + _EPOCH) * SECOND)
        forever = is_fixed and is_settled and not _moves(asked.query)
        when: Any = asked.when.said
        if is_fixed or piece is not None:
            when = [options.get(name) for name in ("since", "until", "exact", "part")]
        text = json.dumps([_FORMAT, who, asked.api, asked.query, when, forever], ensure_ascii=True)
        return Key(hashlib.sha256(text.encode()).hexdigest(), forever)

    def _get(self, key: Key, now: float) -> Any:
        """The table that is kept under a key; None if there is none that is good."""
        path = self._newest(key)
        if path is None:
            return None
        kept = _written(path)
        if kept is not None and not 0 <= now - kept <= self.max_age:
            return None
        try:
            table = _core.read_parquet(str(path))
            good = table.truncated is None and bool(table.query)
        except (XdrError, OSError, ValueError, TypeError, AttributeError):
            good = False
        return table if good else None

    def _put(self, key: Key, table: Any, now: float) -> None:
        """Keeps a table: as a whole file or not at all."""
        import tempfile

        final = self.path / (f"{key.digest}.keep.parquet" if key.forever else f"{key.digest}.{int(now)}.parquet")
        temporary = None
        try:
            # 0600 from the first byte on.
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=self.path)
            os.close(handle)
            table.parquet(temporary)
            Path(temporary).chmod(0o600)
            old = self._newest(key)
            Path(temporary).replace(final)
            if old is not None and old != final:
                _remove(old)
            self._shrink(keep=final)
        except (OSError, XdrError) as error:
            if temporary is not None:
                _remove(Path(temporary))
            from ._hunting import warn

            warn(f"the cache in {self.path} cannot be written: {error}", RuntimeWarning)

    # Files

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        """Our files: path, size, when they were written."""
        try:
            entries = list(os.scandir(self.path))
        except OSError:
            return
        for entry in entries:
            try:
                if _FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    yield Path(entry.path), facts.st_size, facts.st_mtime
            except OSError:
                continue

    def _newest(self, key: Key) -> Path | None:
        if key.forever:
            path = self.path / f"{key.digest}.keep.parquet"
            return path if path.is_file() and not path.is_symlink() else None
        found = [
            path
            for path in self.path.glob(f"{key.digest}.*.parquet")
            if _FILE.fullmatch(path.name) and not path.is_symlink()
        ]
        return max(found, key=lambda path: _written(path) or 0, default=None)

    def _shrink(self, keep: Path) -> None:
        if self.max_bytes is None:
            return
        files = sorted(self._files(), key=lambda one: one[2])
        total = sum(size for _, size, _ in files)
        for path, size, _ in files:
            if total <= self.max_bytes:
                return
            if path != keep or size > self.max_bytes:
                _remove(path)
                total -= size


class Key:
    """The name of an answer."""

    __slots__ = ("digest", "forever")

    def __init__(self, digest: str, forever: bool) -> None:
        self.digest = digest
        self.forever = forever


def _moves(query: str) -> bool:
    """Whether the answer may differ although the window is the same: it names the present, or reads tables without time."""
    if _MOVING.search(query):
        return True
    tables: dict[str, dict[str, str]] = _core.hunting_schema()["tables"]
    names = _core.kql_reads(query)["tables"]
    return not names or any("Timestamp" not in tables.get(name, ()) for name in names)


def _written(path: Path) -> int | None:
    """When a file was written, by the client's clock; None if it is kept for ever."""
    word = path.name.split(".")[1]
    return None if word == "keep" else int(word)


def _own_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.stat()
    except OSError as error:
        raise FileError(f"cache: {path}: {error.strerror or error}", filename=str(path)) from error
    if os.name == "posix" and (facts.st_mode & 0o022 or facts.st_uid != os.getuid()):
        raise FileError(
            f"cache: others may write to {path}, and could put answers there",
            filename=str(path),
            hint="take a folder of your own: chmod 700",
        )


def _remove(path: Path) -> None:
    import contextlib

    with contextlib.suppress(OSError):
        path.unlink()

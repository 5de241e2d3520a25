"""How far a watch has come, kept where it outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from typing import Any, Awaitable, Protocol, Union

    class BookmarkStore(Protocol):
        """Where a bookmark is kept; with an async client both may be coroutine functions."""

        def load(self) -> Union[str, Awaitable[Union[str, None]], None]:
            """The text that was saved last; None if there is none."""

        def save(self, text: str, /) -> Union[Awaitable[None], None]:
            """Keep a text in place of the one before, whole or not at all."""

    Bookmark = Union[str, "os.PathLike[str]", BookmarkStore]

_FORMAT = 1


class File:
    """A file that is replaced as a whole, so that a crash leaves the old one or the new one."""

    def __init__(self, path: str) -> None:
        self.path = path

    def load(self) -> str | None:
        """Its text; None if there is no such file."""
        from pathlib import Path

        try:
            return Path(self.path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"bookmark: {self.path} cannot be read: {error}", argument="bookmark") from error

    def save(self, text: str) -> None:
        """Puts a new text in place of the old one, and waits until the disk has it."""
        import os
        import tempfile
        from pathlib import Path

        folder = Path(self.path).resolve().parent
        try:
            handle, name = tempfile.mkstemp(prefix=".bookmark-", dir=folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink()
                raise
            _sync_folder(folder)
        except OSError as error:
            raise ConfigurationError(
                f"bookmark: {self.path} cannot be written: {error}", argument="bookmark"
            ) from error

    def __str__(self) -> str:
        return self.path


def _sync_folder(folder: Path) -> None:
    """Makes a rename last; there is no such thing on Windows."""
    import os

    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def opened(bookmark: Any) -> Any:
    """The store that an argument means; None for none."""
    import os
    from pathlib import Path

    if bookmark is None:
        return None
    if isinstance(bookmark, (str, os.PathLike)):
        path = os.fspath(bookmark)
        if not isinstance(path, str) or not path.strip():
            raise InvalidArgumentError(f"bookmark: {path!r} is no path", argument="bookmark")
        if Path(path).is_dir():
            raise InvalidArgumentError(f"bookmark: {path!r} is a folder; name a file in it", argument="bookmark")
        return File(path)
    if callable(getattr(bookmark, "load", None)) and callable(getattr(bookmark, "save", None)):
        return bookmark
    raise InvalidArgumentError(
        f"bookmark: {type(bookmark).__name__} is neither a path nor has it load() and save(text)", argument="bookmark"
    )


class Progress:
    """How far a watch has come: a moment, and what was handed over around it."""

    __slots__ = ("floor", "high", "seen", "watch")

    def __init__(self, watch: dict[str, Any], floor: int) -> None:
        self.watch = watch
        # Nothing before this is wanted; and the last moment up to which all is handed over. Ticks of 100 ns.
        self.floor = floor
        self.high = floor
        # What was handed over since `high` less the overlap, each with its moment.
        self.seen: dict[str, int] = {}

    def after(self, overlap: int) -> int:
        """From which moment on has to be asked."""
        return max(self.floor, self.high - overlap)

    def handed_over(self, mark: str, at: int, now: int) -> None:
        """Notes an item that the caller is done with."""
        self.seen[mark] = at
        # A moment in the future must not hide what comes until then.
        self.high = max(self.high, min(at, now))

    def forget(self, overlap: int) -> None:
        """Drops what will not be asked for again."""
        first = self.after(overlap)
        self.seen = {mark: at for mark, at in self.seen.items() if at >= first}

    def text(self) -> str:
        """As it is kept."""
        import json

        from ._time import iso

        state = {
            "format": _FORMAT,
            "watch": self.watch,
            "floor": iso(self.floor),
            "high": iso(self.high),
            "seen": self.seen,
        }
        return json.dumps(state, indent=1, sort_keys=True) + "\n"


def read(text: str, watch: dict[str, Any], where: str) -> Progress:
    """What was kept.

    Raises:
        ConfigurationError: it is damaged, or of another watch.
    """
    import json
    from datetime import datetime, timezone

    from ._time import ticks

    epoch = datetime(2000, 1, 1, tzinfo=timezone.utc)
    try:
        state = json.loads(text)
        known, format_ = state["watch"], state["format"]
        progress = Progress(watch, ticks("floor", state["floor"], epoch))
        progress.high = ticks("high", state["high"], epoch)
        progress.seen = {str(mark): int(at) for mark, at in state["seen"].items()}
        same = {name: known[name] for name in watch}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"bookmark: {where} is damaged, or no bookmark: {error}",
            argument="bookmark",
            hint="delete it, and say with since= from when on to begin anew",
        ) from None
    if format_ != _FORMAT:
        raise ConfigurationError(
            f"bookmark: {where} has the format {format_!r}; this is {_FORMAT}", argument="bookmark"
        )
    differs = [name for name in watch if same[name] != watch[name]]
    if differs:
        told = "; ".join(f"{name} {same[name]!r}, not {watch[name]!r}" for name in differs)
        raise ConfigurationError(
            f"bookmark: {where} belongs to another watch: {told}",
            argument="bookmark",
            hint="each watch has a bookmark of its own",
        )
    return progress

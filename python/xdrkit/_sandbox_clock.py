"""The time of a sandbox: tokens expire, actions progress and quotas refill without anybody waiting."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from . import _core


class Clock:
    """The sandbox's own time. It moves as real time does, can be pushed on, and can stand still; it never goes back."""

    def __init__(self, core: _core.Sandbox) -> None:
        self._core = core

    @property
    def now(self) -> datetime:
        """The sandbox's present, UTC, to the microsecond."""
        from datetime import datetime, timedelta, timezone

        return datetime(1, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=self._core.now // 10)

    def advance(self, time: str | float | timedelta) -> None:
        """Let time pass at once.

        Args:
            time: How much: ``"5m"``, ``"1h30m"``, ``"200ms"``, ``"2d"``, a timedelta, or seconds.

        Raises:
            InvalidArgumentError: it is no length of time.
        """
        self._core.advance(time if isinstance(time, (str, int, float)) else time.total_seconds())

    def set(self, moment: datetime | str) -> None:
        """It is then.

        Args:
            moment: An aware datetime, or ISO 8601 text with its zone; not before `now`.

        Raises:
            InvalidArgumentError: it is no time, or has no zone, or lies in the sandbox's past.
        """
        from ._time import ticks

        self._core.set_now(ticks("moment", moment, self.now))

    def freeze(self) -> None:
        """Let time stand still, until `resume`; `advance` and `set` push it on all the same."""
        self._core.freeze(True)

    def resume(self) -> None:
        """Let time go on from where it stands."""
        self._core.freeze(False)

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._core.frozen

    def __repr__(self) -> str:
        return f"<Clock {self.now.isoformat()}{' frozen' if self.frozen else ''}>"

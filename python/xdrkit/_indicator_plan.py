"""What `indicators.sync` is going to do, worked out before it does it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ._indicators import _WIRE, key
from ._time import parse_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import Any, Literal

    from ._policy import Outcome, Outcomes

    Kind = Literal["create", "update", "renew", "delete", "unchanged", "conflict"]

# Active indicators of a tenant.
CAP = 15_000
_CHANGING = ("create", "update", "renew", "delete")
_WORDS = {
    "create": "to create",
    "update": "to update",
    "renew": "to renew",
    "delete": "to delete",
    "unchanged": "unchanged",
    "conflict": "in conflict",
}
_SIGNS = {"create": "+", "update": "~", "renew": "~", "delete": "-", "conflict": "!"}
_SHOWN = 20
_SPOKEN = {wire: name for name, wire in _WIRE.items()}


class IndicatorChange:
    """What is to be done about one indicator.

    Attributes:
        kind: ``"create"``, ``"update"``, ``"renew"`` (only its expiry moves on), ``"delete"``, ``"unchanged"``, or
            ``"conflict"``: somebody else has an indicator of that value that says something different.
        value: The indicator's value.
        type: Its type.
        id: Its id in the tenant, if it is there.
        differences: For what differs, the values now and then.
        owner: The application that made it, if that is not ours.
        outcome: What came of it, once it was tried.
    """

    __slots__ = ("differences", "id", "kind", "outcome", "owner", "type", "value", "was_active", "wire")

    def __init__(self, kind: Kind, indicator: Mapping[str, Any], *, id: str | None = None) -> None:
        self.kind: Kind = kind
        self.value: str = indicator["indicatorValue"]
        self.type: str = indicator["indicatorType"]
        self.id: str | None = id
        self.differences: dict[str, tuple[Any, Any]] = {}
        self.owner: str | None = None
        self.outcome: Outcome[Any] | None = None
        self.was_active: bool = False
        self.wire: dict[str, Any] = {}

    def __repr__(self) -> str:
        why = "; ".join(f"{name}: {old!r} -> {new!r}" for name, (old, new) in self.differences.items())
        owner = f"made by {self.owner!r}" if self.owner is not None else ""
        more = "; ".join(part for part in (owner, why) if part)
        failed = f" FAILED: {self.outcome.error}" if self.outcome is not None and self.outcome.error is not None else ""
        return f"{self.kind} {self.type} {self.value}{f' ({more})' if more else ''}{failed}"


class IndicatorPlan:
    """The way from what the tenant has to what is desired. It prints as a list that a person can check.

    Iterating gives every `IndicatorChange`, also of those that stay as they are; it is true if there is anything to do.

    Attributes:
        scope: The application whose indicators it is about.
        active: The active indicators that were seen in the tenant, of everybody that we may see.
        dry_run: Whether nothing was done.
        outcomes: What came of each change, if it was applied; else None.
    """

    __slots__ = ("_changes", "active", "dry_run", "outcomes", "scope")

    def __init__(self, scope: str, changes: list[IndicatorChange], active: int, *, dry_run: bool = False) -> None:
        self.scope: str = scope
        self._changes = changes
        self.active: int = active
        self.dry_run: bool = dry_run
        self.outcomes: Outcomes[Any] | None = None

    def __iter__(self) -> Iterator[IndicatorChange]:
        return iter(self._changes)

    def __len__(self) -> int:
        return len(self._changes)

    def __bool__(self) -> bool:
        return any(change.kind in _CHANGING for change in self._changes)

    def of(self, *kinds: str) -> list[IndicatorChange]:
        """The changes of these kinds, in order."""
        return [change for change in self._changes if change.kind in kinds]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        out = dict.fromkeys(_WORDS, 0)
        for change in self._changes:
            out[change.kind] += 1
        return out

    @property
    def conflicts(self) -> list[IndicatorChange]:
        """What was left alone because somebody else made it and says something different."""
        return self.of("conflict")

    @property
    def active_after(self) -> int:
        """How many active indicators there would be in the end."""
        added = sum(not change.was_active for change in self.of("create", "update", "renew"))
        return self.active + added - self._freed

    @property
    def room(self) -> int:
        """How many active indicators the tenant can still take, in the end; less than 0 if it is too many."""
        return CAP - self.active_after

    @property
    def _freed(self) -> int:
        return sum(change.was_active for change in self.of("delete"))

    def to_delete_first(self) -> int:
        """How many deletions have to come first, to make room for what is new."""
        return max(0, self.active_after + self._freed - CAP)

    def __repr__(self) -> str:
        return "\n".join([self._title(), *self._lines()])

    def _title(self) -> str:
        counts = self.counts
        told = ", ".join(f"{counts[kind]:,} {word}" for kind, word in _WORDS.items() if counts[kind]) or "nothing to do"
        state = (
            "dry run, nothing was sent" if self.dry_run else "applied" if self.outcomes is not None else "not applied"
        )
        failed = sum(c.outcome is not None and c.outcome.error is not None for c in self._changes)
        return f"<IndicatorPlan of {self.scope!r}: {told}{f'; {failed:,} failed' if failed else ''} ({state})>"

    def _lines(self) -> list[str]:
        out: list[str] = []
        for kind in ("conflict", *_CHANGING):
            some = self.of(kind)
            out += [f"  {_SIGNS[kind]} {change!r}" for change in some[:_SHOWN]]
            if len(some) > _SHOWN:
                out.append(f"  {_SIGNS[kind]} … and {len(some) - _SHOWN:,} more {_WORDS[kind]}")
        if self.room < 0:
            out.append(
                f"  ! {self.active_after:,} active indicators are {-self.room:,} too many: a tenant takes {CAP:,}"
            )
        return out

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(f"<li><code>{escape(line.strip())}</code></li>" for line in self._lines())
        return f"<div><b>{escape(self._title())}</b><ul>{lines}</ul></div>"


class Wanted:
    """A desired indicator."""

    __slots__ = ("is_relative", "item")

    def __init__(self, item: dict[str, Any], is_relative: bool) -> None:
        self.item = item
        # Its expiry is a while from now: what matters is that enough of it is left.
        self.is_relative = is_relative


def planned(
    scope: str,
    desired: Iterable[Wanted],
    existing: Iterable[Mapping[str, Any]],
    now: datetime,
    *,
    delete: bool,
    take_over: bool,
    renew_before: timedelta,
) -> IndicatorPlan:
    """The plan. Pure."""
    have: dict[tuple[str, str], Mapping[str, Any]] = {}
    active = 0
    for indicator in existing:
        active += _is_active(indicator, now)
        at = key(indicator)
        if at not in have or indicator.get("application") == scope:
            have[at] = indicator
    changes: list[IndicatorChange] = []
    kept: set[tuple[str, str]] = set()
    for wanted in desired:
        kept.add(key(wanted.item))
        current = have.get(key(wanted.item))
        changes.append(_change(scope, wanted, current, now, take_over, renew_before))
    for at, indicator in have.items():
        if delete and at not in kept and indicator.get("application") == scope:
            gone = IndicatorChange("delete", indicator, id=str(indicator.get("id")))
            gone.was_active = _is_active(indicator, now)
            changes.append(gone)
    return IndicatorPlan(scope, changes, active)


def _change(
    scope: str,
    wanted: Wanted,
    current: Mapping[str, Any] | None,
    now: datetime,
    take_over: bool,
    renew_before: timedelta,
) -> IndicatorChange:
    item = wanted.item
    if current is None:
        change = IndicatorChange("create", item)
        change.wire = {**item, "application": scope}
        return change
    change = IndicatorChange("unchanged", item, id=str(current.get("id")))
    change.was_active = _is_active(current, now)
    is_ours = current.get("application") == scope
    if not is_ours:
        change.owner = str(current.get("application") or current.get("createdByDisplayName") or "somebody else")
    change.differences = _differences(wanted, current, now, renew_before)
    if not change.was_active and "expires" not in change.differences:
        change.differences["expires"] = (current.get("expirationTime"), item.get("expirationTime"))
    if not change.differences:
        return change
    if not is_ours and not take_over:
        change.kind = "conflict"
        return change
    change.kind = "renew" if set(change.differences) == {"expires"} else "update"
    # What the item leaves out is sent as it is, so that it stays, whatever the service makes of its absence. An end that is
    # over is not: it would be refused.
    kept = {wire: _found(current, wire) for wire in _WIRE.values() if wire != "application"}
    if not change.was_active:
        kept.pop("expirationTime", None)
    change.wire = {**{k: v for k, v in kept.items() if v not in (None, "", [])}, **item}
    if not is_ours:
        # It stays the other's, whether the service would take a new name or not.
        change.wire.pop("application", None)
    return change


def _differences(
    wanted: Wanted, current: Mapping[str, Any], now: datetime, renew_before: timedelta
) -> dict[str, tuple[Any, Any]]:
    out: dict[str, tuple[Any, Any]] = {}
    for wire, new in wanted.item.items():
        if wire in ("indicatorValue", "indicatorType", "application"):
            continue
        old = _found(current, wire)
        if wire == "expirationTime":
            same = _lasts(old, new, wanted.is_relative, now, renew_before)
        elif isinstance(new, list):
            same = {str(v) for v in new} == {str(v) for v in (old or [])}
        elif wire in ("action", "severity"):
            same = str(old or "").lower() == str(new).lower()
        else:
            same = (old or "") == (new or "")
        if not same:
            out[_SPOKEN.get(wire, wire)] = (old, new)
    return out


def _lasts(old: Any, new: str, is_relative: bool, now: datetime, renew_before: timedelta) -> bool:
    """Whether the expiry that an indicator has will do."""
    has, wants = parse_datetime(old), parse_datetime(new)
    if not hasattr(has, "tzinfo"):
        return False
    if not is_relative:
        return bool(abs(has - wants) < timedelta(seconds=1))
    # A while that is shorter than `renew_before` would be renewed each time.
    enough = min(renew_before, (wants - now) / 2)
    return bool(now + enough <= has <= wants + timedelta(minutes=1))


def _is_active(indicator: Mapping[str, Any], now: datetime) -> bool:
    end = parse_datetime(indicator.get("expirationTime"))
    return not hasattr(end, "tzinfo") or bool(end > now)


def _found(indicator: Mapping[str, Any], wire: str) -> Any:
    """A property whatever the case of its name: `externalId` is spelled in two ways."""
    if wire in indicator:
        return indicator[wire]
    return next((value for name, value in indicator.items() if name.lower() == wire.lower()), None)

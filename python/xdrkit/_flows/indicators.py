"""Indicators, many at a time: importing, and keeping the tenant's in step with a list."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from xdrkit._flow import Ask, Flow, next_page
from xdrkit._flows.actions import change
from xdrkit._indicator_plan import CAP, IndicatorPlan, Wanted, planned
from xdrkit._indicators import contradiction, is_while, key, named, prepared, unique
from xdrkit._policy import Outcome, Outcomes, Plan
from xdrkit._resources import listed
from xdrkit._time import ticks
from xdrkit.errors import (
    ActionRefusedError,
    ApiError,
    BadRequestError,
    BadResponseError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    XdrError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Dict, List, Literal, Optional

    from xdrkit._generated.types import ImportIndicatorResult
    from xdrkit._indicators import Given
    from xdrkit._resources import Resource, Seconds
    from xdrkit._time import Moment

    Found = List[Optional[Outcome[Any]]]

# What the service takes at a time.
_BATCH = 500
# So many parts of a batch refused for the same reason, and none taken: the reason is not one of the items.
_ENOUGH = 16


def upsert_many(
    client: Resource,
    indicators: Iterable[Given],
    *,
    action: Literal["Allowed", "Audit", "Warn", "Block", "BlockAndRemediate"] | None = None,
    title: str | None = None,
    description: str | None = None,
    type: str | None = None,
    application: str | None = None,
    severity: Literal["Informational", "Low", "Medium", "High"] | None = None,
    expires: Moment | None = None,
    recommended_actions: str | None = None,
    rbac_group_names: Sequence[str] | None = None,
    educate_url: str | None = None,
    generate_alert: bool | None = None,
    refang: bool = False,
    on_error: Literal["raise", "collect"] = "raise",
) -> Flow[Outcomes[ImportIndicatorResult]]:
    """Make or update indicators, all or none of them as far as can be known before.

    Every item is checked first, and if one of them is wrong nothing is sent. They go out 500 at a time; what the service
    refuses is told item by item. `import_many` takes a feed as it comes instead: it leaves out what is wrong.

    Args:
        indicators: Values, pairs of value and type, or dicts with the arguments of `upsert`. What a dict leaves out is taken
            from the arguments here; the type is worked out of the value (see `xdrkit.infer_type`).
        action: What to do when one is seen.
        title: The title of alerts.
        description: What they are about.
        type: What the values are, where that shall not be worked out, such as `CertificateThumbprint`.
        application: A name of yours for where they come from; only taken when one is made.
        severity: The severity of alerts.
        expires: When they end: a point in time, or so long from now: a timedelta or text such as `"90d"`. Default: never.
        recommended_actions: What to do about an alert.
        rbac_group_names: Only on machines of these device groups. Default: all.
        educate_url: Where a user who was blocked or warned is sent.
        generate_alert: Raise an alert when one is seen; the action `Audit` needs it.
        refang: Whether values that were made harmless (`hxxp://`, `1.2.3[.]4`) are taken as what they were.
        on_error: When the service refuses some: `raise` tries them all and then raises what failed, `collect` leaves that to
            `Outcomes.failed`.

    Returns:
        `Outcomes`, one for each indicator in order; what was given twice is there once.

    Raises:
        InvalidArgumentError: an item is wrong, or two contradict each other; nothing was sent.
        PartialFailureError: the service refused some; `outcomes` has all.

    Permissions:
        Application: `Ti.ReadWrite` or `Ti.ReadWrite.All`. Delegated: `Ti.ReadWrite`. On WindowsDefenderATP.

    Limits:
        15,000 active indicators a tenant; 30 requests a minute, of 500 indicators each.
    """
    _check_on_error(on_error)
    defaults = _defaults(
        action=action,
        title=title,
        description=description,
        type=type,
        application=application,
        severity=severity,
        expires=expires,
        recommended_actions=recommended_actions,
        rbac_group_names=rbac_group_names,
        educate_url=educate_url,
        generate_alert=generate_alert,
    )
    items = _all_right(_items(indicators), defaults, _now(client), refang)
    outcomes: Outcomes[Any] = Outcomes((yield from _import(client, unique(items), None)))
    if on_error == "raise":
        outcomes.raise_for_failed()
    return outcomes


def import_many(
    client: Resource,
    indicators: Iterable[Given],
    *,
    action: Literal["Allowed", "Audit", "Warn", "Block", "BlockAndRemediate"] | None = None,
    title: str | None = None,
    description: str | None = None,
    type: str | None = None,
    application: str | None = None,
    severity: Literal["Informational", "Low", "Medium", "High"] | None = None,
    expires: Moment | None = None,
    recommended_actions: str | None = None,
    rbac_group_names: Sequence[str] | None = None,
    educate_url: str | None = None,
    generate_alert: bool | None = None,
    refang: bool = False,
    on_error: Literal["raise", "collect"] = "collect",
    progress: Callable[[int, int], Any] | None = None,
) -> Flow[Outcomes[ImportIndicatorResult]]:
    """Import a feed: make or update what is right in it, and tell what is not.

    An item that is wrong is not sent and fails with `InvalidArgumentError`; all others go out, 500 at a time. Of two that
    contradict each other the first is taken. `upsert_many` sends nothing at all if one item is wrong.

    Args:
        indicators: Values, pairs of value and type, or dicts with the arguments of `upsert`. What a dict leaves out is taken
            from the arguments here; the type is worked out of the value (see `xdrkit.infer_type`).
        action: What to do when one is seen.
        title: The title of alerts.
        description: What they are about.
        type: What the values are, where that shall not be worked out, such as `CertificateThumbprint`.
        application: A name of yours for where they come from; only taken when one is made.
        severity: The severity of alerts.
        expires: When they end: a point in time, or so long from now: a timedelta or text such as `"90d"`. Default: never.
        recommended_actions: What to do about an alert.
        rbac_group_names: Only on machines of these device groups. Default: all.
        educate_url: Where a user who was blocked or warned is sent.
        generate_alert: Raise an alert when one is seen; the action `Audit` needs it.
        refang: Whether values that were made harmless (`hxxp://`, `1.2.3[.]4`) are taken as what they were.
        on_error: When some fail: `collect` leaves that to `Outcomes.failed`, `raise` tries them all and then raises.
        progress: A function that is told after each request how many are done, and of how many.

    Returns:
        `Outcomes`, one for each item that was given, in order.

    Raises:
        InvalidArgumentError: an argument is wrong; nothing was sent.
        PartialFailureError: some failed, with `on_error="raise"`; `outcomes` has all.

    Permissions:
        Application: `Ti.ReadWrite` or `Ti.ReadWrite.All`. Delegated: `Ti.ReadWrite`. On WindowsDefenderATP.

    Limits:
        15,000 active indicators a tenant; 30 requests a minute, of 500 indicators each.
    """
    _check_on_error(on_error)
    defaults = _defaults(
        action=action,
        title=title,
        description=description,
        type=type,
        application=application,
        severity=severity,
        expires=expires,
        recommended_actions=recommended_actions,
        rbac_group_names=rbac_group_names,
        educate_url=educate_url,
        generate_alert=generate_alert,
    )
    given, now = _items(indicators), _now(client)
    out: Found = [None] * len(given)
    places: Dict[tuple[str, str], List[int]] = {}
    items: List[Dict[str, Any]] = []
    for i, item in enumerate(given):
        try:
            right = prepared(item, defaults, now, refang=refang)
            seen = places.setdefault(key(right), [])
            if not seen:
                items.append(right)
            elif differs := contradiction(items[seen[0]], right):
                raise InvalidArgumentError(
                    f"indicators: {right['indicatorValue']!r} was there before, with different {differs}",
                    argument="indicators",
                )
            # The first entry is the item's place among those that are sent, the others where it was given.
            places[key(right)] = [*(seen or [len(items) - 1]), i]
        except InvalidArgumentError as error:
            out[i] = Outcome(_value_of(item), None, error)
    results = yield from _import(client, items, progress, len(given) - len(items), len(given))
    for right, result in zip(items, results):
        for i in places[key(right)][1:]:
            out[i] = result
    outcomes: Outcomes[Any] = Outcomes([outcome for outcome in out if outcome is not None])
    if on_error == "raise":
        outcomes.raise_for_failed()
    return outcomes


def sync(
    client: Resource,
    desired: Iterable[Given],
    *,
    scope: str,
    action: Literal["Allowed", "Audit", "Warn", "Block", "BlockAndRemediate"] | None = None,
    title: str | None = None,
    description: str | None = None,
    type: str | None = None,
    severity: Literal["Informational", "Low", "Medium", "High"] | None = None,
    expires: Moment | None = None,
    recommended_actions: str | None = None,
    rbac_group_names: Sequence[str] | None = None,
    educate_url: str | None = None,
    generate_alert: bool | None = None,
    refang: bool = False,
    delete: bool = True,
    renew_before: Seconds | str = "7d",
    take_over: bool = False,
    allow_empty: bool = False,
    dry_run: bool = False,
    on_error: Literal["raise", "collect"] = "raise",
) -> Flow[IndicatorPlan]:
    """Bring the tenant's indicators in step with a list: make what is missing, update what differs, delete what is gone.

    Only our own are touched: those whose `application` is `scope`. Doing it again does nothing. What a desired item leaves
    out stays as it is in the tenant. An indicator of somebody else with the same value and type is never overwritten: if it says
    the same it will do, else it is a conflict, which the plan tells.

    Args:
        desired: Values, pairs of value and type, or dicts with the arguments of `upsert`: all that shall be there in the end.
        scope: The name of the list, which new indicators get as their `application`.
        action: What to do when one is seen.
        title: The title of alerts.
        description: What they are about.
        type: What the values are, where that shall not be worked out, such as `CertificateThumbprint`.
        severity: The severity of alerts.
        expires: When they end: a point in time, or so long from now: a timedelta or text such as `"90d"`, which is renewed by
            later runs as long as the item is desired. Default: never.
        recommended_actions: What to do about an alert.
        rbac_group_names: Only on machines of these device groups. Default: all.
        educate_url: Where a user who was blocked or warned is sent.
        generate_alert: Raise an alert when one is seen; the action `Audit` needs it.
        refang: Whether values that were made harmless (`hxxp://`, `1.2.3[.]4`) are taken as what they were.
        delete: Whether our indicators that are not desired any more are deleted.
        renew_before: An expiry that is a while from now is renewed when no more than this is left of it (seconds, a timedelta, or
            text such as `"7d"`), or half of the while if that is shorter.
        take_over: Whether indicators of others are updated where they differ. They stay the others': they are never deleted.
        allow_empty: Whether nothing may be desired, which deletes all of ours. An empty list is more often a feed that broke.
        dry_run: Change nothing: answer the plan.
        on_error: When some changes fail: `raise` tries them all and then raises what failed, `collect` leaves that to the
            plan's `outcomes`.

    Returns:
        The `IndicatorPlan`: every change, and what came of it.

    Raises:
        InvalidArgumentError: a desired item is wrong, or two contradict each other; nothing was sent.
        LimitExceededError: the tenant would have more than 15,000 active indicators; nothing was changed.
        PartialFailureError: some changes failed; `outcomes` has all.

    Permissions:
        Application: `Ti.ReadWrite` or `Ti.ReadWrite.All`. With `Ti.ReadWrite` only what this application made is seen: conflicts
            with others and their part of the 15,000 are not. Deleting needs an application permission.

    Limits:
        30 requests a minute, of 500 indicators each.
    """
    _check_on_error(on_error)
    name: object = scope
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise InvalidArgumentError(f"scope: {scope!r} is no name", argument="scope")
    defaults = _defaults(
        action=action,
        title=title,
        description=description,
        type=type,
        severity=severity,
        expires=expires,
        recommended_actions=recommended_actions,
        rbac_group_names=rbac_group_names,
        educate_url=educate_url,
        generate_alert=generate_alert,
    )
    now = _now(client)
    given = _items(desired)
    if not given and delete and not allow_empty:
        raise InvalidArgumentError(
            "desired: is empty, which would delete everything",
            argument="desired",
            hint="allow_empty=True says that it is meant",
        )
    plan = yield from _planned(client, scope, given, defaults, now, refang, delete, take_over, _span(renew_before, now))
    plan.dry_run = dry_run or bool(getattr(client._policy, "dry_run", False))
    if plan.dry_run:
        return plan
    if plan.room < 0:
        raise LimitExceededError(
            f"desired: the tenant would have {plan.active_after:,} active indicators; it takes {CAP:,}. Nothing was changed",
            hint=f"{-plan.room:,} less; dry_run=True shows the plan",
        )
    yield from _applied(client, plan)
    if on_error == "raise" and plan.outcomes is not None:
        plan.outcomes.raise_for_failed()
    return plan


def _planned(
    client: Resource,
    scope: str,
    given: List[Any],
    defaults: Dict[str, Any],
    now: datetime,
    refang: bool,
    delete: bool,
    take_over: bool,
    renew_before: timedelta,
) -> Flow[IndicatorPlan]:
    items = _all_right(given, defaults, now, refang)
    for item in items:
        if item.setdefault("application", scope) != scope:
            raise InvalidArgumentError(
                f"desired: {item['indicatorValue']!r} is of the application {item['application']!r}; this list is {scope!r}",
                argument="desired",
            )
    relative = {
        key(item): is_while(named(source).get("expirationTime", defaults.get("expires")))
        for source, item in zip(given, items)
    }
    wanted = [Wanted(item, relative[key(item)]) for item in unique(items)]
    existing = yield from _listed(client, None)
    return planned(scope, wanted, existing, now, delete=delete, take_over=take_over, renew_before=renew_before)


def _applied(client: Resource, plan: IndicatorPlan) -> Flow[None]:
    deletions = plan.of("delete")
    # Nothing that is wanted goes unprotected while the rest is done: what is new comes first, unless there is no room.
    first = plan.to_delete_first()
    deletions.sort(key=lambda change: not change.was_active)
    upserts = plan.of("create", "update", "renew")
    gone = yield from _delete(client, [c.id or "" for c in deletions[:first]], plan.scope)
    made = yield from _import(client, [c.wire for c in upserts], None)
    gone += yield from _delete(client, [c.id or "" for c in deletions[first:]], plan.scope)
    for done, outcome in [*zip(upserts, made), *zip(deletions, gone)]:
        done.outcome = outcome
    plan.outcomes = Outcomes([c.outcome for c in plan if c.outcome is not None])


def _import(
    client: Resource,
    items: Sequence[Dict[str, Any]],
    progress: Callable[[int, int], Any] | None,
    done: int = 0,
    total: int | None = None,
) -> Flow[List[Outcome[Any]]]:
    """Imports checked items; the outcome of each, in order."""
    out: Found = [None] * len(items)
    for batch in _batches(items):
        yield from _parted(client, [(i, items[i]) for i in batch], out, _import_some)
        done += len(batch)
        if progress is not None:
            yield Ask(progress, done, len(items) if total is None else total)
    return [outcome for outcome in out if outcome is not None]


def _batches(items: Sequence[Mapping[str, Any]]) -> List[List[int]]:
    """Places of the items, 500 at a time. The answers name values, so no batch has a value twice."""
    batches: List[List[int]] = []
    values: List[set[str]] = []
    first_with_room = 0
    for i, item in enumerate(items):
        value = str(item["indicatorValue"]).lower()
        at = next(
            (b for b in range(first_with_room, len(batches)) if value not in values[b] and len(batches[b]) < _BATCH),
            None,
        )
        if at is None:
            at = len(batches)
            batches.append([])
            values.append(set())
        batches[at].append(i)
        values[at].add(value)
        while first_with_room < len(batches) and len(batches[first_with_room]) >= _BATCH:
            first_with_room += 1
    return batches


def _parted(
    client: Resource,
    batch: List[tuple[int, Any]],
    out: Found,
    send: Callable[[Resource, List[tuple[int, Any]], Found], Flow[None]],
) -> Flow[None]:
    """Sends a batch; one that is refused as a whole is sent in halves, so that one wrong item does not cost the others."""
    level = [batch]
    while level:
        refused: List[tuple[List[tuple[int, Any]], ApiError]] = []
        for part in level:
            try:
                yield from send(client, part, out)
            except (BadRequestError, NotFoundError) as error:
                refused.append((part, error))
            except XdrError as error:
                _fail(part, error, out)
        alike = len({_blanked(reason, part) for part, reason in refused}) == 1
        if len(refused) == len(level) >= _ENOUGH and alike:
            for part, reason in refused:
                _fail(part, reason, out)
            return
        level = []
        for part, reason in refused:
            if len(part) == 1:
                _fail(part, reason, out)
            else:
                level += [part[: len(part) // 2], part[len(part) // 2 :]]


def _blanked(error: ApiError, part: List[tuple[int, Any]]) -> str:
    """The reason without what it says about one item."""
    text = error.message
    for _, item in part:
        text = text.replace(_value_of(item), "…")
    return text


def _fail(part: List[tuple[int, Any]], error: XdrError, out: Found) -> None:
    for i, item in part:
        out[i] = Outcome(_value_of(item), None, error)


def _import_some(client: Resource, part: List[tuple[int, Any]], out: Found) -> Flow[None]:
    answer = yield from change(client, "indicators.import_batch", None, {"indicators": [item for _, item in part]})
    if isinstance(answer, Plan):
        raise ActionRefusedError(
            "dry_run: the client sends nothing that changes something", plan=answer, reason="dry_run"
        )
    results = {str(result.get("indicator", "")).strip().lower(): result for result in listed(answer)}
    for i, item in part:
        value = item["indicatorValue"]
        result = results.get(value.lower())
        if result is None:
            _fail([(i, item)], BadResponseError("the answer does not say what became of this indicator"), out)
        elif result.get("isFailed"):
            reason = result.get("failureReason") or "the service gives no reason"
            out[i] = Outcome(value, result, BadRequestError(str(reason)))
        else:
            out[i] = Outcome(value, result, None)


def _delete(client: Resource, ids: List[str], scope: str) -> Flow[List[Outcome[Any]]]:
    """Deletes indicators; one that is gone already is as good as deleted."""
    out: Found = [None] * len(ids)
    for start in range(0, len(ids), _BATCH):
        batch = list(enumerate(ids))[start : start + _BATCH]
        try:
            yield from _delete_some(client, batch, out)
            continue
        except NotFoundError:
            # All or nothing: one is gone, and none was deleted. A look is cheaper than trying halves.
            there = yield from _listed(client, scope)
        except BadRequestError:
            there = None
        except XdrError as error:
            _fail(batch, error, out)
            continue
        if there is not None:
            left = {str(indicator.get("id")) for indicator in there}
            for i, id_ in batch:
                if id_ not in left:
                    out[i] = Outcome(id_, None, None)
            batch = [(i, id_) for i, id_ in batch if id_ in left]
        if batch:
            yield from _parted(client, batch, out, _delete_some)
    return [outcome for outcome in out if outcome is not None]


def _delete_some(client: Resource, part: List[tuple[int, Any]], out: Found) -> Flow[None]:
    try:
        yield from change(client, "indicators.delete_batch", None, {"ids": [id_ for _, id_ in part]})
    except NotFoundError:
        if len(part) > 1:
            raise
    for i, id_ in part:
        out[i] = Outcome(id_, None, None)


def _listed(client: Resource, application: str | None) -> Flow[List[Dict[str, Any]]]:
    arguments = {} if application is None else {"filter": "application eq '" + application.replace("'", "''") + "'"}
    cursor = client._core.pages("indicators.list", arguments, None)
    found: List[Dict[str, Any]] = []
    while (page := (yield next_page(cursor))) is not None:
        found += page
    return found


def _items(indicators: Any) -> List[Any]:
    if isinstance(indicators, (str, bytes)) or (hasattr(indicators, "items") and hasattr(indicators, "keys")):
        raise InvalidArgumentError(
            "indicators: is one; give a list of them", argument="indicators", hint="put it in brackets: [...]"
        )
    try:
        return list(indicators)
    except TypeError:
        raise InvalidArgumentError(f"indicators: {indicators!r} is no list", argument="indicators") from None


def _all_right(given: List[Any], defaults: Dict[str, Any], now: datetime, refang: bool) -> List[Dict[str, Any]]:
    """All items, checked; the error tells the first that is wrong, and how many there are."""
    items: List[Dict[str, Any]] = []
    wrong: List[InvalidArgumentError] = []
    for item in given:
        try:
            items.append(prepared(item, defaults, now, refang=refang))
        except InvalidArgumentError as error:
            wrong.append(error)
    if wrong:
        first, more = wrong[0], len(wrong) - 1
        text = f"{first.message} (and {more:,} more of {len(given):,} items)" if more else first.message
        raise InvalidArgumentError(text, argument=first.argument, allowed=first.allowed, hint=first.hint)
    return items


def _value_of(item: Any) -> str:
    if hasattr(item, "items"):
        return str(item.get("indicatorValue") or item.get("value"))
    return str(item[0]) if isinstance(item, (tuple, list)) and item else str(item)


def _defaults(**values: Any) -> Dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _now(client: Resource) -> datetime:
    core: Any = client._core
    return datetime.fromtimestamp(core.now(), timezone.utc)


def _span(value: Any, now: datetime) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    return timedelta(microseconds=(ticks("renew_before", now, now) - ticks("renew_before", value, now)) / 10)


def _check_on_error(on_error: Any) -> None:
    if on_error not in ("raise", "collect"):
        raise InvalidArgumentError(
            f'on_error: {on_error!r} is not allowed; it is "raise" or "collect"', argument="on_error"
        )

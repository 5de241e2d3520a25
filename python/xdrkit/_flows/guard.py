"""The policy between a helper and the service: what changes something is planned, allowed, confirmed and recorded.

Every flow of a client that has a policy runs inside `guarded`, so that no helper has to think of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from xdrkit import _core
from xdrkit._audit import append, check_answered, identity, moment, outcome, shown, shown_path
from xdrkit._flow import Ask, Emit, Flow, Step
from xdrkit._policy import Plan
from xdrkit.errors import ActionRefusedError, ConfigurationError, InvalidArgumentError, XdrError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdrkit._policy import Policy
    from xdrkit._resources import Resource

CONCURRENCY = 8


class Facts(NamedTuple):
    """What has to be known of an operation here."""

    method: str
    path: str
    service: str
    effect: str
    answers: str | None
    target: str | None  # the one parameter in its path
    machines: str | None  # the parameter that names a machine, or several
    is_upload: bool
    is_list: bool


@lru_cache(maxsize=1)
def table() -> dict[str, Facts]:
    """What the declaration says of each operation. Whole or not at all: what was missing here would go unguarded."""
    found: dict[str, Facts] = {}
    for op in _core.operations():
        path = [p["name"] for p in op["params"] if p["in"] == "path"]
        of_machine = [p["name"] for p in op["params"] if p["wire"].lower() in ("machineid", "machineids")]
        if op["path"].startswith("/api/machines/{"):
            of_machine = path[:1]
        found[op["id"]] = Facts(
            op["method"],
            op["path"],
            op["service"],
            op["effect"],
            op["returns"]["type"],
            path[0] if len(path) == 1 else None,
            of_machine[0] if of_machine and op["effect"] != "reads" else None,
            any(p["type"] == "file" for p in op["params"]),
            op["returns"]["kind"] == "many",
        )
    return found


def facts(operation: str) -> Facts | None:
    """What the declaration says of an operation, None if there is none of that name."""
    return table().get(operation)


class Passed(Step):
    """A step that the policy has let through."""

    __slots__ = ()


class Sending(NamedTuple):
    """Calls of one operation, before they are sent."""

    operation: str
    effect: str
    ids: Sequence[Any]
    items: Sequence[dict[str, Any]]
    requests: Sequence[dict[str, Any]]
    machines: str | None = None
    # Asked about whatever its effect: nobody knows what a plain request does.
    is_plain: bool = False


def call(client: Resource, operation: str, arguments: dict[str, Any], options: Any) -> Flow[Any]:
    """One call of an operation, as it is."""
    try:
        answer = yield Step("call", operation, arguments, options)
    except ActionRefusedError as refused:
        if client._policy is not None and client._policy.dry_run and refused.plan is not None:
            return refused.plan
        raise
    return answer


def request(client: Resource, method: str, path: str, options: dict[str, Any]) -> Flow[Any]:
    """One plain request."""
    try:
        answer = yield Step("request", method, path, options)
    except ActionRefusedError as refused:
        if client._policy is not None and client._policy.dry_run and refused.plan is not None:
            return refused.plan
        raise
    return answer


def guarded(client: Resource, flow: Any) -> Any:
    """The same flow; what it sends that changes something goes through the policy."""
    value, error = None, None
    while True:
        try:
            step = flow.throw(error) if error is not None else flow.send(value)
        except StopIteration as end:
            return end.value
        value, error = None, None
        try:
            value = yield from _through(client, step)
        except BaseException as e:  # noqa: BLE001 - the flow decides what it means
            error = e


def _through(client: Resource, step: Any) -> Any:
    if isinstance(step, (Passed, Ask, Emit)) or step.target is not None:
        return (yield step)
    if step.method == "request":
        method, path, options = step.arguments
        if _is_read(method, path, options.get("service", "endpoint")):
            return (yield step)
        sending = _plain(method, path, options)
    elif step.method in ("call", "call_many", "upload"):
        known = facts(step.arguments[0])
        if known is None or known.effect == "reads":
            return (yield step)
        operation, given, *_ = step.arguments
        items = given if step.method == "call_many" else [given]
        if step.method == "upload":
            name, content = step.arguments[2:4]
            items = [{**given, "file": name, "bytes": len(content)}]
        ids = [None if known.target is None else item.get(known.target) for item in items]
        sending = prepared(client, operation, ids, items)
    else:
        return (yield step)
    if client._policy is not None and client._policy.dry_run:
        raise (yield from would(client, sending))
    # The step as it is, or as much of it as the policy allows.
    answers = yield from sent(client, sending, step)
    if step.method == "call_many":
        return answers
    if isinstance(answers[0], XdrError):
        raise answers[0]
    return answers[0]


def prepared(client: Resource, operation: str, ids: Sequence[Any], items: Sequence[dict[str, Any]]) -> Sending:
    """What a call would send for each of its arguments, which are checked by that."""
    known = facts(operation)
    if known is None:
        raise InvalidArgumentError(f"operation: there is no {operation!r}", argument="operation")
    if known.is_upload:
        url = client._core.base_urls[known.service].rstrip("/") + known.path
        requests = [{"method": known.method, "url": url, "body": item} for item in items]
    else:
        requests = [client._core.preview(operation, item) for item in items]
    return Sending(operation, known.effect, ids, items, requests, known.machines)


def would(client: Resource, sending: Sending) -> Flow[ActionRefusedError]:
    """The refusal of a dry run, with its plan."""
    plan, _ = yield from planned(client, sending)
    yield from _record(client, sending, "intent", range(len(plan)), dry_run=True)
    return ActionRefusedError("dry_run: the client sends nothing that changes something", plan=plan, reason="dry_run")


def planned(client: Resource, sending: Sending) -> Flow[tuple[Plan, list[XdrError | None]]]:
    """The plan, and for each of its requests why it must not be sent, if so."""
    policy = client._policy
    groups: list[Any] = [None] * len(sending.items)
    errors: list[XdrError | None] = [None] * len(sending.items)
    listed = policy is not None and policy.device_groups is not None
    if policy is not None and listed and sending.is_plain:
        errors = [_refused("with allow_device_groups, a plain request may only read: nobody knows what it is about")]
    elif policy is not None and listed and sending.machines is not None:
        groups, errors = yield from _groups(policy, sending)
    items = []
    for i, made in enumerate(sending.requests):
        error = errors[i]
        items.append(
            {
                "id": sending.ids[i],
                "method": made["method"],
                "url": made["url"],
                "body": shown(made["body"]),
                "allowed": error is None,
                **({"device_group": groups[i]} if listed and sending.machines is not None else {}),
                **({} if error is None else {"reason": error.message}),
            }
        )
    plan = Plan(sending.operation, sending.effect, items)
    for error in errors:
        if isinstance(error, ActionRefusedError):
            error.plan = plan
    return plan, errors


def _groups(policy: Policy, sending: Sending) -> Flow[tuple[list[Any], list[XdrError | None]]]:
    """The device groups that each call is about, and why it must not be sent. What cannot be read is not allowed."""
    named = [item.get(sending.machines or "") for item in sending.items]
    wanted = [list(n) if isinstance(n, (list, tuple, set, frozenset)) else [n] for n in named]
    every = list(dict.fromkeys(machine for machines in wanted for machine in machines))
    found = yield Step("call_many", "machines.get", [{"id": machine} for machine in every], CONCURRENCY)
    by_id = dict(zip(every, found))
    groups: list[Any] = []
    errors: list[XdrError | None] = []
    for machines in wanted:
        error: XdrError | None = None
        its = []
        for machine in machines:
            answer = by_id[machine]
            if isinstance(answer, XdrError):
                error = error or answer
                continue
            group = answer.get("rbacGroupName") if isinstance(answer, dict) else None
            its.append(group)
            if not isinstance(group, str) or group not in (policy.device_groups or ()):
                of = f"is in the device group {group!r}" if group else "is in no device group"
                error = error or _refused(
                    f"{machine} {of}; allowed are {', '.join(map(repr, policy.device_groups or ()))}"
                )
        if not machines:
            error = _refused("it names no machine")
        groups.append(its[0] if len(its) == 1 else its or None)
        errors.append(error)
    return groups, errors


def sent(client: Resource, sending: Sending, step: Step) -> Flow[list[Any]]:
    """Sends what the policy allows; the answer to each, or its error."""
    policy = client._policy
    if policy is None:
        return (yield from _send(step, range(len(sending.items))))
    plan, errors = yield from planned(client, sending)
    going = [i for i, error in enumerate(errors) if error is None]
    refused = [i for i, error in enumerate(errors) if error is not None]
    if going and policy.confirm is not None and (sending.effect == "acts" or sending.is_plain):
        answer = check_answered("confirm", (yield Ask(policy.confirm, plan)))
        if answer is not True:
            error = _refused("confirm did not answer True" + ("" if answer is False else f" but {answer!r}"))
            error.plan = plan
            yield from _record(client, sending, "refused", range(len(plan)), [error] * len(plan))
            raise error
    yield from _record(client, sending, "refused", refused, [errors[i] for i in refused])
    yield from _record(client, sending, "intent", going)
    answers: list[Any] = list(errors)
    try:
        came = yield from _send(step, going)
    except BaseException as e:
        # Interrupted: it may have gone out.
        yield from _record(client, sending, "outcome", going, [e] * len(going))
        raise
    for i, answer in zip(going, came):
        answers[i] = answer
    yield from _record(client, sending, "outcome", going, came)
    return answers


def _send(step: Step, going: Sequence[int]) -> Flow[list[Any]]:
    """The answers to those calls of a step, or their errors."""
    if not going:
        return []
    if step.method == "call_many":
        operation, items, *rest = step.arguments
        answers: list[Any] = yield Passed("call_many", operation, [items[i] for i in going], *rest)
        return answers
    try:
        return [(yield Passed(step.method, *step.arguments))]
    except XdrError as error:
        return [error]


def noted(client: Resource, sending: Sending, phase: str, i: int, answer: Any) -> Flow[None]:
    """Records what was found out after the outcome."""
    yield from _record(client, sending, phase, [i], [answer])


def _record(
    client: Resource,
    sending: Sending,
    phase: str,
    which: Sequence[int],
    answers: Sequence[Any] | None = None,
    dry_run: bool = False,
) -> Flow[None]:
    policy = client._policy
    if policy is None or policy.on_action is None or not which:
        return
    core = client._core
    who = {"client_id": core.client_id, "tenant_id": core.tenant_id, "user": (yield from _user())}
    records = [
        {
            "time": moment(core.now()),
            "phase": phase,
            "operation": sending.operation,
            "effect": sending.effect,
            "id": sending.ids[i],
            "arguments": shown(sending.items[i]),
            "request": {"method": sending.requests[i]["method"], "url": shown_path(sending.requests[i]["url"])},
            "outcome": None if answers is None else outcome(answers[n]),
            **who,
            "dry_run": dry_run,
        }
        for n, i in enumerate(which)
    ]
    try:
        if not callable(policy.on_action):
            append(str(policy.on_action), records)
            return
        for record in records:
            check_answered("on_action", (yield Ask(policy.on_action, record)))
    except ConfigurationError:
        raise
    except Exception as e:
        if phase == "intent":
            text = f"the record could not be written ({type(e).__name__}: {e})"
            raise ActionRefusedError(f"on_action: {text}; nothing was sent", reason=text) from e
        from warnings import warn

        warn(f"on_action: the {phase} of {sending.operation} was not recorded: {e}", RuntimeWarning, stacklevel=2)


def _user() -> Flow[str | None]:
    try:
        return identity((yield Step("accounts")))
    except XdrError:
        return None


def _refused(reason: str) -> ActionRefusedError:
    return ActionRefusedError(f"refused: {reason}", reason=reason)


def _plain(method: str, path: str, options: dict[str, Any]) -> Sending:
    made = {"method": method.upper(), "url": shown_path(path), "body": options.get("json")}
    item = {name: options[name] for name in ("service", "params", "json") if options.get(name) is not None}
    return Sending(f"{method.upper()} {shown_path(path)}", "acts", [None], [item], [made], is_plain=True)


def _is_read(method: str, path: str, service: str) -> bool:
    """Whether a plain request only reads, as far as its method tells, or the operation that it is."""
    if method.upper() in ("GET", "HEAD"):
        return True
    path = re.sub(r"^[a-z]+://[^/]+", "", path.partition("?")[0])
    # Letter by letter: a path that leads elsewhere by dots is none that is declared.
    return any(
        known.effect == "reads" and known.service == service and (known.method, known.path) == (method.upper(), path)
        for known in table().values()
    )

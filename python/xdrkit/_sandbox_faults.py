"""What goes wrong in a sandbox, as a plan: which requests, what happens to them, how often, and whether it did."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Any, Literal, Union

    from . import _core

    Delay = Union[str, float, timedelta]
    Kind = Literal[
        "answer",
        "reset",
        "stall",
        "token-expired",
        "link-expired",
        "delay",
        "lost",
        "truncate",
        "drip",
        "gzip-cut",
        "gzip-bad",
        "json-cut",
        "json-bom",
        "json-nul",
        "json-utf8",
        "html",
        "empty",
        "content-type",
        "next-link-host",
        "next-link-relative",
        "next-link-same",
        "next-link-garbage",
    ]
    Service = Literal["endpoint", "xdr", "graph", "sign-in", "storage"]


class Fault:
    """A fault in the plan of a sandbox. Made by `Faults.add` and `Faults.preset`."""

    def __init__(self, core: _core.Sandbox, id: int) -> None:
        self._core = core
        self._id = id

    @property
    def id(self) -> int:
        """What the answers to requests that meet it carry as ``x-sandbox-fault``, and records of requests as ``fault``."""
        return self._id

    @property
    def used(self) -> int:
        """How many requests met it. 0 once it was removed."""
        return self._core.fault_used(self._id) or 0

    def remove(self) -> bool:
        """Take it out of the plan. False if it is not there any more."""
        return self._core.remove_fault(self._id)

    def __repr__(self) -> str:
        return f"<Fault {self._id} used={self.used}>"


class Faults:
    """The plan of what goes wrong. The first fault that fits a request is used."""

    def __init__(self, core: _core.Sandbox) -> None:
        self._core = core

    @property
    def seed(self) -> int:
        """Chooses whom a probability meets and how long a delay is. May be set; default: 0."""
        return self._core.fault_seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._core.fault_seed = seed

    def add(
        self,
        *,
        match: str | None = None,
        path: str | None = None,
        service: Service | None = None,
        method: str | None = None,
        kind: Kind | None = None,
        status: int | None = None,
        message: str | None = None,
        code: str | None = None,
        body: str | Mapping[str, Any] | Sequence[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | timedelta | datetime | None = None,
        retry_after_form: Literal["seconds", "date", "milliseconds"] | None = None,
        aadsts: int | None = None,
        missing_role: bool | None = None,
        times: int | None = 1,
        after: int | None = None,
        every: int | None = None,
        probability: float | None = None,
        delay: Delay | tuple[Delay, Delay] | None = None,
    ) -> Fault:
        """Plan that something goes wrong. Without anything said, the next request is answered with 500.

        Args:
            match: Only these operations: ``"machines.isolate"``, or a pattern such as ``"machines.*"``.
            path: Only requests whose path begins so.
            service: Only this part of the sandbox.
            method: Only requests with this method.
            kind: What happens. ``"answer"`` (the default) answers with what is given here and does nothing else, as do
                ``"reset"`` (closes the connection), ``"stall"`` (never answers), ``"token-expired"`` (401),
                ``"link-expired"`` (of a file), ``"html"`` (200 with a web page) and ``"empty"`` (200 with nothing). The
                others do what was asked and spoil the answer: ``"delay"`` sends it later, ``"lost"`` never,
                ``"truncate"`` closes the connection half way, ``"drip"`` sends it in small pieces, ``"gzip-cut"``,
                ``"gzip-bad"`` (wrong checksum), ``"json-cut"``, ``"json-bom"``, ``"json-nul"``, ``"json-utf8"`` and
                ``"content-type"`` say what they do, and the next link of a list leads to another host
                (``"next-link-host"``), to a path alone (``"next-link-relative"``), to the same page
                (``"next-link-same"``) or nowhere (``"next-link-garbage"``).
            status: The status to answer with. Default: 500.
            message: The error's message, in the shape of the service's errors. Default: what the service says.
            code: The error's code. Default: the service's.
            body: The whole body to answer with; what is no text is sent as JSON.
            headers: Headers to answer with.
            retry_after: Seconds after which to come again.
            retry_after_form: How that is said: ``Retry-After`` in seconds (the default) or as a date, or
                ``x-ms-retry-after-ms``.
            aadsts: The number of an error of the token service, such as 7000215: sign-in requests are answered so.
            missing_role: Whether the answer says that the token lacks the operation's permissions; with ``status=403``.
            times: How many requests meet it. None: all, until it is removed.
            after: How many that it fits go through first. Default: 0.
            every: From then on each so manieth. Default: all.
            probability: From then on this share of them, from 0 to 1, chosen by `seed`.
            delay: How long the answer waits in real time, such as ``"200ms"``, 0.2 or a timedelta; of a pair something
                in between, chosen by `seed`.

        Returns:
            The fault, which counts how often it was used.

        Raises:
            InvalidArgumentError: a value is not allowed, or `match` fits no operation.
        """
        given = {name: value for name, value in locals().items() if name != "self" and value is not None}
        return self._add(given)

    def preset(self, name: str, **more: Any) -> Fault:
        """Plan one of the troubles that everybody meets, in the service's own words; `presets` has their names.

        Args:
            name: Such as ``"throttled"``, ``"query-timeout"`` or ``"aadsts7000215"``.
            more: What `add` takes, to have it otherwise; ``times=1`` is the default here, too. Presets meet operations
                of the services alone, unless `service` says otherwise or it is their nature.

        Raises:
            InvalidArgumentError: there is no such preset, or a value is not allowed.
        """
        given = {"times": 1, **more, "preset": name}
        return self._add({name: value for name, value in given.items() if value is not None})

    def presets(self) -> dict[str, str]:
        """The presets' names, and what each is."""
        return self._core.fault_presets()

    def list(self) -> list[dict[str, Any]]:
        """The plan: every fault with all that it says, and how often it was used."""
        return self._core.faults()

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._core.clear_faults()

    def assert_all_used(self) -> None:
        """Fail unless each fault of the plan was met: as often as it says, or once where it does not.

        Raises:
            AssertionError: a fault was not used up; it names all of those.
        """
        left = [
            fault for fault in self._core.faults() if fault["used"] < (1 if fault["times"] is None else fault["times"])
        ]
        if left:
            lines = (f"fault {fault['id']} ({_short(fault)}): met {fault['used']} times" for fault in left)
            raise AssertionError("not all faults were used: " + "; ".join(lines))

    def _add(self, given: dict[str, Any]) -> Fault:
        if "headers" in given:
            given["headers"] = {str(name): str(value) for name, value in dict(given["headers"]).items()}
        if "delay" in given:
            given["delay"] = _seconds(given["delay"])
        if "retry_after" in given:
            given["retry_after"] = self._wait(given)
        return Fault(self._core, self._core.add_fault(given))

    def _wait(self, given: dict[str, Any]) -> Any:
        from datetime import datetime

        wait = given["retry_after"]
        if not isinstance(wait, datetime):
            return _seconds(wait)
        from ._sandbox_clock import Clock

        given.setdefault("retry_after_form", "date")
        return max(0.0, (wait - Clock(self._core).now).total_seconds())

    def __len__(self) -> int:
        return len(self._core.faults())

    def __repr__(self) -> str:
        return f"<Faults {len(self)} planned, seed={self.seed}>"


def _seconds(time: Any) -> Any:
    if isinstance(time, (tuple, list)):
        return [_seconds(one) for one in time]
    return time.total_seconds() if hasattr(time, "total_seconds") else time


def _short(fault: dict[str, Any]) -> str:
    said = {
        name: fault[name] for name in ("match", "path", "service", "method", "kind", "times") if fault[name] is not None
    }
    if fault["kind"] == "answer":
        said["status"] = fault["status"] or 500
    return ", ".join(f"{name}={value!r}" for name, value in said.items())

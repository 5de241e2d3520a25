"""Calls that change something, for one id or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdrkit._flow import Flow, Step

if TYPE_CHECKING:
    from typing import Any

    from xdrkit._resources import Resource


def change(client: Resource, operation: str, ids: Any, arguments: dict[str, Any], **options: Any) -> Flow[Any]:
    """A call that changes something."""
    answer = yield Step("call", operation, {**arguments, **({} if ids is None else {"id": ids})}, None)
    return answer

"""Machine actions: waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdrkit._flow import Flow, Step
from xdrkit._resources import given

if TYPE_CHECKING:
    from xdrkit._generated.types import MachineAction
    from xdrkit._resources import Resource, Seconds


def wait(client: Resource, id: str, *, timeout: Seconds = 600, poll: Seconds | None = None) -> Flow[MachineAction]:
    """Wait until a machine action has ended.

    Args:
        id: Machine action id, a GUID.
        timeout: Seconds to wait at most. Default: 600.
        poll: Seconds between two looks. Default: short at first, then longer.

    Returns:
        The `MachineAction` in its final state, `Succeeded`.

    Raises:
        ActionFailedError: it ended otherwise; `action` holds what the service says.
        DeadlineExceededError: it has not ended within `timeout`. It goes on all the same.
        NotFoundError: there is no such action.
    """
    action: MachineAction = yield Step("wait_action", id, given(timeout=timeout, poll=poll))
    return action

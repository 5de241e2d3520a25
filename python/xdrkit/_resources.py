"""What the generated resource classes stand on, and the methods that no declaration can describe.

A class here that is named `<Resource>Extras` becomes the base of the generated class of that name, so that hand-written
methods stand beside generated ones and a user sees one class.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .results import AsyncPages, HuntResult, Pages

if TYPE_CHECKING:
    from typing import Any, Union

    from . import _core
    from ._generated.types import MachineAction

    Seconds = Union[float, timedelta]


def seconds(value: Any) -> Any:
    """A timedelta in seconds; anything else as it is, for Rust to judge."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def given(**values: Any) -> dict[str, Any]:
    """What was given: None means "leave it out" everywhere."""
    return {name: seconds(value) for name, value in values.items() if value is not None}


class Resource:
    """Methods of one resource. Made by the client."""

    __slots__ = ("_core",)

    def __init__(self, core: _core.Client) -> None:
        self._core = core

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._core.tenant_id}>"

    def _call(self, operation: str, arguments: dict[str, Any], **options: Any) -> Any:
        return self._core.call(operation, given(**arguments), given(**options) or None)

    def _pages(self, operation: str, arguments: dict[str, Any], **options: Any) -> Pages[Any]:
        return Pages(self._core, operation, arguments, given(**options))

    def _hunt(self, api: str, arguments: dict[str, Any], **options: Any) -> HuntResult:
        query = arguments.pop("query")
        return HuntResult._finished(self._core.hunt(query, given(api=api, **arguments, **options)), stacklevel=4)


class AsyncResource(Resource):
    """Methods of one resource, as coroutines. Made by the client."""

    __slots__ = ()

    async def _call(self, operation: str, arguments: dict[str, Any], **options: Any) -> Any:
        return await self._core.call_async(operation, given(**arguments), given(**options) or None)

    def _pages(self, operation: str, arguments: dict[str, Any], **options: Any) -> AsyncPages[Any]:  # type: ignore[override]
        return AsyncPages(self._core, operation, arguments, given(**options))

    async def _hunt(self, api: str, arguments: dict[str, Any], **options: Any) -> HuntResult:  # type: ignore[override]
        query = arguments.pop("query")
        return HuntResult._finished(
            await self._core.hunt_async(query, given(api=api, **arguments, **options)), stacklevel=4
        )


class MachineActionsExtras(Resource):
    """Waiting."""

    __slots__ = ()

    def wait(self, id: str, *, timeout: Seconds = 600, poll: Seconds | None = None) -> MachineAction:
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
        action: Any = self._core.wait_action(id, given(timeout=timeout, poll=poll))
        return action  # type: ignore[no-any-return]


class AsyncMachineActionsExtras(AsyncResource):
    """Waiting."""

    __slots__ = ()

    async def wait(self, id: str, *, timeout: Seconds = 600, poll: Seconds | None = None) -> MachineAction:
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
        action: Any = await self._core.wait_action_async(id, given(timeout=timeout, poll=poll))
        return action  # type: ignore[no-any-return]

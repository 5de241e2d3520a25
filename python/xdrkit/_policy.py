"""What guards and records calls that change something: dry runs, confirmation, device groups, the audit record; and what came of them."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Policy:
    """What a client was told about calls that change something."""


class Plan:
    """What would be sent."""


class Outcomes(Generic[T]):
    """What came of several calls, one for each id."""


__all__ = ["Any", "Outcomes", "Plan", "Policy"]

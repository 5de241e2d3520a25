"""The shapes of answers, for annotations: ``def triage(machine: xdrkit.types.Machine) -> None``.

They are plain dicts at run time. Import this module by name; `import xdrkit` leaves it out, since few programs need it.
"""

from __future__ import annotations

from ._generated import types as _types
from ._generated.types import *  # noqa: F403

__all__: list[str] = []
__all__ += _types.__all__

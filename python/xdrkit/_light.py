"""What is needed of the standard library while `import xdrkit` runs, without what it costs there.

`typing`, `functools` and `collections` take longer to load than all of xdrkit. A type checker sees the originals; what stands
here for them at run time does as much as a module's head needs.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence as Sequence
    from functools import cached_property as cached_property
    from typing import Generic as Generic
    from typing import TypeVar as TypeVar
    from typing import overload as overload
else:
    # The very class of collections.abc, which every interpreter has loaded.
    from _collections_abc import Sequence

    class Generic:
        """A class that can be subscripted, so that annotations and base classes may name what it holds."""

        __slots__ = ()

        def __class_getitem__(cls, held):
            return cls if cls is Generic else type(list[int])(cls, held)

    class cached_property:
        """An attribute that is made when it is first read. Two threads may both make it; the last one's stays."""

        def __init__(self, make):
            self.make = make
            self.__doc__ = make.__doc__

        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            made = instance.__dict__[self.name] = self.make(instance)
            return made

    def TypeVar(name):
        return name

    def overload(function):
        return function


__all__ = ["Generic", "Sequence", "TypeVar", "cached_property", "overload"]

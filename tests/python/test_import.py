"""What `import xdrkit` brings in, and that what it leaves for later is there when it is asked for."""

from __future__ import annotations

import collections.abc
import pickle
import subprocess
import sys

import pytest

import xdrkit
from xdrkit._generated import aio, sync

# Each takes as long to load as xdrkit does, or longer.
LEFT_ALONE = (
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "inspect",
    "IPython",
    "json",
    "logging",
    "pandas",
    "polars",
    "pyarrow",
    "re",
    "threading",
    "typing",
)


def loaded(statement: str) -> set[str]:
    """The modules that a statement brings in beyond those of the interpreter's own start."""
    program = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    # Without site-packages' own start-up files, which load what they like.
    path = [entry for entry in sys.path if entry]
    child = [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {path!r}\n{program}"]
    return set(subprocess.run(child, capture_output=True, text=True, check=True).stdout.split())


def test_import_leaves_alone_what_takes_long() -> None:
    brought = loaded("import xdrkit")
    assert "xdrkit._core" in brought
    assert {name.partition(".")[0] for name in brought}.isdisjoint(LEFT_ALONE)


def test_making_a_client_and_a_resource_takes_no_more() -> None:
    client = "xdrkit.Client('t.example', '11111111-1111-4111-8111-111111111111', 'secret')"
    brought = loaded(f"import xdrkit\n{client}.machines")
    assert {name for name in brought if name.startswith("xdrkit._generated.")} == {
        "xdrkit._generated.sync",
        "xdrkit._generated.sync.machines",
    }
    assert {name.partition(".")[0] for name in brought}.isdisjoint(LEFT_ALONE)


def test_every_public_name_is_there() -> None:
    names = xdrkit.__all__
    assert loaded(f"import xdrkit\nfor name in {names!r}: assert getattr(xdrkit, name) is getattr(xdrkit, name)")
    assert set(names) <= set(dir(xdrkit))


def test_a_star_import_has_them_all() -> None:
    space: dict[str, object] = {}
    exec("from xdrkit import *", space)
    assert set(xdrkit.__all__) <= set(space)


def test_an_unknown_name_is_none() -> None:
    for module in (xdrkit, xdrkit.credentials, sync, aio):
        with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
            module.Clinet  # noqa: B018


def test_named_tuples_made_late_are_found_again() -> None:
    token = xdrkit.AccessToken("secret", 7)
    assert pickle.loads(pickle.dumps(token)) == token
    assert type(token) is xdrkit.credentials.AccessToken
    assert token._fields == ("token", "expires_on")
    assert "secret" not in repr(token)
    assert xdrkit.DeviceCode.__module__ == xdrkit.SignInPage.__module__ == "xdrkit.credentials"


@pytest.mark.parametrize("module", [sync, aio], ids=["sync", "async"])
def test_each_resource_is_made_once_and_has_its_words(module: object) -> None:
    prefix = "Async" if module is aio else ""
    owner = getattr(module, f"{prefix}Resources")
    names = [name for name in vars(owner) if not name.startswith("_")]
    assert "machines" in names
    client = owner()
    client._core = client._policy = None
    for name in names:
        assert getattr(client, name) is getattr(client, name)
        assert vars(owner)[name].__doc__


def test_what_stands_in_for_typing_can_be_subscripted() -> None:
    for class_ in (xdrkit.Pages, xdrkit.AsyncPages, xdrkit.Outcome, xdrkit.Outcomes):
        assert class_[int].__origin__ is class_  # type: ignore[index]
    assert issubclass(xdrkit.HuntResult, collections.abc.Sequence)
    assert issubclass(xdrkit.Outcomes, collections.abc.Sequence)

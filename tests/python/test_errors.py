"""Errors can be caught by what to do next, read by a person, and sent between processes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

import xdrkit
from xdrkit import errors

CLASSES = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.XdrError)]
PARENTS = {
    "ConfigurationError": ValueError,
    "InvalidArgumentError": ValueError,
    "UnknownOperationError": LookupError,
    "ConnectError": ConnectionError,
    "ConnectionLostError": ConnectionError,
    "DeadlineExceededError": TimeoutError,
    "FileError": OSError,
    "PermissionDeniedError": PermissionError,
    "NotFoundError": LookupError,
}
FACTS: dict[str, Any] = {
    "status": 403,
    "code": "Forbidden",
    "request_id": "7f0e",
    "retry_after": 2.5,
    "method": "GET",
    "url": "https://api.example/api/machines",
    "attempts": 2,
    "retryable": True,
    "hint": "ask somebody",
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_every_error_keeps_its_facts_through_pickle_and_copy(cls: type[errors.XdrError]) -> None:
    error = cls("it broke", **FACTS, argument="id", more=[1, {"a": "b"}])
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is cls
        assert again.__dict__ == error.__dict__
        assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_every_error_is_made_from_a_message_alone(cls: type[errors.XdrError]) -> None:
    error = cls("it broke")
    assert str(error) == error.message == "it broke"
    assert (error.status, error.code, error.hint, error.attempts, error.retryable) == (None, None, None, 0, False)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_every_error_is_public_documented_and_drawn_in_the_tree(cls: type[errors.XdrError]) -> None:
    assert cls.__name__ in errors.__all__
    assert getattr(xdrkit, cls.__name__) is cls
    assert cls.__doc__
    assert re.search(rf"\b{cls.__name__}\b", errors.__doc__ or "")


@pytest.mark.parametrize(("name", "parent"), PARENTS.items())
def test_an_error_is_caught_by_the_class_that_python_has_for_it(name: str, parent: type[Exception]) -> None:
    cls = getattr(errors, name)
    assert issubclass(cls, parent)
    assert issubclass(cls, errors.XdrError)
    with pytest.raises(parent):
        raise cls("it broke", status=1)


def test_the_text_has_the_message_then_what_is_known_then_the_hint() -> None:
    error = errors.PermissionDeniedError(
        "no permission", status=403, code="Forbidden", request_id="7f0e", hint="grant it"
    )
    assert str(error) == "no permission [status 403, code Forbidden, request id 7f0e]\nhint: grant it"
    assert str(errors.ServiceError("down", status=503)) == "down [status 503]"


def test_the_repr_names_the_class_and_what_is_known() -> None:
    assert repr(errors.NotFoundError("gone", status=404)) == "NotFoundError('gone', status=404)"


def test_what_only_one_class_knows_is_an_attribute_with_a_default() -> None:
    assert errors.InvalidArgumentError("x").allowed is None
    assert list(errors.PermissionDeniedError("x").missing) == []
    assert errors.ActionFailedError("x", action={"status": "Failed"}).action == {"status": "Failed"}
    assert errors.InteractionRequiredError("x", claims="{}").claims == "{}"


def test_an_error_with_another_constructor_is_still_pickled() -> None:
    again = pickle.loads(pickle.dumps(Peculiar(7)))
    assert (type(again), again.message, again.number) == (Peculiar, "number 7", 7)


class Peculiar(errors.NotFoundError):
    def __init__(self, number: int) -> None:
        super().__init__(f"number {number}")
        self.number = number


def test_a_cause_stays_attached() -> None:
    cause = OSError("no route")
    with pytest.raises(errors.ConnectError) as caught:
        raise errors.ConnectError("not connected") from cause
    assert caught.value.__cause__ is cause


def test_warnings_are_shown_without_being_asked_for() -> None:
    # DeprecationWarning is hidden outside __main__, so it would not reach the people who must act.
    assert issubclass(errors.LegacyHuntingWarning, FutureWarning)
    assert issubclass(errors.TruncatedResultWarning, UserWarning)

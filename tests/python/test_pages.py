"""Lists are asked for when they are read, one page at a time, and anew at each reading."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Callable

import pytest

from xdrkit import AsyncPages, InvalidArgumentError, Pages

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class FakeCore:
    """Answers the pages that it was given, and keeps what it was asked."""

    def __init__(self, *pages: list[int]) -> None:
        self.answers = pages
        self.asked: list[tuple[str, dict[str, Any], Any]] = []
        self.sent = 0

    def pages(self, operation: str, arguments: dict[str, Any], options: Any) -> FakeCursor:
        self.asked.append((operation, arguments, options))
        return FakeCursor(self)


class FakeCursor:
    def __init__(self, core: FakeCore) -> None:
        self.core = core
        self.left = list(core.answers)

    def next(self) -> list[int] | None:
        if not self.left:
            return None
        self.core.sent += 1
        return self.left.pop(0)

    async def next_async(self) -> list[int] | None:
        return self.next()


def listing(kind: type[Any], core: FakeCore, **arguments: Any) -> Any:
    return kind(core, "machines.list", {"filter": None, "top": None, **arguments}, {})


async def collected(pages: Any) -> list[Any]:
    return [item async for item in pages]


def test_nothing_is_asked_before_the_first_item_is_wanted() -> None:
    core = FakeCore([1, 2], [3])
    pages = listing(Pages, core)
    iterator = iter(pages)
    assert core.sent == 0
    assert next(iterator) == 1
    assert core.sent == 1


def test_items_come_in_order_and_empty_pages_do_not_end_the_list() -> None:
    assert list(listing(Pages, FakeCore([1, 2], [], [3]))) == [1, 2, 3]


def test_pages_come_as_they_are() -> None:
    assert list(listing(Pages, FakeCore([1, 2], [3])).pages()) == [[1, 2], [3]]


def test_a_second_loop_asks_anew() -> None:
    core = FakeCore([1])
    pages = listing(Pages, core)
    assert (list(pages), list(pages), core.sent) == ([1], [1], 2)


def test_collect_stops_at_the_limit_and_asks_for_no_more() -> None:
    core = FakeCore([1, 2], [3, 4], [5])
    pages = listing(Pages, core)
    assert pages.collect(3) == [1, 2, 3]
    assert core.sent == 2
    assert core.asked[-1][1] == {"top": 3}
    assert pages.collect() == [1, 2, 3, 4, 5]


def test_collect_of_nothing_asks_nothing() -> None:
    core = FakeCore([1])
    assert listing(Pages, core).collect(0) == []
    assert core.sent == 0


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True])
def test_a_limit_that_is_no_number_of_items_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        listing(Pages, FakeCore([1])).collect(limit)
    assert caught.value.argument == "limit"


def test_the_first_item_is_asked_for_alone() -> None:
    core = FakeCore([], [7, 8])
    assert listing(Pages, core, top=50).first() == 7
    assert core.asked[-1][1] == {"top": 1}
    assert listing(Pages, FakeCore()).first() is None


def test_a_list_that_takes_no_top_is_not_given_one() -> None:
    core = FakeCore([1, 2])
    assert Pages(core, "x.list", {}, {}).collect(1) == [1]  # type: ignore[arg-type]
    assert core.asked[-1][1] == {}


def test_the_repr_names_operation_and_arguments_and_asks_nothing() -> None:
    core = FakeCore([1])
    assert repr(listing(Pages, core, filter="a eq 'b'")) == """<Pages of machines.list filter="a eq 'b'">"""
    assert core.sent == 0


# The same for the async client


def test_async_nothing_is_asked_before_the_first_item_is_wanted(run: Run) -> None:
    core = FakeCore([1, 2], [3])

    async def main() -> None:
        iterator = listing(AsyncPages, core).__aiter__()
        assert core.sent == 0
        assert await iterator.__anext__() == 1
        assert core.sent == 1

    run(main())


def test_async_items_come_in_order_and_empty_pages_do_not_end_the_list(run: Run) -> None:
    assert run(collected(listing(AsyncPages, FakeCore([1, 2], [], [3])))) == [1, 2, 3]


def test_async_pages_come_as_they_are(run: Run) -> None:
    assert run(collected(listing(AsyncPages, FakeCore([1, 2], [3])).pages())) == [[1, 2], [3]]


def test_async_a_second_loop_asks_anew(run: Run) -> None:
    core = FakeCore([1])
    pages = listing(AsyncPages, core)
    assert (run(collected(pages)), run(collected(pages)), core.sent) == ([1], [1], 2)


def test_async_collect_stops_at_the_limit_and_asks_for_no_more(run: Run) -> None:
    core = FakeCore([1, 2], [3, 4], [5])
    pages = listing(AsyncPages, core)
    assert run(pages.collect(3)) == [1, 2, 3]
    assert core.sent == 2
    assert core.asked[-1][1] == {"top": 3}
    assert run(pages.collect()) == [1, 2, 3, 4, 5]


def test_async_collect_of_nothing_asks_nothing(run: Run) -> None:
    core = FakeCore([1])
    assert run(listing(AsyncPages, core).collect(0)) == []
    assert core.sent == 0


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True])
def test_async_a_limit_that_is_no_number_of_items_is_refused(run: Run, limit: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        run(listing(AsyncPages, FakeCore([1])).collect(limit))
    assert caught.value.argument == "limit"


def test_async_the_first_item_is_asked_for_alone(run: Run) -> None:
    core = FakeCore([], [7, 8])
    assert run(listing(AsyncPages, core, top=50).first()) == 7
    assert core.asked[-1][1] == {"top": 1}
    assert run(listing(AsyncPages, FakeCore()).first()) is None


def test_async_a_list_that_takes_no_top_is_not_given_one(run: Run) -> None:
    core = FakeCore([1, 2])
    assert run(AsyncPages(core, "x.list", {}, {}).collect(1)) == [1]  # type: ignore[arg-type]
    assert core.asked[-1][1] == {}


def test_async_the_repr_names_operation_and_arguments_and_asks_nothing() -> None:
    core = FakeCore([1])
    assert repr(listing(AsyncPages, core, filter="a eq 'b'")) == """<AsyncPages of machines.list filter="a eq 'b'">"""
    assert core.sent == 0

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable

import pytest
from google.cloud.location.locations_pb2 import ListLocationsRequest, Location
from google.cloud.video.live_stream_v1 import types
from google.longrunning.operations_pb2 import ListOperationsRequest, Operation
from hypothesis import given, settings
from hypothesis import strategies as st

from livedvr.api.aip.order import parse_order
from livedvr.api.aip.paging import _digest, list_page
from livedvr.resources.errors import InvalidArgument

DvrSession, Request = types.DvrSession.pb(), types.ListDvrSessionsRequest.pb()
ITEM = DvrSession.DESCRIPTOR


def session(name: str, created: int = 0, state: int = 4):  # type: ignore[no-untyped-def]
    made = DvrSession(name=name, state=state)
    if created:
        made.create_time.seconds = created
    return made


SESSIONS = [session("d", 3), session("b", 1, 5), session("a", 3, 5), session("c"), session("e", 2)]


def names(messages: Iterable[DvrSession]) -> str:  # type: ignore[valid-type]
    return "".join(one.name for one in messages)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("order_by", "listed"),
    [
        ("", "abcde"),
        (" ", "abcde"),
        ("name desc", "edcba"),
        ("create_time", "cbead"),
        ("create_time desc", "adebc"),
        ("createTime desc,name desc", "daebc"),
        ("  state   asc ,  create_time  desc ", "decab"),
        ("error.code desc, name", "abcde"),
    ],
)
def test_a_collection_is_ordered_and_ties_by_name(order_by: str, listed: str) -> None:
    items, token = list_page(SESSIONS, Request(order_by=order_by), ITEM)
    assert (names(items), token) == (listed, "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("foo", "there is no field 'foo' .one of name"),
        ("error.foo", "there is no field 'error.foo' .one of code"),
        ("name.foo", "there is no field 'name.foo'"),
        ("create_time.seconds", "there is no field"),
        ("labels", "'labels' has no order: labels is repeated"),
        ("labels.show", "'labels.show' has no order"),
        ("dvr_manifests", "has no order"),
        ("error", "'error' has no order"),
        ("name up", "'name up' is no field to order by"),
        ("name,", "'' is no field to order by"),
        ("name DESC", "is no field to order by"),
        ("name," * 300, "it is too long"),
    ],
)
def test_what_is_no_order_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        list_page(SESSIONS, Request(order_by=text), ITEM)
    assert refused.value.field == "order_by"


def test_operations_and_locations_are_listed_too() -> None:
    done = [Operation(name=name, done=name == "b") for name in "abc"]
    items, token = list_page(done, ListOperationsRequest(filter="done = true"), Operation.DESCRIPTOR)
    assert (names(items), token) == ("b", "")
    places = [Location(name=name, location_id=name) for name in "ba"]
    items, token = list_page(places, ListLocationsRequest(page_size=1), Location.DESCRIPTOR)
    rest, last = list_page(places, ListLocationsRequest(page_size=1, page_token=token), Location.DESCRIPTOR)
    assert (names(items), names(rest), last) == ("a", "b", "")


def test_a_page_after_the_other_with_filter_and_order() -> None:
    request = Request(parent="c", page_size=2, filter="state = LIVE", order_by="create_time desc")
    first, request.page_token = list_page(SESSIONS, request, ITEM)
    second, last = list_page(SESSIONS, request, ITEM)
    assert (names(first), names(second), last) == ("de", "c", "")


@pytest.mark.parametrize(("size", "count"), [(0, 100), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_a_page_has_a_size(size: int, count: int) -> None:
    many = [session(f"{i:04}") for i in range(1002)]
    items, token = list_page(many, Request(page_size=size), ITEM)
    assert len(items) == count
    assert token


def test_the_size_of_a_page_may_change_on_the_way() -> None:
    token = list_page(SESSIONS, Request(page_size=1), ITEM)[1]
    assert names(list_page(SESSIONS, Request(page_size=3, page_token=token), ITEM)[0]) == "bcd"


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="it is negative") as refused:
        list_page(SESSIONS, Request(page_size=-1), ITEM)
    assert refused.value.field == "page_size"


def test_an_empty_collection_has_one_empty_page_and_bad_questions_all_the_same() -> None:
    assert list_page([], Request(), ITEM) == ([], "")
    with pytest.raises(InvalidArgument):
        list_page([], Request(filter="foo = 1"), ITEM)


def refused(request: Request) -> None:  # type: ignore[valid-type]
    with pytest.raises(InvalidArgument) as error:
        list_page(SESSIONS, request, ITEM)
    assert error.value.field == "page_token"


@pytest.mark.parametrize(
    "other",
    [
        {"parent": "other"},
        {"parent": "c", "filter": "state = LIVE"},
        {"parent": "c", "order_by": "create_time"},
        {"parent": "c", "order_by": "name"},
    ],
)
def test_a_token_of_another_list_is_refused(other: dict[str, str]) -> None:
    token = list_page(SESSIONS, Request(parent="c", page_size=1), ITEM)[1]
    assert list_page(SESSIONS, Request(parent="c", page_token=token), ITEM)[0]
    refused(Request(**other, page_token=token))


def test_a_token_of_another_kind_of_list_is_refused() -> None:
    clips = types.ListClipsRequest.pb()
    clip = types.Clip.pb()
    token = list_page([clip(name="a"), clip(name="b")], clips(parent="c", page_size=1), clip.DESCRIPTOR)[1]
    refused(Request(parent="c", page_token=token))


def test_a_token_goes_into_a_url_and_its_damage_is_seen_at_each_place() -> None:
    token = list_page(SESSIONS, Request(page_size=1, order_by="create_time"), ITEM)[1]
    assert token.replace("-", "a").replace("_", "a").isalnum()
    for i in range(len(token)):
        for damaged in (token[:i], token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :], token + token[i]):
            if damaged:
                refused(Request(order_by="create_time", page_token=damaged))


@pytest.mark.parametrize(
    "position",
    [
        1,
        "a",
        None,
        [],
        {},
        [["a"]],
        [["a"], ["b"]],
        [[1], [2]],
        [[None], ["a"]],
        [[1, 1], ["a"]],
        [[{}], ["a"]],
        [1, "a"],
    ],
)
def test_a_token_that_somebody_has_made_up_is_refused(position: object) -> None:
    request = Request(order_by="create_time")
    text = json.dumps(position)
    request.page_token = urlsafe_b64encode((_digest(request, text) + text).encode()).decode().rstrip("=")
    refused(request)


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda data: urlsafe_b64encode(data).decode().rstrip("=")))
def test_any_token_is_refused(token: str) -> None:
    refused(Request(page_token=token))


def test_a_deep_and_a_long_token_are_refused() -> None:
    for text in ("[" * 6000, "9" * 6000, "[" * 100_000):
        refused(Request(page_token=urlsafe_b64encode((" " * 16 + text).encode()).decode()))


@given(st.text())
def test_any_text_is_an_order_or_refused(text: str) -> None:
    try:
        order = parse_order(text, ITEM)
    except InvalidArgument as error:
        assert error.field == "order_by"
    else:
        assert order.fits(order.key(SESSIONS[0]))


NAMES = st.text("abc", min_size=1, max_size=3)
HOUSES = st.dictionaries(NAMES, st.integers(0, 3), max_size=12)
ORDERS = st.sampled_from(["", "name desc", "create_time", "create_time desc, name desc", "state desc, create_time"])


def walk(size: int, order_by: str, collection: Callable[[int], dict[str, int]]) -> list[str]:
    request, listed, page = Request(page_size=size, order_by=order_by), [], 0
    while page == 0 or request.page_token:
        sessions = [session(name, created) for name, created in collection(page).items()]
        items, request.page_token = list_page(sessions, request, ITEM)
        assert len(items) <= size
        listed += [one.name for one in items]
        page += 1
    return listed


@settings(max_examples=60)
@given(HOUSES, st.integers(1, 5), ORDERS)
def test_all_pages_are_the_list_each_item_once(house: dict[str, int], size: int, order_by: str) -> None:
    whole = list_page([session(*one) for one in house.items()], Request(order_by=order_by), ITEM)[0]
    assert walk(size, order_by, lambda _: house) == [one.name for one in whole]


@settings(max_examples=60)
@given(HOUSES, st.lists(HOUSES, min_size=1, max_size=4), st.integers(1, 5), ORDERS)
def test_what_stays_is_listed_once_whatever_comes_and_goes(
    stays: dict[str, int], others: list[dict[str, int]], size: int, order_by: str
) -> None:
    listed = walk(size, order_by, lambda page: {**others[page % len(others)], **stays})
    assert [listed.count(name) for name in stays] == [1] * len(stays)

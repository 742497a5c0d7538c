from __future__ import annotations

import pytest
from google.cloud.video.live_stream_v1 import types
from hypothesis import given
from hypothesis import strategies as st

from livedvr.api.aip.query import AnswerFormat, read_query
from livedvr.resources.errors import InvalidArgument

Create, Update = types.CreateDvrSessionRequest.pb(), types.UpdateDvrSessionRequest.pb()
List, Delete = types.ListDvrSessionsRequest.pb(), types.DeleteChannelRequest.pb()


def read(kind: type, *parameters: tuple[str, str]):  # type: ignore[no-untyped-def]
    request = kind()
    answer = read_query(parameters, request, bound=("parent", "name", "dvr_session"))
    return request, answer


@pytest.mark.parametrize("name", ["dvrSessionId", "dvr_session_id"])
def test_names_in_both_spellings(name: str) -> None:
    assert read(Create, (name, "match"))[0] == Create(dvr_session_id="match")


def test_what_the_official_client_sends() -> None:
    alt = ("$alt", "json;enum-encoding=int")
    request, answer = read(List, ("pageSize", "1"), ("filter", 'state="LIVE"'), ("orderBy", "create_time desc"), alt)
    assert request == List(page_size=1, filter='state="LIVE"', order_by="create_time desc")
    assert answer == AnswerFormat(enums_as_integers=True)
    assert read(Create, ("dvrSessionId", ""), alt)[0] == Create()
    assert read(Delete, ("force", "true"), alt)[0] == Delete(force=True)
    assert read(Update, ("updateMask", "dvrWindows"), alt)[0].update_mask.paths == ["dvr_windows"]


@pytest.mark.parametrize(
    ("parameter", "answer"),
    [
        (("alt", "json"), AnswerFormat()),
        (("$alt", "json;enum-encoding=string"), AnswerFormat()),
        (("prettyPrint", "true"), AnswerFormat(pretty=True)),
        (("$prettyPrint", "false"), AnswerFormat()),
    ],
)
def test_system_parameters(parameter: tuple[str, str], answer: AnswerFormat) -> None:
    assert read(List, parameter)[1] == answer


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("dvrWindows,labels", ["dvr_windows", "labels"]),
        ("dvr_windows , labels.myKey", ["dvr_windows", "labels.myKey"]),
        ("labels.`a.b`", ["labels.`a.b`"]),
        ("*", ["*"]),
        ("", []),
    ],
)
def test_a_mask_is_read_in_both_spellings(text: str, paths: list[str]) -> None:
    assert read(Update, ("updateMask", text))[0].update_mask.paths == paths


@pytest.mark.parametrize(
    ("kind", "parameters", "field", "says"),
    [
        (List, [("foo", "1")], "foo", "there is no parameter .foo. .one of page_size"),
        (List, [("parent", "x")], "parent", "there is no parameter"),
        (List, [("pageSize", "1"), ("page_size", "1")], "page_size", "given twice"),
        (List, [("alt", "json"), ("$alt", "json")], "$alt", "given twice"),
        (List, [("pageSize", "x")], "page_size", "'x' is no whole number"),
        (List, [("pageSize", "")], "page_size", "no whole number"),
        (List, [("pageSize", "3000000000")], "page_size", "out of range"),
        (Delete, [("force", "1")], "force", "'1' is no boolean .true or false"),
        (Create, [("dvrSession", "{}")], "dvrSession", "there is no parameter"),
        (Update, [("updateMask", "foo")], "update_mask", "'foo' does not exist"),
        (List, [("$alt", "proto")], "alt", "'proto' is not offered"),
        (List, [("prettyPrint", "yes")], "prettyPrint", "'yes' is not offered"),
        (List, [("key", "secret")], "key", "a secret in a URL"),
        (List, [("fields", "name")], "fields", "does not have this system parameter"),
    ],
)
def test_what_is_wrong_is_refused_by_name(kind: type, parameters: list[tuple[str, str]], field: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        read(kind, *parameters)
    assert refused.value.field == field
    assert "secret'" not in str(refused.value)


@given(st.lists(st.tuples(st.sampled_from(["updateMask", "requestId", "$alt", "prettyPrint"]) | st.text(), st.text())))
def test_any_query_is_read_or_refused(parameters: list[tuple[str, str]]) -> None:
    try:
        read(Update, *parameters)
    except InvalidArgument as error:
        assert error.field is not None


@pytest.mark.parametrize("kind", [Update, List])
def test_half_a_surrogate_pair_is_refused(kind: type) -> None:
    for parameter in (("\udc80", "1"), ("updateMask" if kind is Update else "filter", "labels.\udc80")):
        with pytest.raises(InvalidArgument):
            read(kind, parameter)

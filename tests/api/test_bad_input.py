"""Each bad input has one answer, over REST and over gRPC: code, reason and the field as the client knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import code_pb2
from grpc_status import rpc_status

from bad_requests import (
    INVALID,
    NOT_FOUND,
    SESSION,
    STARTED,
    TABLE,
    UUID,
    WINDOWS,
    C,
    Row,
    create_channel,
    create_input,
    create_session,
    window,
)
from livedvr.api.methods import METHODS, Method
from livedvr.api.status import HTTP
from serving import HERE, Served, serving

BY_NAME = {method.rpc: method for method in METHODS}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An input, a channel with a session, one without retention, one that is started."""
    with serving(tmp_path_factory.mktemp("serve") / "state") as served:
        for request in (
            {**create_input("in"), "requestId": UUID},
            create_input("two"),
            create_input("free"),
            create_channel("c", output={"uri": "gs://bucket/c"}),
            create_channel("bare", output={"uri": "gs://bucket/bare"}, retentionConfig=None),
            create_channel(
                "started",
                output={"uri": "gs://bucket/s"},
                inputAttachments=[{"key": "one", "input": f"{HERE}/inputs/two"}],
            ),
            create_session(window("01:00:00", "02:00:00"), name="d"),
        ):
            rpc = next(
                f"Create{kind}"
                for kind in ("Input", "Channel", "DvrSession")
                if f"{kind[0].lower()}{kind[1:]}" in request
            )
            assert ask_rest(served, BY_NAME[rpc], request)[0] == 200
        served.rest.start_channel(name=STARTED).result()
        yield served


def ask_rest(served: Served, method: Method, request: dict[str, Any]) -> tuple[int, Any]:
    """By the HTTP binding: path, body, and the rest as query."""
    rest = dict(request)
    owner, _, field = method.variable.rpartition(".")
    key = json_name(owner) if owner else field
    name = rest[key][field] if owner else rest.pop(field)
    path = method.path.replace("{" + f"{method.variable}={method.pattern}" + "}", name)
    body = None
    if method.body == "*":
        body, rest = rest, {}
    elif method.body is not None:
        body = {k: v for k, v in rest.pop(json_name(method.body)).items() if not (owner and k == field)}
    query = {k: str(v).lower() if isinstance(v, bool) else v for k, v in rest.items()}
    answer = served.ask(method.verb, path, params=query, json=body)
    return answer.status_code, answer.json()


def json_name(snake: str) -> str:
    first, *others = snake.split("_")
    return first + "".join(word.title() for word in others)


def ask_grpc(served: Served, method: Method, request: dict[str, Any]) -> tuple[str, list[Any]]:
    """(code, details) of the refusal."""
    ask = served.channel.unary_unary(
        f"/{method.service}/{method.rpc}", method.request.SerializeToString, method.response.FromString
    )
    with pytest.raises(grpc.RpcError) as raised:
        ask(json_format.ParseDict(request, method.request()), timeout=20)
    status = rpc_status.from_call(raised.value)
    assert status is not None
    return code_pb2.Code.Name(status.code), [json_format.MessageToDict(detail) for detail in status.details]


def check_details(details: list[Any], status: str, field: str | None) -> None:
    info, *more = details
    assert (info["@type"], info["reason"], info["domain"]) == (
        "type.googleapis.com/google.rpc.ErrorInfo",
        status,
        "livestream.googleapis.com",
    )
    assert info.get("metadata", {}).get("field") == field
    violations = [violation["field"] for detail in more for violation in detail["fieldViolations"]]
    assert violations == ([field] if status == INVALID else [])


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_rest(furnished: Served, case: Row) -> None:
    code, body = ask_rest(furnished, BY_NAME[case.rpc], case.request)
    assert code >= 400, body
    assert (body["error"]["status"], code, body["error"]["code"]) == (case.status, HTTP[case.status], code), body
    check_details(body["error"]["details"], case.status, case.field)


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_grpc(furnished: Served, case: Row) -> None:
    code, details = ask_grpc(furnished, BY_NAME[case.rpc], case.request)
    assert code == case.status, details
    check_details(details, case.status, case.field)


def rest_row(
    body: Any,
    field: str | None,
    *,
    path: str = f"{C}/dvrSessions?dvrSessionId=new",
    verb: str = "POST",
    status: str = INVALID,
) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return pytest.param(verb, path, data, status, field, id=f"{verb}-{path.rpartition('/')[2]}-{data[:40]!r}-{field}")


def session_body(**interval: Any) -> dict[str, Any]:
    return {"dvrManifests": [{"manifestKey": "hls"}], "dvrWindows": [{"timeInterval": interval}]}


INTERVAL = f"{WINDOWS}[0].time_interval"


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "field"),
    [
        # no JSON, or not ours
        *(
            rest_row(body, SESSION)
            for body in (
                b"{",
                b"nope",
                b"[]",
                b"1",
                b"null",
                b'"x"',
                b"\xff\xfe",
                b"[" * 100_000,
                b'{"a": NaN}',
                b"{} {}",
            )
        ),
        *(rest_row({field: 1}, f"{SESSION}.{field}") for field in ("nobody", "dvrwindows", "DvrWindows")),
        rest_row({"dvrWindows": [{"timeInterval": {"begin": "2099-01-01T00:00:00Z"}}]}, f"{INTERVAL}.begin"),
        rest_row(b'{"labels": {"a": "b"}, "labels": {}}', f"{SESSION}.labels"),
        # of another type
        rest_row({"dvrWindows": {}}, WINDOWS),
        rest_row({"dvrWindows": ["now"]}, f"{WINDOWS}[0]"),
        rest_row({"dvrWindows": [None]}, f"{WINDOWS}[0]"),
        rest_row({"dvrManifests": [{"manifestKey": 1}]}, f"{SESSION}.dvr_manifests[0].manifest_key"),
        rest_row({"labels": ["a"]}, f"{SESSION}.labels"),
        rest_row({"labels": {"a": 1}}, f"{SESSION}.labels.a"),
        rest_row({"state": "SUCCEEDED"}, f"{SESSION}.state"),
        rest_row({"state": 99}, f"{SESSION}.state"),
        # times
        *(
            rest_row(session_body(startTime=start), f"{INTERVAL}.start_time")
            for start in (
                1,
                "",
                "now",
                "2099-01-01",
                "2099-01-01T00:00:00",
                "2099-13-01T00:00:00Z",
                "10000-01-01T00:00:00Z",
                "0000-01-01T00:00:00Z",
            )
        ),
        rest_row(session_body(startTime="2099-01-01T00:00:00Z", endTime="2099-01-01T01:00:00"), f"{INTERVAL}.end_time"),
        rest_row(
            session_body(startTime="2099-01-01T00:00:00Z", endTime="10000-01-01T00:00:00Z"), f"{INTERVAL}.end_time"
        ),
        # queries
        rest_row({}, "nobody", path=f"{C}/dvrSessions?dvrSessionId=new&nobody=1"),
        rest_row({}, "dvr_session_id", path=f"{C}/dvrSessions?dvrSessionId=new&dvr_session_id=other"),
        rest_row(b"", "page_size", verb="GET", path=f"{C}/dvrSessions?pageSize=many"),
        rest_row(b"", "page_size", verb="GET", path=f"{C}/dvrSessions?pageSize=99999999999"),
        rest_row(b"", "force", verb="DELETE", path=f"{C}?force=maybe"),
        rest_row(b"", "key", verb="GET", path=f"{C}?key=secret"),
        rest_row({"labels": {}}, "update_mask", verb="PATCH", path=f"{C}/dvrSessions/d?updateMask=nobody"),
        rest_row({"labels": {}}, "update_mask", verb="PATCH", path=f"{C}/dvrSessions/d?updateMask=dvr_windows[0]"),
        rest_row(
            {"labels": {}}, "update_mask", verb="PATCH", path=f"{C}/dvrSessions/d?updateMask=dvrWindows.timeInterval"
        ),
        rest_row({"labels": {}}, "update_mask", verb="PATCH", path=f"{C}/dvrSessions/d?updateMask=,"),
        # enums and durations of other collections
        rest_row({"type": "CARRIER_PIGEON"}, "input.type", path=f"{HERE}/inputs?inputId=new"),
        rest_row({"type": 77}, "input.type", path=f"{HERE}/inputs?inputId=new"),
        rest_row(
            {"retentionConfig": {"retentionWindowDuration": "1 day"}},
            "channel.retention_config.retention_window_duration",
            path=f"{HERE}/channels?channelId=new",
        ),
        rest_row({"slate": {}, "mute": {}}, "event.mute", path=f"{C}/events?eventId=new"),
        # where nothing is
        rest_row(b"", None, verb="GET", path="/v2/nothing", status=NOT_FOUND),
        rest_row(b"", None, verb="GET", path=f"{HERE}/nothing", status=NOT_FOUND),
        rest_row(b"", None, verb="PUT", path=C, status=NOT_FOUND),
        rest_row(b"", None, verb="POST", path=C, status=NOT_FOUND),
        rest_row(b"", None, verb="POST", path=f"{C}:applaud", status=NOT_FOUND),
    ],
)
def test_rest_only(furnished: Served, verb: str, path: str, body: bytes, status: str, field: str | None) -> None:
    answer = furnished.ask(verb, path, data=body)
    error = answer.json()["error"]
    assert (error["status"], answer.status_code, error["code"]) == (status, HTTP[status], HTTP[status]), error
    check_details(error["details"], status, field)


def test_a_body_of_10_mb_is_refused(furnished: Served) -> None:
    body = b'{"labels": {"a": "' + b"a" * 10_000_000 + b'"}}'
    answer = furnished.ask("POST", f"{HERE}/inputs?inputId=new", data=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, INVALID)
    check_details(answer.json()["error"]["details"], INVALID, "body")


def test_over_grpc_a_time_beyond_the_year_9999_is_refused(furnished: Served) -> None:
    request = json_format.ParseDict(create_session(window("01:00:00", None)), BY_NAME["CreateDvrSession"].request())
    request.dvr_session.dvr_windows[0].time_interval.end_time.seconds = 253_402_300_800
    ask = furnished.channel.unary_unary(
        "/google.cloud.video.livestream.v1.LivestreamService/CreateDvrSession", type(request).SerializeToString
    )
    with pytest.raises(grpc.RpcError) as raised:
        ask(request, timeout=20)
    status = rpc_status.from_call(raised.value)
    assert status is not None and code_pb2.Code.Name(status.code) == INVALID
    check_details([json_format.MessageToDict(detail) for detail in status.details], INVALID, f"{INTERVAL}.end_time")


def test_a_page_token_of_another_list_is_stale(furnished: Served) -> None:
    first = furnished.ask("GET", f"{HERE}/inputs?pageSize=1").json()
    for other in (f"{HERE}/inputs?orderBy=name desc", f"{HERE}/inputs?filter=name:x", f"{HERE}/channels?pageSize=1"):
        answer = furnished.ask("GET", f"{other}&pageToken={first['nextPageToken']}")
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, INVALID)
        check_details(answer.json()["error"]["details"], INVALID, "page_token")


def test_what_is_written_by_the_server_only_stays_as_it_is(furnished: Served) -> None:
    """AIP-203: output-only fields in a mask are left alone."""
    body = {"state": "FINISHED", "createTime": "2020-01-01T00:00:00Z"}
    answer = furnished.ask("PATCH", f"{C}/dvrSessions/d?updateMask=state,createTime", json=body)
    assert answer.status_code == 200, answer.text
    session = furnished.ask("GET", f"{C}/dvrSessions/d").json()
    assert session["state"] != "FINISHED" and not session["createTime"].startswith("2020")


def test_a_field_in_the_mask_and_not_in_the_body_is_unset(furnished: Served) -> None:
    path = f"{HERE}/inputs/free"
    for body, left in (({"labels": {"a": "b"}}, {"a": "b"}), ({}, None)):
        assert furnished.ask("PATCH", f"{path}?updateMask=labels", json=body).status_code == 200
        assert furnished.ask("GET", path).json().get("labels") == left


def test_no_refused_request_has_left_anything(furnished: Served) -> None:
    assert sorted(one.name.rpartition("/")[2] for one in furnished.grpc.list_inputs(parent=HERE)) == [
        "free",
        "in",
        "two",
    ]
    assert sorted(one.name.rpartition("/")[2] for one in furnished.grpc.list_channels(parent=HERE)) == [
        "bare",
        "c",
        "started",
    ]
    assert [one.name.rpartition("/")[2] for one in furnished.grpc.list_dvr_sessions(parent=C)] == ["d"]


def test_an_answer_for_people(furnished: Served) -> None:
    plain, pretty = (furnished.ask("GET", f"{C}{query}") for query in ("", "?prettyPrint=true"))
    assert plain.json() == pretty.json()
    assert (plain.text.count("\n"), pretty.text.startswith('{\n  "name"')) == (0, True)

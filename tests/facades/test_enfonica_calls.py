"""Enfonica's calls: what they become, what is refused of them and how; and what `[enfonica]` may not say."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from builders import T0
from facades.enfonica_client import ApiError, name_of
from facades.house import House, a_channel
from facades.test_enfonica import EVERYTHING, KEY, PROJECT, TOKEN, Desk, a_call, section
from livedvr import Recording, RecordingSpec, TimeInterval
from livedvr.facades.config import read_facades
from livedvr.facades.enfonica.facade import Enfonica
from livedvr.facades.enfonica.messages import Call
from livedvr.facades.enfonica.shown import call_message, state_of
from livedvr.facades.enfonica.voice import Voice
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import to_datetime
from livedvr.resources.streams import ElementaryStream, MuxStream, VideoStream
from livedvr.resources.times import SECOND

AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
CALLS = f"/v1beta1/{PROJECT}/calls"
OPTIONS, RECORDING = "call.options", "call.options.recording"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with House(tmp_path, Enfonica(section())) as house:
        yield Desk(house)


async def test_a_call_is_queued_answered_and_completed_or_not_answered(desk: Desk) -> None:
    client, asked = desk.client(), a_call(postProcessing=["TRIM_SILENCE"]) | {"labels": {"desk": "news"}}
    made = await client.call("CreateCall", parent=PROJECT, call=asked)
    assert (name_of(made, "state"), name_of(made, "direction"), name_of(made, "create_method")) == (
        "QUEUED",
        "OUTGOING",
        "API",
    )
    assert made.create_time.ToMicroseconds() == T0 and dict(made.labels) == {"desk": "news"}
    assert list(made.options.recording.post_processing) == [1] and made.options.handler_uris
    private = await client.call("CreateCall", parent=PROJECT, call=a_call() | {"isPrivate": True})
    shown = await client.call("GetCall", name=private.name)
    assert shown.is_private and not getattr(shown, "from") and getattr(made, "from") == "+61290000000"
    assert name_of(shown, "state") == "STARTING" and not shown.HasField("answer_time")
    desk.house.clock.advance(46 * SECOND)  # 30 s are waited for an answer, and as long as media may be on its way
    (recording,) = (await client.call("ListRecordings", parent=private.name)).recordings
    ended = await desk.ended(recording.name)
    assert (name_of(ended, "state"), name_of(ended, "error_code")) == ("FAILED", "TIMEOUT")
    shown = await client.call("GetCall", name=private.name)
    assert name_of(shown, "state") == "NOT_ANSWERED" and shown.HasField("end_time")
    for text, names in (
        ("state = NOT_ANSWERED OR state = BUSY", [private.name, made.name]),
        ("state = COMPLETED", []),
        ("from = '+6129*' AND to = '+61280000000'", [made.name]),
        ("createTime >= '2026-11-21T02:00:01Z'", []),
    ):
        await desk.house.until(recording.name.rpartition("/")[2], "EMPTY")
        found = await client.all("ListCalls", "calls", parent=PROJECT, filter=text)
        assert [one.name for one in found] == names, text


async def test_the_documentation_s_call_is_taken_with_its_section(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "recordings-enfonica.md").read_text()
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))
    config = tmp_path / "facades.toml"
    config.write_text(blocks["toml"])
    (facade,) = read_facades(config)
    async with House(tmp_path, facade) as house:
        headers = {"authorization": "Bearer replace-me-0123456789"}
        made = await house.ask("POST", CALLS, blocks["json"].encode(), headers)
        assert made.status == 200 and made.json()["state"] == "QUEUED"
        (recording,) = await house.dvr.recordings.list("live")
        assert recording.spec.trim_silence and recording.spec.limits.max_idle == timedelta(seconds=60)
        assert [one.uri for one in recording.spec.notify] == ["https://calls.example/recorded"]


def _recording(state: str, *, reason: str | None = None, answered: bool = True) -> Recording:
    now = to_datetime(T0)
    return Recording(
        recording_id="r",
        channel_id="live",
        spec=RecordingSpec(formats=("WAV", "MP3")),
        state=state,
        spans=(TimeInterval(start_time=now),),
        end_reason=reason,
        create_time=now,
        update_time=now,
        start_time=now if answered else None,
    )


@pytest.mark.parametrize(
    ("recording", "state", "error", "call"),
    [
        (_recording("IDLE", answered=False), "PENDING", None, "STARTING"),
        (_recording("RECORDING"), "PENDING", None, "IN_PROGRESS"),
        (_recording("PAUSED"), "PENDING", None, "IN_PROGRESS"),
        (_recording("FINALIZING", reason="REQUESTED"), "PENDING", None, "COMPLETED"),
        (_recording("FINALIZING", reason="IDLE", answered=False), "PENDING", None, "NOT_ANSWERED"),
        (_recording("SUCCEEDED", reason="REQUESTED"), "SUCCEEDED", None, "COMPLETED"),
        (_recording("SUCCEEDED", reason="CHANNEL_STOPPED"), "SUCCEEDED", None, "COMPLETED"),
        (_recording("SUCCEEDED", reason="IDLE"), "FAILED", "TIMEOUT", "COMPLETED"),
        (_recording("EMPTY", reason="REQUESTED"), "EMPTY", None, "COMPLETED"),
        (_recording("EMPTY", reason="IDLE", answered=False), "FAILED", "TIMEOUT", "NOT_ANSWERED"),
        (_recording("FAILED", reason="REQUESTED"), "FAILED", "INTERNAL_ERROR", "COMPLETED"),
        (_recording("FAILED", answered=False), "FAILED", "INTERNAL_ERROR", "FAILED"),
    ],
)
def test_states(recording: Recording, state: str, error: str | None, call: str) -> None:
    assert state_of(recording) == (state, error)
    assert name_of(call_message(Call(), "n", T0, recording), "state") == call


REFUSED = [
    ({"to": ""}, 400, "INVALID_ARGUMENT", "call.to"),
    ({"from": None}, 400, "INVALID_ARGUMENT", "call.from"),
    ({"to": "+1"}, 404, "NOT_FOUND", "call.to"),
    ({"to": "mute"}, 400, "INVALID_ARGUMENT", "call.to"),
    ({"labels": {str(i): "" for i in range(51)}}, 400, "INVALID_ARGUMENT", "call.labels"),
    ({"labels": {"a": "x" * 10240}}, 400, "INVALID_ARGUMENT", "call.labels"),
    ({"labels": {"a": 1}}, 400, "INVALID_ARGUMENT", "call.labels.a"),
    ({"options": None}, 400, "INVALID_ARGUMENT", f"{OPTIONS}.handler_uris"),
    ({"options": []}, 400, "INVALID_ARGUMENT", "call.options"),
    ({"colour": "red"}, 400, "INVALID_ARGUMENT", "call.colour"),
    ({"state": "LOUD"}, 400, "INVALID_ARGUMENT", "call.state"),
    ({"createTime": "now"}, 400, "INVALID_ARGUMENT", "call.create_time"),
]
REFUSED_OPTIONS = [
    ({"handlerUris": []}, 400, "INVALID_ARGUMENT", "handler_uris"),
    ({"handlerUris": ["https://a.example/"] * 6}, 400, "INVALID_ARGUMENT", "handler_uris"),
    ({"handlerUris": ["/voice"]}, 400, "INVALID_ARGUMENT", "handler_uris[0]"),
    ({"handlerUris": ["https://a.example/", "sip:b@c"]}, 400, "INVALID_ARGUMENT", "handler_uris[1]"),
    ({"handlerUris": ["https://a.example/ b"]}, 400, "INVALID_ARGUMENT", "handler_uris[0]"),
    ({"handlerUris": ["https://[a/"]}, 400, "INVALID_ARGUMENT", "handler_uris[0]"),
    ({"handlerUris": ["http://10.0.0.1/"]}, 403, "PERMISSION_DENIED", "handler_uris[0]"),
    ({"handlerUris": ["https://a.example/", "http://10.0.0.1/"]}, 403, "PERMISSION_DENIED", "handler_uris[1]"),
    ({"stateUpdateUri": "https://a.example/"}, 501, "UNIMPLEMENTED", "state_update_uri"),
    ({"timeoutSeconds": 601}, 400, "INVALID_ARGUMENT", "timeout_seconds"),
    ({"timeoutSeconds": -1}, 400, "INVALID_ARGUMENT", "timeout_seconds"),
    ({"timeoutSeconds": "soon"}, 400, "INVALID_ARGUMENT", "timeout_seconds"),
    ({"recording": None}, 501, "UNIMPLEMENTED", "recording.trigger"),
    ({"recording": {"trigger": "DISABLED"}}, 501, "UNIMPLEMENTED", "recording.trigger"),
    ({"recording": {"trigger": "BRIDGE"}}, 501, "UNIMPLEMENTED", "recording.trigger"),
    ({"recording": {"trigger": "LATER"}}, 400, "INVALID_ARGUMENT", "recording.trigger"),
    ({"recording": {"trigger": 2, "transcribe": "DEFAULT"}}, 501, "UNIMPLEMENTED", "recording.transcribe"),
    (
        {"recording": {"trigger": 2, "transcriptionReadyUri": "https://a.example/"}},
        501,
        "UNIMPLEMENTED",
        "recording.transcription_ready_uri",
    ),
    (
        {"recording": {"trigger": 2, "postProcessing": ["POST_PROCESSING_UNSPECIFIED"]}},
        400,
        "INVALID_ARGUMENT",
        "recording.post_processing[0]",
    ),
    (
        {"recording": {"trigger": 2, "recordingReadyUri": "told"}},
        400,
        "INVALID_ARGUMENT",
        "recording.recording_ready_uri",
    ),
    (
        {"recording": {"trigger": 2, "recordingReadyUri": "http://localhost/"}},
        403,
        "PERMISSION_DENIED",
        "recording.recording_ready_uri",
    ),
]


async def test_what_is_refused_of_a_call_is_named_and_nothing_is_recorded(desk: Desk) -> None:
    mute = a_channel(desk.house.folder / "mute", name="mute").model_copy(
        update={
            "elementary_streams": (ElementaryStream(key="video", video_stream=VideoStream()),),
            "mux_streams": (MuxStream(key="av", elementary_streams=("video",)),),
        }
    )
    await desk.house.dvr.channels.create(mute)
    table = [(a_call() | changes, *wanted) for changes, *wanted in REFUSED]
    for changes, code, status, field in REFUSED_OPTIONS:
        call = a_call()
        table.append((call | {"options": call["options"] | changes}, code, status, f"{OPTIONS}.{field}"))
    for body, *wanted in table:
        answer = await desk.house.ask("POST", CALLS, body, AUTHORIZED)
        error = answer.json()["error"]
        found = ApiError(answer.status, error)
        assert [answer.status, found.status, found.field] == wanted, (body, error)
    assert not (await desk.client().call("ListCalls", parent=PROJECT)).calls
    assert await desk.house.dvr.recordings.list("live") == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "code", "status", "field"),
    [
        ("POST", "/calls", b"{", 400, "INVALID_ARGUMENT", "call"),
        ("POST", "/calls", b"[]", 400, "INVALID_ARGUMENT", "call"),
        ("POST", "/calls", b"", 400, "INVALID_ARGUMENT", "call.to"),
        ("POST", "/calls", b'{"to": "a", "to": "b"}', 400, "INVALID_ARGUMENT", "call.to"),
        ("POST", "/calls", b" " * ((1 << 20) + 1), 400, "INVALID_ARGUMENT", "body"),
        ("POST", "/calls?to=live", b"{}", 400, "INVALID_ARGUMENT", "to"),
        ("GET", "/calls?pageSize=many", b"", 400, "INVALID_ARGUMENT", "page_size"),
        ("GET", "/calls?pageSize=-1", b"", 400, "INVALID_ARGUMENT", "page_size"),
        ("GET", "/calls?pageToken=x", b"", 400, "INVALID_ARGUMENT", "page_token"),
        ("GET", "/calls?filter=state+~+1", b"", 400, "INVALID_ARGUMENT", "filter"),
        ("GET", "/calls?filter=colour%3Dred", b"", 400, "INVALID_ARGUMENT", "filter"),
        ("GET", "/calls?view=FULL", b"", 400, "INVALID_ARGUMENT", "view"),
        ("GET", "/calls/nobody", b"", 404, "NOT_FOUND", "name"),
        ("GET", "/recordings?view=NONE", b"", 400, "INVALID_ARGUMENT", "view"),
        ("GET", "/recordings?view=BASIC&view=FULL", b"", 400, "INVALID_ARGUMENT", "view"),
        ("GET", "/recordings?filter=a", b"", 400, "INVALID_ARGUMENT", "filter"),
        ("GET", "/recordings?pageToken=WzFd", b"", 400, "INVALID_ARGUMENT", "page_token"),
        ("GET", "/recordings?access_token=x", b"", 400, "INVALID_ARGUMENT", "access_token"),
        ("GET", "/calls/c/recordings/r", b"", 404, "NOT_FOUND", "name"),
        ("GET", "/calls/nobody/recordings", b"", 404, "NOT_FOUND", "parent"),
        ("DELETE", "/calls/c/recordings/r", b"", 404, "NOT_FOUND", "name"),
        ("PATCH", "/calls/c/recordings/r", b"", 501, "UNIMPLEMENTED", None),
        ("GET", "/messages", b"", 404, "NOT_FOUND", None),
        ("GET", "/transcriptions", b"", 501, "UNIMPLEMENTED", "transcriptions"),
        ("GET", "/calls/c/transcriptions", b"", 501, "UNIMPLEMENTED", "transcriptions"),
        ("GET", "/calls/c/transcriptions/t", b"", 501, "UNIMPLEMENTED", "transcriptions"),
        ("DELETE", "/calls/c/transcriptions/t", b"", 501, "UNIMPLEMENTED", "transcriptions"),
    ],
)
async def test_bad_requests(
    desk: Desk, verb: str, path: str, body: bytes, code: int, status: str, field: str | None
) -> None:
    answer = await desk.house.ask(verb, f"/v1beta1/{PROJECT}{path}", body, AUTHORIZED)
    found = ApiError(answer.status, answer.json()["error"])
    assert (found.code, found.status, found.field) == (code, status, field), found


async def test_a_defect_is_told_as_no_more_than_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("something secret")

    monkeypatch.setattr(Voice, "get_call", fail)
    answer = await desk.house.ask("GET", f"{CALLS}/c", headers=AUTHORIZED)
    assert (answer.status, answer.json()["error"]["status"]) == (500, "INTERNAL")
    assert "secret" not in answer.body.decode() and "something secret" in caplog.text


async def test_who_guesses_tokens_is_slowed_down(desk: Desk) -> None:
    codes = [(await desk.house.ask("GET", CALLS)).status for _ in range(21)]
    assert codes == [401] * 20 + [429]
    assert (await desk.house.ask("GET", CALLS)).headers["retry-after"] == "1"
    assert (await desk.house.ask("GET", CALLS, headers=AUTHORIZED)).status == 200


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (KEY, "AAAA", r"\[enfonica\] signing_key: .*it is 64 bytes in base64"),
        (KEY, "?" * 88, r"\[enfonica\] signing_key: .*it is 64 bytes in base64"),
        ('project = "newsroom"', "", r"\[enfonica\] project: Field required"),
        ('project = "newsroom"', 'project = "News Room"', r"\[enfonica\] project: "),
        ("voice.calls.get", "voice.calls.delete", r"\[enfonica\] permissions.*: Input should be"),
        (TOKEN, "short", r"\[enfonica\] token: "),
        ("listen", "listens", r"\[enfonica\] listen: Field required"),
        ('project = "newsroom"', 'project = "newsroom"\ncolour = "red"', r"\[enfonica\] colour: "),
        ('project = "newsroom"', 'project = "newsroom"\nurl = "ftp://a"', r"\[enfonica\] url: "),
    ],
)
def test_a_section_that_is_wrong_is_told_by_its_key_and_no_secret(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = f"""
[enfonica]
listen = "127.0.0.1:8091"
project = "newsroom"
signing_key = "{KEY}"
[[enfonica.tokens]]
token = "{TOKEN}"
permissions = {json.dumps(EVERYTHING)}
"""
    path = tmp_path / "facades.toml"
    path.write_text(text)
    (facade,) = read_facades(path)
    assert (facade.name, facade.listen) == ("enfonica", "127.0.0.1:8091")
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InvalidArgument, match=message) as told:
        read_facades(path)
    assert KEY not in str(told.value) and TOKEN not in str(told.value) and "short'" not in str(told.value)

"""Microsoft Graph's `call: record` as its documents have it: limits, errors, operations, notifications, downloads."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from facades.graph_house import APP, LISTENER, TOKEN
from facades.house import Answer, House, cut_media, eventually
from live import until
from livedvr.facades.config import read_facades
from livedvr.facades.facade import Facade
from livedvr.facades.graph.names import guid
from livedvr.facades.graph.operations import described, outcome
from livedvr.recordings.end_point import EndReason
from livedvr.recordings.prompts import RATE, samples_of
from livedvr.resources.errors import InvalidArgument, NotFound
from livedvr.resources.models import to_datetime
from livedvr.resources.recording import Notify, Recording, RecordingSpec
from receiver import Receiver
from recordings.sounds import a_wav

CALLS = "/beta/communications/calls"
OTHER = "another-app-altogether"
# A voice for three seconds, silence, the key # at eight.
SOUND = "0.3*sin(2*PI*220*t)*between(t,2,5)+0.2*(sin(2*PI*941*t)+sin(2*PI*1477*t))*between(t,8,8.2)"


def a_facade(folder: Path) -> Facade:
    (folder / "facades.toml").write_text(
        f"""\
[graph]
listen = "127.0.0.1:0"
key_file = "{folder / "graph.pem"}"
keep = 600
channels = {{ "+15550100" = "live" }}
[[graph.apps]]
id = "{APP}"
token = "{TOKEN}"
[[graph.apps]]
id = "listener"
token = "{LISTENER}"
permissions = ["Calls.AccessMedia.All"]
[[graph.apps]]
id = "other"
token = "{OTHER}"
permissions = ["Calls.Initiate.All"]
"""
    )
    return read_facades(folder / "facades.toml")[0]


DOCUMENTED = """
operationCanceled stopToneDetected maxRecordDurationReached initialSilenceTimeout maxSilenceTimeout
playPromptFailed mediaReceiveTimeout unspecifiedError
"""


class Desk:
    """A house with the facade, who is told, and how it is asked."""

    def __init__(self, house: House, receiver: Receiver) -> None:
        self.house, self.receiver = house, receiver

    async def ask(self, verb: str, target: str, body: Any = b"", token: str | None = TOKEN) -> Answer:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.house.ask(verb, target, body, headers)

    async def call(self, **given: Any) -> str:
        """A call; its id."""
        made = await self.ask("POST", CALLS, self.body(**given))
        assert made.status == 201, made.body
        name: str = made.json()["id"]
        return name

    def body(self, **given: Any) -> dict[str, Any]:
        identity = {"identity": {"phone": {"@odata.type": "#microsoft.graph.identity", "id": "+15550100"}}}
        asked = {"callbackUri": self.receiver.uri(), "targets": [identity], "requestedModalities": ["audio"]}
        return {**asked, **given}

    async def record(self, call: str, action: str = "record", **given: Any) -> Answer:
        return await self.ask("POST", f"{CALLS}/{call}/{action}", {"playBeep": False, **given})

    async def told(self, count: int) -> dict[str, Any]:
        """The last of so many notifications."""
        one: dict[str, Any] = (await self.receiver.wait(count))[count - 1].json()["value"][0]
        return one


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import imageio_ffmpeg

    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("media") / "call", SOUND, 14)


@pytest.fixture
async def desk(tmp_path: Path, media: Path) -> AsyncIterator[Desk]:
    async with Receiver() as receiver:
        house = House(tmp_path, a_facade(tmp_path), media, webhooks=(receiver.authority,))
        async with house:
            yield Desk(house, receiver)


async def test_a_call_is_created_shown_and_ended(desk: Desk) -> None:
    made = await desk.ask("POST", CALLS, desk.body(subject="hello"))
    call = made.json()
    assert (made.status, call["state"], call["subject"]) == (201, "establishing", "hello")
    assert made.headers["location"] == f"http://facade.example{CALLS}/{call['id']}"
    assert (await desk.ask("GET", f"{CALLS}/{call['id']}")).json()["state"] == "established"
    assert (await desk.ask("DELETE", f"{CALLS}/{call['id']}")).status == 204
    assert (await desk.ask("GET", f"{CALLS}/{call['id']}")).status == 404
    await desk.receiver.wait(3)
    told = [one.json()["value"][0] for one in desk.receiver.got]
    assert [(one["changeType"], one["resourceData"]["state"]) for one in told] == [
        ("updated", "establishing"),
        ("updated", "established"),
        ("deleted", "terminated"),
    ]


async def test_record_and_its_terminal_notification(desk: Desk, tmp_path: Path) -> None:
    call = await desk.call()
    asked = await desk.record(
        call, clientContext="mine", maxRecordDurationInSeconds=3, initialSilenceTimeoutInSeconds=5
    )
    operation = asked.json()
    assert asked.headers["location"] == f"http://facade.example{CALLS}/{call}/operations/{operation['id']}"
    assert operation == {
        "@odata.type": "#microsoft.graph.recordOperation",
        "id": operation["id"],
        "status": "running",
        "clientContext": "mine",
        "resultInfo": None,
        "recordingLocation": None,
        "recordingAccessToken": None,
        "completionReason": None,
    }
    await desk.house.until(operation["id"], "IDLE")
    await desk.house.bring(3)
    await desk.told(3)
    posted = desk.receiver.got[2]
    url = f"/communications/calls/{call.replace('-', '').upper()}/operations/{operation['id'].replace('-', '').upper()}"
    one = posted.json()["value"][0]
    assert posted.json()["@odata.type"] == "#microsoft.graph.commsNotifications"
    assert (one["@odata.type"], one["changeType"]) == ("#microsoft.graph.commsNotification", "deleted")
    assert one["resourceUrl"] == one["resourceData"]["@odata.id"] == url
    assert one["resourceData"]["@odata.etag"] == 'W/"1"'
    assert one["resourceData"]["completionReason"] == "maxRecordDurationReached"
    assert one["resourceData"]["resultInfo"] == {
        "@odata.type": "#microsoft.graph.resultInfo",
        "code": 200,
        "subcode": 8515,
        "message": "Action completed, max record duration reached.",
    }
    shown = (await desk.ask("GET", f"{CALLS}/{call}/operations/{operation['id']}")).json()
    assert one["resourceData"].items() >= shown.items(), "what is told is what is shown"
    keys = (await desk.ask("GET", "/.well-known/jwks.json", token=None)).json()
    token = posted.headers["authorization"].removeprefix("Bearer ")
    unchecked = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    claims = jwt.decode(token, jwt.PyJWK(keys["keys"][0]), ["RS256"], audience=APP, options=unchecked)
    assert claims["iss"] == "https://api.botframework.com" and claims["exp"] == claims["iat"] + 3600
    openid = (await desk.ask("GET", "/.well-known/openid-configuration", token=None)).json()
    assert openid["jwks_uri"] == "http://facade.example/.well-known/jwks.json"
    assert (tmp_path / "graph.pem").stat().st_mode & 0o777 == 0o600


ENDS: list[tuple[dict[str, Any], str, str, tuple[int, int], float | None]] = [
    ({"stopTones": ["11", "#"], "maxSilenceTimeoutInSeconds": 60}, "stopToneDetected", "completed", (200, 8514), 8),
    ({"maxSilenceTimeoutInSeconds": 2}, "maxSilenceTimeout", "completed", (200, 8509), 7),
    ({"maxRecordDurationInSeconds": 3}, "maxRecordDurationReached", "completed", (200, 8515), 3),
    ({"initialSilenceTimeoutInSeconds": 1}, "initialSilenceTimeout", "failed", (400, 8510), None),
]


async def test_the_four_end_reasons_from_real_audio(desk: Desk) -> None:
    asked = {}
    for given, *_ in ENDS:
        most = {"initialSilenceTimeoutInSeconds": 60, "maxRecordDurationInSeconds": 60, **given}
        operation = (await desk.record(await desk.call(), **most)).json()["id"]
        asked[operation.replace("-", "").upper()] = operation
        await desk.house.until(operation, "IDLE")
    await desk.house.bring(6)
    told = [one.json()["value"][0] for one in await desk.receiver.wait(3 * len(ENDS))]
    ended = {asked[one["resourceUrl"][-32:]]: one["resourceData"] for one in told if one["changeType"] == "deleted"}
    for operation, (_, reason, status, codes, seconds) in zip(asked.values(), ENDS, strict=True):
        data = ended[operation]
        assert (data["completionReason"], data["status"]) == (reason, status)
        assert (data["resultInfo"]["code"], data["resultInfo"]["subcode"]) == codes
        if seconds is None:
            assert (data["recordingLocation"], data["recordingAccessToken"]) == ("", "")
            continue
        wav = (await desk.ask("GET", data["recordingLocation"], token=data["recordingAccessToken"])).body
        assert len(samples_of(wav)) / 2 / RATE == pytest.approx(seconds, abs=0.1)
        assert len(wav) == 44 + len(samples_of(wav))


async def test_a_recording_is_fetched_with_its_token_and_goes_a_while_after_the_call(desk: Desk) -> None:
    call = await desk.call()
    operation = (await desk.record(call, maxRecordDurationInSeconds=3)).json()
    await desk.house.until(operation["id"], "IDLE")
    await desk.house.bring(3)
    data = (await desk.told(3))["resourceData"]
    location, token = data["recordingLocation"], data["recordingAccessToken"]
    assert (await desk.ask("GET", location, token=None)).status == 401
    webhook = desk.receiver.got[2].headers["authorization"].removeprefix("Bearer ")
    assert (await desk.ask("GET", location, token=webhook)).status == 401, "ours, but of something else"
    assert (await desk.ask("GET", location)).status == 401, "an app's own token opens none"
    fetched = await desk.ask("GET", location, token=token)
    assert (fetched.status, fetched.headers["content-type"]) == (200, "application/octet-stream")
    assert "content-length" not in fetched.headers and len(fetched.body) == 44 + 3 * 2 * RATE
    await desk.ask("DELETE", f"{CALLS}/{call}")
    desk.house.clock.advance(599 * 1_000_000)
    assert (await desk.ask("GET", location, token=token)).status == 200
    desk.house.clock.advance(1_000_000)
    assert (await desk.ask("GET", location, token=token)).status == 404
    folder = desk.house.folder / "live/recordings" / call
    await asyncio.to_thread(until, lambda: not folder.exists(), "its folder goes")
    assert await desk.house.dvr.recordings.list("live") == []


async def test_a_channel_that_is_deleted_takes_its_calls_with_it(desk: Desk) -> None:
    over, running = await desk.call(), await desk.call()
    assert (await desk.ask("DELETE", f"{CALLS}/{over}")).status == 204
    await desk.house.dvr.delete_channel("live", force=True)
    assert (await desk.record(running)).status == 404
    assert (await desk.ask("DELETE", f"{CALLS}/{running}")).status == 204, "nobody can be told, but it is over"
    desk.house.clock.advance(600 * 1_000_000)
    await eventually(lambda: desk.house.desk.list("call") == [])


async def test_the_native_api_tells_nothing_in_the_words_of_calls(desk: Desk) -> None:
    spec = RecordingSpec(notify=(Notify(uri=desk.receiver.uri(), dialect="graph"),))
    with pytest.raises(InvalidArgument, match="graph") as told:
        await desk.house.dvr.recordings.start("live", "take", spec)
    assert told.value.field == "notify[0].context"


async def test_ids_with_and_without_dashes_in_any_case_and_the_old_path(desk: Desk) -> None:
    call = await desk.call()
    operation = (await desk.ask("POST", f"/beta/app/calls/{call.replace('-', '').upper()}/record", {})).json()["id"]
    for path in (CALLS, "/beta/app/calls", "/v1.0/communications/calls"):
        for name in (operation, operation.upper(), operation.replace("-", "").upper()):
            assert (await desk.ask("GET", f"{path}/{call.upper()}/operations/{name}")).status == 200
    for wrong in ("x", "0" * 31, "g" * 32):
        with pytest.raises(NotFound):
            guid(wrong, what="call")


async def test_the_twin_of_v1(desk: Desk) -> None:
    call = await desk.call()
    target = f"/v1.0/communications/calls/{call}"
    assert "completionReason" not in (await desk.ask("POST", f"{target}/recordResponse", {})).json()
    assert (await desk.ask("POST", f"{target}/record", {})).status == 404
    played = await desk.ask("POST", f"{target}/playPrompt", {"prompts": [prompt("http://127.0.0.1:1/x.wav")]})
    assert (played.json()["@odata.type"], played.json()["status"]) == (
        "#microsoft.graph.playPromptOperation",
        "notStarted",
    )


def prompt(uri: str, **more: Any) -> dict[str, Any]:
    info = {"@odata.type": "#microsoft.graph.mediaInfo", "uri": uri, "resourceId": "x"}
    return {"@odata.type": "#microsoft.graph.mediaPrompt", "mediaInfo": info, **more}


async def test_cancel_media_processing(desk: Desk) -> None:
    call = await desk.call()
    running, waiting = [(await desk.record(call)).json() for _ in range(2)]
    assert (running["status"], waiting["status"]) == ("running", "notStarted")
    done = await desk.ask("POST", f"{CALLS}/{call}/cancelMediaProcessing", {"clientContext": "enough"})
    assert (done.json()["status"], done.json()["clientContext"]) == ("completed", "enough")
    data = (await desk.told(4))["resourceData"]
    assert (data["completionReason"], data["resultInfo"]["code"], data["resultInfo"]["subcode"]) == (
        "operationCanceled",
        400,
        8508,
    )
    assert (data["recordingLocation"], data["recordingAccessToken"]) == ("", "")
    listed = (await desk.ask("GET", f"{CALLS}/{call}/operations")).json()["value"]
    assert [(one["id"], one["status"]) for one in listed] == [
        (running["id"], "failed"),
        (waiting["id"], "failed"),
        (done.json()["id"], "completed"),
    ]


async def test_barge_in_cancels_the_queue(desk: Desk) -> None:
    call = await desk.call()
    before = [(await desk.record(call)).json()["id"] for _ in range(2)]
    barging = (await desk.record(call, bargeInAllowed=True)).json()
    assert barging["status"] == "running"
    listed = (await desk.ask("GET", f"{CALLS}/{call}/operations")).json()["value"]
    assert {one["id"]: one["completionReason"] for one in listed} == {
        **dict.fromkeys(before, "operationCanceled"),
        barging["id"]: None,
    }


async def test_a_prompt_that_cannot_be_had(desk: Desk) -> None:
    call = await desk.call()
    await desk.record(call, prompts=[prompt("http://10.0.0.1/prompt.wav")])
    data = (await desk.told(3))["resourceData"]
    assert (data["completionReason"], data["status"]) == ("playPromptFailed", "failed")
    assert (data["resultInfo"]["code"], data["resultInfo"]["subcode"]) == (500, 8536)


async def test_no_media(desk: Desk) -> None:
    call = await desk.call()
    operation = (await desk.record(call, initialSilenceTimeoutInSeconds=1)).json()
    await desk.house.until(operation["id"], "IDLE")
    while not (await desk.ask("GET", f"{CALLS}/{call}/operations/{operation['id']}")).json()["resultInfo"]:
        await asyncio.sleep(0)
        desk.house.clock.advance(1_000_000)
    data = (await desk.told(3))["resourceData"]
    assert (data["completionReason"], data["resultInfo"]["subcode"]) == ("mediaReceiveTimeout", 8513)


async def test_a_restart_keeps_calls_and_operations(desk: Desk) -> None:
    call = await desk.call()
    operation = (await desk.record(call)).json()["id"]
    await desk.house.restart()
    assert (await desk.ask("GET", f"{CALLS}/{call}/operations/{operation}")).json()["status"] == "running"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"initialSilenceTimeoutInSeconds": 301}, "initialSilenceTimeoutInSeconds"),
    ({"maxSilenceTimeoutInSeconds": 301}, "maxSilenceTimeoutInSeconds"),
    ({"maxRecordDurationInSeconds": 301}, "maxRecordDurationInSeconds"),
    ({"maxRecordDurationInSeconds": 0}, "maxRecordDurationInSeconds"),
    ({"maxRecordDurationInSeconds": "5"}, "maxRecordDurationInSeconds"),
    ({"clientContext": "x" * 257}, "clientContext"),
    ({"prompts": [prompt("http://a/"), prompt("http://b/")]}, "prompts"),
    ({"prompts": [{"mediaInfo": {}}]}, "prompts[0].mediaInfo.uri"),
    ({"stopTones": ["A"]}, "stopTones[0]"),
    ({"playBeep": 1}, "playBeep"),
]


async def test_what_record_refuses(desk: Desk) -> None:
    call = await desk.call()
    for given, field in REFUSED:
        answer = await desk.record(call, **given)
        error = answer.json()["error"]
        assert (answer.status, error["code"], error["innerError"]["code"]) == (400, "BadRequest", "8523"), given
        assert error["message"].startswith(f"{field}: "), given
        assert set(error["innerError"]) == {"code", "date", "request-id", "client-request-id"}


async def test_what_is_just_allowed(desk: Desk) -> None:
    most = {"maxRecordDurationInSeconds": 300, "maxSilenceTimeoutInSeconds": 300, "initialSilenceTimeoutInSeconds": 300}
    given = {**most, "clientContext": "x" * 256, "streamWhileRecording": False, "somethingNew": 1, "prompts": None}
    assert (await desk.record(await desk.call(), **given)).status == 200
    call = await desk.call()
    assert (await desk.record(call, "recordResponse", maxRecordDurationInSeconds=120)).status == 200
    assert (await desk.record(call, "recordResponse", maxRecordDurationInSeconds=121)).status == 400


ERRORS: list[tuple[str, str, Any, str | None, int, str]] = [
    ("GET", "", b"", None, 401, "InvalidAuthenticationToken"),
    ("GET", "", b"", "not-a-token-of-anybody", 401, "InvalidAuthenticationToken"),
    ("GET", "", b"", OTHER, 403, "Forbidden"),
    ("GET", "", b"", LISTENER, 404, "NotFound"),
    ("POST", "/record", b"{", TOKEN, 400, "BadRequest"),
    ("POST", "/record", b"[]", TOKEN, 400, "BadRequest"),
    ("POST", "/record", b'{"a":' + b"[" * 600 + b"]" * 600 + b"}", TOKEN, 400, "BadRequest"),
    ("POST", "/record", b"[" * 100_000, TOKEN, 400, "BadRequest"),
    ("POST", "/record", b" " * (1 << 20) + b"{}", TOKEN, 400, "BadRequest"),
    ("POST", "/record", {"streamWhileRecording": True}, TOKEN, 501, "NotImplemented"),
    ("POST", "/playPrompt", {"prompts": []}, TOKEN, 400, "BadRequest"),
    ("POST", "/playPrompt", {"prompts": [prompt("http://a/", loop=2)]}, TOKEN, 501, "NotImplemented"),
    ("POST", "/playPrompt", {"prompts": [prompt("http://a/")], "loop": 2}, TOKEN, 501, "NotImplemented"),
    ("POST", "/subscribeToTone", {}, TOKEN, 501, "NotImplemented"),
    ("POST", "/updateRecordingStatus", {}, TOKEN, 501, "NotImplemented"),
    ("POST", "/somethingElse", {}, TOKEN, 404, "NotFound"),
    ("GET", f"/operations/{uuid.UUID(int=1)}", b"", TOKEN, 404, "NotFound"),
    ("PUT", "", b"", TOKEN, 405, "NotFound"),
]


async def test_each_error(desk: Desk) -> None:
    call = await desk.call()
    for verb, below, body, token, status, code in ERRORS:
        answer = await desk.ask(verb, f"{CALLS}/{call}{below}", body, token)
        assert (answer.status, answer.json()["error"]["code"]) == (status, code), (verb, below, body)
        assert (answer.headers.get("www-authenticate") == "Bearer") == (status == 401)


NO_CALLS: list[tuple[dict[str, Any], str, int, str]] = [
    ({}, LISTENER, 403, "Insufficient privileges"),
    ({"callbackUri": "http://10.0.0.1/"}, TOKEN, 403, "callbackUri"),
    ({"callbackUri": "ftp://a.example/"}, TOKEN, 400, "callbackUri"),
    ({"callbackUri": None}, TOKEN, 400, "callbackUri"),
    ({"targets": []}, TOKEN, 400, "targets"),
    ({"targets": [{"identity": {}}]}, TOKEN, 400, "targets[0].identity"),
    ({"targets": [{"identity": {"user": {"id": "nobody"}}}]}, TOKEN, 404, "targets[0].identity"),
    ({"targets": [{}, {}]}, TOKEN, 501, "targets"),
    ({"requestedModalities": ["audio", "video"]}, TOKEN, 501, "requestedModalities"),
    ({"mediaConfig": {"@odata.type": "#microsoft.graph.appHostedMediaConfig"}}, TOKEN, 501, "mediaConfig"),
]


async def test_calls_that_are_not_made(desk: Desk) -> None:
    for given, token, status, field in NO_CALLS:
        answer = await desk.ask("POST", CALLS, desk.body(**given), token)
        assert answer.status == status and answer.json()["error"]["message"].startswith(field), answer.body
        assert TOKEN not in answer.body.decode()


async def test_the_downlink_ends_with_its_call(desk: Desk) -> None:
    call = await desk.call()
    heard = asyncio.create_task(desk.ask("GET", f"/v1.0/communications/calls/{call}/downlink"))
    for _ in range(20):
        await asyncio.sleep(0)
        desk.house.clock.advance(20_000)
    await desk.ask("DELETE", f"{CALLS}/{call}")
    while not heard.done():
        await asyncio.sleep(0)
        desk.house.clock.advance(20_000)
    assert heard.result().body[:4] == b"RIFF" and not any(heard.result().body[44:])


@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("state", ["SUCCEEDED", "EMPTY", "FAILED", "CANCELED"])
def test_each_end_has_a_documented_reason(reason: EndReason, state: str) -> None:
    context = {
        "kind": "record",
        "version": "beta",
        "clientContext": "",
        "url": "http://a",
        "call": str(uuid.UUID(int=2)),
    }
    spec = RecordingSpec(formats=("WAV",), notify=(Notify(uri="http://a/", dialect="graph", context=context),))
    at = to_datetime(0)
    ended = Recording(
        recording_id=str(uuid.UUID(int=1)),
        channel_id="live",
        spec=spec,
        state=state,
        end_reason=reason,
        spans=(),
        create_time=at,
        update_time=at,
        start_time=None if state == "EMPTY" else at,
    )
    found = outcome(ended)
    assert found is not None and described(ended, None)["completionReason"] == found.reason
    assert found.reason in DOCUMENTED.split()
    assert (found.status == "completed") == (found.code == 200)
    if state == "EMPTY":
        assert found.reason in ("mediaReceiveTimeout", "operationCanceled", "playPromptFailed")
    if state == "CANCELED":
        assert (found.code, found.subcode) == (400, 8508)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("key_file = 'k'", "apps"),
        ("key_file = 'k'\napps = []", "apps"),
        ("apps = [{id = 'a', token = 'too-short'}]\nkey_file = 'k'", "token"),
        ("apps = [{id = 'a', token = '0123456789abcdef', permissions = ['All']}]\nkey_file = 'k'", "permissions"),
        ("apps = [{id = 'a', token = '0123456789abcdef'}]\nkey_file = '/proc/none/k'", "key_file"),
        ("apps = [{id = 'a', token = '0123456789abcdef'}]\nkey_file = 'FOLDER/facades.toml'", "key_file"),
    ],
)
def test_settings_that_are_wrong(text: str, field: str, tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(f"[graph]\nlisten = '127.0.0.1:1'\n{text.replace('FOLDER', str(tmp_path))}\n")
    with pytest.raises(InvalidArgument, match=field) as told:
        read_facades(path)
    assert "0123456789abcdef" not in str(told.value)


def test_what_a_prompt_is() -> None:
    assert len(samples_of(a_wav(1))) == 2 * RATE

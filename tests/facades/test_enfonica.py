"""Enfonica's recordings: what its clients see and may do, over a real channel and a clock of the test's."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from google.protobuf import json_format

from builders import T0, at
from facades.enfonica_client import MESSAGES, ApiError, Client, name_of, verify
from facades.house import SILENCE, VOICE, House, cut_media, eventually
from livedvr import Notify, RecordingLimits, RecordingSpec, TimeInterval
from livedvr.catalog import facade_rows, recording_rows
from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.enfonica.facade import Enfonica
from livedvr.resources.models import to_datetime
from livedvr.resources.recording import Recording
from livedvr.resources.times import SECOND
from receiver import Posted, Receiver

KEY = base64.b64encode(bytes(range(64))).decode()
TOKEN, READER = "operator-token-1234567890", "reader-token-1234567890"
EVERYTHING = [
    *(f"voice.calls.{verb}" for verb in ("create", "get", "list")),
    *(f"voice.recordings.{verb}" for verb in ("get", "list", "delete")),
    *(f"voice.transcriptions.{verb}" for verb in ("get", "list", "delete")),
]
PROJECT = "projects/newsroom"


def section(**changes: Any) -> dict[str, Any]:
    """``[enfonica]``."""
    tokens = [
        {"token": TOKEN, "permissions": EVERYTHING},
        {"token": READER, "permissions": ["voice.recordings.get"]},
    ]
    given = {"listen": "127.0.0.1:8091", "project": "newsroom", "signing_key": KEY, "tokens": tokens}
    return {**given, "channels": {"+61280000000": "live"}, **changes}


def a_call(**recording: Any) -> dict[str, Any]:
    """What CreateCall needs at least; ``recording``: more of its config."""
    return {
        "to": "+61280000000",
        "from": "+61290000000",
        "options": {"handlerUris": ["https://a.example/voice"], "recording": {"trigger": "ANSWER", **recording}},
    }


@dataclass
class Desk:
    """The house, and a client of its facade."""

    house: House

    def client(self, token: str | None = TOKEN) -> Client:
        async def send(verb: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
            answer = await self.house.ask(verb, target, body, headers)
            return answer.status, answer.body

        return Client(send, token)

    async def start(self, **recording: Any) -> Any:
        """The recording of a new call, in the view FULL."""
        call = await self.client().call("CreateCall", parent=PROJECT, call=a_call(**recording))
        (one,) = (await self.client().call("ListRecordings", parent=call.name)).recordings
        return one

    async def get(self, name: str, **asked: Any) -> Any:
        return await self.client().call("GetRecording", name=name, **asked)

    async def stop(self, name: str) -> None:
        """By the native API; then there is time for its last media to come."""
        await self.house.dvr.recordings.stop("live", name.rpartition("/")[2])
        self.house.clock.advance(SECOND)

    async def ended(self, name: str) -> Any:
        states = ("SUCCEEDED", "EMPTY", "FAILED")
        await self.house.until(name.rpartition("/")[2], *states)
        return await self.get(name)


def _media(factory: pytest.TempPathFactory, sound: str, seconds: int) -> Path:
    import imageio_ffmpeg

    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), factory.mktemp("media") / "cut", sound, seconds)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody speaks from 1 s to 3 s, and again all the time from 6 s on."""
    return _media(tmp_path_factory, f"{VOICE}*(between(t,1,3)+gt(t,6))", 12)


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _media(tmp_path_factory, SILENCE, 4)


@pytest.fixture
async def desk(wheel_ffmpeg: str, voice: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    async with House(tmp_path, Enfonica(section()), voice, more=("other",)) as house:
        yield Desk(house)


async def test_a_success_has_wav_and_mp3_whose_durations_agree(desk: Desk) -> None:
    started = await desk.start()
    assert (name_of(started, "state"), name_of(started, "source")) == ("PENDING", "CALL_RECORDING")
    assert started.ready_uri == "https://a.example/voice" and not started.audio and not started.HasField("start_time")
    assert started.create_time.ToMicroseconds() == T0
    await desk.house.bring(2)
    desk.house.clock.advance(-SECOND // 2)
    await desk.stop(started.name)
    assert name_of(await desk.get(started.name), "state") == "PENDING", "its files are being made"
    ended = await desk.ended(started.name)
    assert name_of(ended, "state") == "SUCCEEDED" and ended.channel_count == 1
    assert ended.duration.ToTimedelta() == timedelta(seconds=3.5)
    assert ended.start_time.ToMicroseconds() == at(0)
    wav, mp3 = ended.audio
    assert [(one.mime_type, name_of(one, "encoding"), one.sample_rate) for one in (wav, mp3)] == [
        ("audio/x-wav", "AUDIO_ENCODING_PCM_16BIT", 8000),
        ("audio/mpeg", "AUDIO_ENCODING_MP3", 8000),
    ]
    assert wav.size_bytes == 44 + 2 * 8000 * 3.5, "to the sample"
    for one in (wav, mp3):
        got = await desk.house.ask("GET", one.uri)
        assert (got.status, got.headers["content-type"], len(got.body)) == (200, one.mime_type, one.size_bytes)
        assert _length(got.body) == pytest.approx(3.5, abs=0.1)
    plain = await desk.house.ask(
        "GET", f"/v1beta1/{ended.name}?view=FULL", headers={"authorization": f"Bearer {TOKEN}"}
    )
    assert plain.json()["duration"] == "3.5s" and plain.json()["state"] == "SUCCEEDED"


def _length(sound: bytes) -> float:
    """Seconds, as they are decoded."""
    with av.open(io.BytesIO(sound)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


async def test_a_silent_source_is_empty_without_audio_duration_and_start_time(
    wheel_ffmpeg: str, silence: Path, tmp_path: Path
) -> None:
    async with House(tmp_path, Enfonica(section()), silence) as house:
        desk = Desk(house)
        started = await desk.start()
        await house.bring(2)
        await desk.stop(started.name)
        ended = await desk.ended(started.name)
        assert name_of(ended, "state") == "EMPTY" and name_of(ended, "error_code") == "ERROR_CODE_UNSPECIFIED"
        assert not ended.audio and not ended.HasField("duration") and not ended.HasField("start_time")


async def test_an_encoder_that_is_killed_is_a_timeout_and_what_was_recorded_is_kept(desk: Desk) -> None:
    started = await desk.start()
    await desk.house.bring(2)
    await desk.house.until(started.name.rpartition("/")[2], "RECORDING")
    desk.house.clock.advance(46 * SECOND)  # 30 s, and as long as media may be on its way
    ended = await desk.ended(started.name)
    assert (name_of(ended, "state"), name_of(ended, "error_code")) == ("FAILED", "TIMEOUT")
    assert not ended.audio and not ended.HasField("duration") and not ended.HasField("start_time")
    kept = await desk.house.dvr.recordings.get("live", started.name.rpartition("/")[2])
    assert kept.state == "SUCCEEDED" and kept.end_reason == "IDLE"
    assert [_size(file.uri) for file in kept.files] == [file.size_bytes for file in kept.files] != []


def _size(path: str) -> int:
    return Path(path).stat().st_size


@pytest.mark.parametrize("held", [b"no media", b""], ids=["garbage", "nothing"])
async def test_what_cannot_be_made_is_an_internal_error(desk: Desk, voice: Path, tmp_path: Path, held: bytes) -> None:
    desk.house.media = shutil.copytree(voice, tmp_path / "broken")
    for path in desk.house.media.glob("segment-*"):
        path.write_bytes(held)
    started = await desk.start()
    await desk.house.bring(2)
    await desk.stop(started.name)
    ended = await desk.ended(started.name)
    assert (name_of(ended, "state"), name_of(ended, "error_code")) == ("FAILED", "INTERNAL_ERROR")


async def test_trim_silence_shortens(desk: Desk) -> None:
    whole, trimmed = await desk.start(), await desk.start(postProcessing=["TRIM_SILENCE"])
    assert list(trimmed.post_processing) == [1] and not whole.post_processing
    await desk.house.bring(2)
    for one in (whole, trimmed):
        await desk.stop(one.name)
    whole, trimmed = await desk.ended(whole.name), await desk.ended(trimmed.name)
    assert whole.duration.ToTimedelta().total_seconds() == 4
    assert trimmed.duration.ToTimedelta().total_seconds() == pytest.approx(2, abs=0.15)
    assert trimmed.start_time.ToMicroseconds() == pytest.approx(at(1), abs=100_000)


async def test_basic_hides_the_uris(desk: Desk) -> None:
    started = await desk.start()
    await desk.house.bring(2)
    await desk.stop(started.name)
    for ended in (await desk.ended(started.name), await desk.get(started.name, view="FULL")):
        assert all(one.uri.startswith("http://127.0.0.1:8091/audio/") for one in ended.audio) and len(ended.audio) == 2
    basic = await desk.get(started.name, view="BASIC")
    (listed,) = (await desk.client().call("ListRecordings", parent=PROJECT)).recordings
    assert basic == listed and not any(one.uri for one in basic.audio) and basic.audio[0].size_bytes > 44
    (full,) = (await desk.client().call("ListRecordings", parent=PROJECT, view="FULL")).recordings
    assert full == await desk.get(started.name)


async def test_a_uri_dies_after_60_minutes_and_nobody_makes_one(desk: Desk) -> None:
    started = await desk.start()
    await desk.house.bring(2)
    await desk.stop(started.name)
    ask, uri = desk.house.ask, (await desk.ended(started.name)).audio[0].uri
    whole = (await ask("GET", uri)).body
    part = await ask("GET", uri, headers={"range": "bytes=-4"})
    assert (part.status, part.body, part.headers["content-range"]) == (
        206,
        whole[-4:],
        f"bytes {len(whole) - 4}-{len(whole) - 1}/{len(whole)}",
    )
    assert (await ask("GET", uri, headers={"range": f"bytes={len(whole)}-"})).status == 416
    assert (await ask("HEAD", uri)).headers["content-length"] == str(len(whole))
    head, _, signature = uri.rpartition("=")
    other = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    later = head.replace("expires=1", "expires=2")
    bad = (f"{head}={other}", f"{later}={signature}", uri.replace("/0?", "/1?"), uri.partition("?")[0], f"{head}=ö")
    for wrong in bad:
        refused = await ask("GET", wrong)
        assert (refused.status, refused.json()["error"]["status"]) == (403, "PERMISSION_DENIED"), wrong
    await desk.house.restart()
    desk.house.clock.advance(60 * 60 * SECOND - 1 - SECOND)
    assert (await desk.house.ask("GET", uri)).status == 200
    desk.house.clock.advance(SECOND + 1)
    assert (await desk.house.ask("GET", uri)).status == 403
    new = (await desk.get(started.name)).audio[0].uri
    assert new != uri and (await desk.house.ask("GET", new)).body == whole
    await desk.client().call("DeleteRecording", name=started.name)
    assert (await desk.house.ask("GET", new)).status == 404


async def _fill(house: House, count: int) -> list[str]:
    """So many recordings that have ended, each of a call of its own: their names, the newest first."""
    names = []
    for number in range(count):
        now = to_datetime(at(number))
        one = Recording(
            recording_id=f"r{number}",
            channel_id="live" if number % 2 else "other",
            spec=RecordingSpec(formats=("WAV", "MP3")),
            state="EMPTY",
            spans=(TimeInterval(start_time=now, end_time=now),),
            create_time=now,
            update_time=now,
        )
        row = FacadeRow("enfonica", "call", f"c{number}", one.channel_id, one.recording_id, at(number), "{}")
        await house.dvr.write(lambda db, one=one: recording_rows.add_recording(db, one))
        await house.dvr.write(lambda db, row=row: facade_rows.add_facade_row(db, row))
        names.insert(0, f"{PROJECT}/calls/c{number}/recordings/r{number}")
    return names


async def test_lists_are_paged_by_10_and_at_most_100_the_newest_first_also_across_the_project(desk: Desk) -> None:
    names, client = await _fill(desk.house, 104), desk.client()

    async def page(**asked: Any) -> tuple[list[str], str]:
        answer = await client.call("ListRecordings", **{"parent": PROJECT, **asked})
        return [one.name for one in answer.recordings], answer.next_page_token

    assert (await page())[0] == names[:10]
    first, token = await page(pageSize=1000)
    assert first == names[:100] and token
    assert await page(pageSize=7, pageToken=token) == (names[100:], "")
    assert (await page(parent=f"{PROJECT}/calls/-", pageSize=100))[0] == names[:100]
    assert await page(parent=f"{PROJECT}/calls/c7") == ([names[-8]], "")
    every = await client.all("ListRecordings", "recordings", parent=PROJECT, pageSize=9)
    assert [one.name for one in every] == names
    calls = await client.all("ListCalls", "calls", parent=PROJECT)
    assert [one.name for one in calls] == [name.rpartition("/recordings")[0] for name in names]
    _, token = await page(pageSize=2)
    await client.call("DeleteRecording", name=names[2])
    assert (await page(pageSize=2, pageToken=token))[0] == names[3:5], "what has gone meanwhile is not missed"
    with pytest.raises(ApiError) as refused:
        await page(parent=f"{PROJECT}/calls/-", pageToken=token)
    assert (refused.value.status, refused.value.field) == ("INVALID_ARGUMENT", "page_token")


async def test_delete_returns_the_recording_then_it_is_not_found(desk: Desk) -> None:
    started, client = await desk.start(), desk.client()
    await desk.house.bring(2)
    await desk.stop(started.name)
    ended = await desk.ended(started.name)
    deleted = await client.call("DeleteRecording", name=started.name)
    assert (deleted.name, deleted.duration, len(deleted.audio)) == (ended.name, ended.duration, 2)
    assert not any(one.uri for one in deleted.audio)
    assert not list((desk.house.folder / "live" / "recordings").iterdir())
    for rpc in ("GetRecording", "DeleteRecording"):
        with pytest.raises(ApiError) as refused:
            await client.call(rpc, name=started.name)
        assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
    assert not (await client.call("ListRecordings", parent=started.name.rpartition("/recordings")[0])).recordings
    pending = await desk.start()
    await client.call("DeleteRecording", name=pending.name)  # one that has not ended is given up
    assert not (await client.call("ListRecordings", parent=PROJECT)).recordings


async def test_the_webhook_is_signed_and_retried_on_schedule_across_a_restart(
    wheel_ffmpeg: str, voice: Path, tmp_path: Path
) -> None:
    def signed(posted: Posted) -> None:
        event, signature = posted.headers["x-enfonica-event"], posted.headers["x-enfonica-signature"]
        assert verify(KEY, posted.uri, event, posted.body, signature) and event == "RECORDING_READY"
        assert posted.headers["content-type"] == "application/json; charset=utf-8"

    async with Receiver(signed) as receiver:
        receiver.statuses = [500] * 9
        async with House(tmp_path, Enfonica(section()), voice, webhooks=(receiver.authority,)) as house:
            desk = Desk(house)
            uri = receiver.uri("/told?tenant=7")
            started = await desk.start(recordingReadyUri=uri)
            assert started.ready_uri == uri
            await house.bring(2)
            await desk.stop(started.name)
            for attempt, delay in enumerate((1, 2, 4, 8, 60, 1800, 3600, 7200)):
                assert len(await receiver.wait(attempt + 1)) == attempt + 1
                await eventually(lambda delay=delay: house.waiting() == [delay])
                if attempt in (2, 6):
                    await house.restart()
                house.clock.advance(delay * SECOND)
            told = await receiver.wait(9)
            await eventually(lambda: house.waiting() == [])
            assert {(one.uri, one.body) for one in told} == {(uri, told[0].body)}, "the same each time"
            shown = json_format.Parse(told[0].body, MESSAGES["Recording"]())
            assert shown.name == started.name and name_of(shown, "state") == "SUCCEEDED"
            assert [one.mime_type for one in shown.audio] == ["audio/x-wav", "audio/mpeg"]
            assert all("signature=" in one.uri for one in shown.audio)
            (lost,) = (text for _, kind, text in house.dvr.events("live") if kind == "NOTIFICATION_LOST")
            assert "9 attempts, it is answered with 500" in lost and "tenant" not in lost


async def test_handlers_are_told_in_turn_where_nobody_is_named_for_recordings(
    wheel_ffmpeg: str, voice: Path, tmp_path: Path
) -> None:
    async with Receiver() as receiver:
        receiver.statuses = [503, 500, 502, 404, 200]
        async with House(tmp_path, Enfonica(section()), voice, webhooks=(receiver.authority,)) as house:
            desk = Desk(house)
            call = a_call()
            call["options"]["handlerUris"] = [receiver.uri(f"/{name}") for name in "abc"]
            made = await desk.client().call("CreateCall", parent=PROJECT, call=call)
            (started,) = (await desk.client().call("ListRecordings", parent=made.name)).recordings
            await house.bring(2)
            await desk.stop(started.name)
            await receiver.wait(3)
            await eventually(lambda: house.waiting() == [1])
            house.clock.advance(SECOND)
            await receiver.wait(4)
            await eventually(lambda: house.waiting() == [2])
            house.clock.advance(2 * SECOND)
            paths = [one.uri.rpartition("/")[2] for one in await receiver.wait(5)]
            assert paths == ["a", "b", "c", "a", "b"]
            await eventually(lambda: house.waiting() == [])


async def test_a_redirect_is_followed_with_the_signature_of_the_first_uri(
    wheel_ffmpeg: str, silence: Path, tmp_path: Path
) -> None:
    async with Receiver() as receiver:
        receiver.redirects["/old"] = "/new"
        async with House(tmp_path, Enfonica(section()), silence, webhooks=(receiver.authority,)) as house:
            desk = Desk(house)
            started = await desk.start(recordingReadyUri=receiver.uri("/old"))
            await house.bring(2)
            await desk.stop(started.name)
            old, new = await receiver.wait(2)
            assert (old.uri, new.uri, new.body) == (receiver.uri("/old"), receiver.uri("/new"), old.body)
            signature = new.headers["x-enfonica-signature"]
            assert verify(KEY, old.uri, "RECORDING_READY", new.body, signature)
            assert name_of(json_format.Parse(new.body, MESSAGES["Recording"]()), "state") == "EMPTY"


def test_a_signature_as_openssl_makes_it() -> None:
    # openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...3f -binary | base64
    headers = Enfonica(section()).dialect.headers("https://a.example/x", "RECORDING_READY", b"{}", None)
    assert headers["X-Enfonica-Signature"] == "LlZ/jZ6CQmO0ujBh7KPCVJC9mcao/kvcpQvqvwwcOiM="


@pytest.mark.parametrize(
    ("rpc", "asked", "permission"),
    [
        ("GetRecording", {"name": f"{PROJECT}/calls/c/recordings/r"}, "voice.recordings.get"),
        ("ListRecordings", {"parent": PROJECT}, "voice.recordings.list"),
        ("ListRecordings", {"parent": f"{PROJECT}/calls/c"}, "voice.recordings.list"),
        ("DeleteRecording", {"name": f"{PROJECT}/calls/c/recordings/r"}, "voice.recordings.delete"),
        ("CreateCall", {"parent": PROJECT, "call": a_call()}, "voice.calls.create"),
        ("GetCall", {"name": f"{PROJECT}/calls/c"}, "voice.calls.get"),
        ("ListCalls", {"parent": PROJECT}, "voice.calls.list"),
    ],
)
async def test_403_without_permission(rpc: str, asked: dict[str, Any], permission: str, tmp_path: Path) -> None:
    others = [one for one in EVERYTHING if one != permission]
    tokens = [{"token": TOKEN, "permissions": others}, {"token": READER, "permissions": [permission]}]
    async with House(tmp_path, Enfonica(section(tokens=tokens))) as house:
        desk = Desk(house)

        async def answer(token: str | None, **changes: Any) -> tuple[int, str]:
            try:
                await desk.client(token).call(rpc, **{**asked, **changes})
            except ApiError as error:
                return error.code, error.status
            return 200, "OK"

        assert await answer(TOKEN) == (403, "PERMISSION_DENIED")
        assert (await answer(READER))[0] != 403
        assert await answer(None) == await answer("x" * 20) == (401, "UNAUTHENTICATED")
        elsewhere = {key: value.replace("newsroom", "other") for key, value in asked.items() if key != "call"}
        assert await answer(READER, **elsewhere) == (403, "PERMISSION_DENIED")


async def test_what_the_native_api_records_is_a_call_s_too(desk: Desk) -> None:
    start, client = desk.house.dvr.recordings.start, desk.client()
    limits = RecordingLimits(max_duration=timedelta(seconds=2))
    both = RecordingSpec(
        formats=("WAV", "MP3"), limits=limits, notify=(Notify(uri="https://a.example", dialect="enfonica"),)
    )
    await start("live", "both", both)
    await start("live", "film", RecordingSpec(formats=("MP4",)))
    await start("live", "given-up", both)
    await desk.house.dvr.recordings.cancel("live", "given-up")
    row = FacadeRow("tencent", "task", "t", "live", "theirs", T0, "{}")
    await start("live", "theirs", both, also=lambda db, _: facade_rows.add_facade_row(db, row))
    made = await desk.start()
    own = f"{PROJECT}/calls/live/recordings/both"
    assert [one.name for one in (await client.call("ListRecordings", parent=PROJECT)).recordings] == [made.name, own]
    assert [one.name for one in (await client.call("ListRecordings", parent=f"{PROJECT}/calls/live")).recordings] == [
        own
    ]
    await desk.house.bring(2)
    ended = await desk.ended(own)
    assert (name_of(ended, "state"), name_of(ended, "source")) == ("SUCCEEDED", "RECORD_ACTION")
    assert ended.ready_uri == "https://a.example" and ended.audio[0].sample_rate == 48000
    for hidden in ("film", "given-up", "theirs", made.name.rpartition("/")[2]):
        with pytest.raises(ApiError, match="404 NOT_FOUND"):
            await desk.get(f"{PROJECT}/calls/live/recordings/{hidden}")
    with pytest.raises(ApiError, match="404 NOT_FOUND: there is no call 'nobody'"):
        await client.call("ListRecordings", parent=f"{PROJECT}/calls/nobody")

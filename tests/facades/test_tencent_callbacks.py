"""What Tencent's callbacks say and when, how they are signed, and how often they are tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from builders import at
from facades.house import cut_media, eventually
from facades.tencent_house import APP, TencentHouse, a_house, is_signed, storage
from livedvr.facades.tencent.dialect import Callbacks
from livedvr.recordings.dialects import Told, next_attempt
from livedvr.recordings.states import Event
from livedvr.resources.models import to_datetime
from livedvr.resources.recording import Notify, Recording, RecordingFormat, RecordingSpec
from livedvr.resources.times import SECOND
from receiver import Posted, Receiver

CONTEXT = {"app": str(APP), "room": "1001", "roomType": "1", "robot": "robot-1", "user": "", "media": "mix"}
BASE = f"{APP}_1001"
USER = f"{BASE}__UserId_s_bGl2ZQ..__UserId_e_main"
PLAYLIST = f"""#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:10
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-TRTC-START-REC-TIME:1795226400000
#EXT-X-TRTC-VIDEO-METADATA:WIDTH:160 HEIGHT:90
#EXTINF:10.000000,
{USER}_video_20261121020000000.ts
#EXTINF:2.000000,
{USER}_video_20261121020010000.ts
#EXT-X-ENDLIST
"""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("media") / "voice")


async def recorded(house: TencentHouse, segments: int = 2, **changes: Any) -> Recording:
    """A task of so many segments of 2 s, from its creation to its end."""
    task = await house.create(**changes)
    await house.bring(segments)
    await house.until(task, "RECORDING")
    await house.call("DeleteCloudRecording", {"SdkAppId": APP, "TaskId": task})
    return await house.ended(task)


async def told_of(told: Receiver, last: int, count: int = 1) -> list[tuple[int, dict[str, Any]]]:
    """(EventType, Payload) of all, as soon as the last of them have come."""
    got: list[Posted] = []
    while [posted.json()["EventType"] for posted in got].count(last) < count:
        got = await told.wait(len(got) + 1)
    return [(body["EventType"], body["EventInfo"]["Payload"]) for body in map(Posted.json, got)]


async def test_a_mix_from_start_to_end(wheel_ffmpeg: str, media: Path, tmp_path: Path) -> None:
    async with Receiver(is_signed) as told, a_house(tmp_path, media=media, told=told) as house:
        recording = await recorded(house, RecordParams={"RecordMode": 2, "OutputFormat": 1})
        said = await told_of(told, 310)
        begin, end = 1000 * int(at(0) // SECOND), 1000 * int(at(4) // SECOND)
        index = {"FileName": f"{BASE}.m3u8", "UserId": "", "TrackType": "audio_video", "BeginTimeStamp": begin}
        mp4 = {"FileName": f"{BASE}.mp4", "UserId": "", "TrackType": "audio_video", "MediaId": "mix"}
        assert said == [
            (301, {"Status": 0}),
            (303, {"Status": 0}),
            (307, index),
            (304, {"FileList": f"{BASE}.m3u8"}),
            (302, {"LeaveCode": 0}),
            (305, {"LeaveCode": 0, "Status": 0}),
            (
                310,
                {
                    "Status": 0,
                    "FileList": [f"{BASE}.mp4"],
                    "FileMessage": [{**mp4, "StartTimeStamp": begin, "EndTimeStamp": end}],
                },
            ),
        ]
        first = told.got[0].json()
        info = {"RoomId": 1001, "UserId": "robot-1", "TaskId": recording.recording_id, "Payload": {"Status": 0}}
        times = {"EventTs": at(0) // SECOND, "EventMsTs": begin}
        assert first == {"EventGroupId": 3, "EventType": 301, "CallbackTs": begin, "EventInfo": {**info, **times}}


async def test_a_user_s_sound_and_pictures_are_told_of_one_by_one(
    wheel_ffmpeg: str, media: Path, tmp_path: Path
) -> None:
    async with Receiver(is_signed) as told, a_house(tmp_path, media=media, told=told) as house:
        recording = await recorded(house, 6, RecordParams={"RecordMode": 1})
        said = await told_of(told, 305)
        assert [kind for kind, _ in said] == [301, 303, 307, 304, 307, 304, 302, 305]
        slices = [payload for kind, payload in said if kind == 307]
        assert [(one["FileName"], one["TrackType"], one["UserId"]) for one in slices] == [
            (f"{USER}_audio.m3u8", "audio", "live"),
            (f"{USER}_video.m3u8", "video", "live"),
        ]
        folder = Path(recording.files[1].uri).parent
        assert (folder / f"{USER}_video.m3u8").read_text() == PLAYLIST


async def test_a_video_library_is_told_of_by_311_and_312(wheel_ffmpeg: str, media: Path, tmp_path: Path) -> None:
    async with Receiver(is_signed) as told, a_house(tmp_path, media=media, told=told) as house:
        vod = {"CloudVod": {"TencentVod": {"MediaType": 3, "UserDefineRecordId": "lesson-7"}}}
        recording = await recorded(house, StorageParams=vod)
        said = await told_of(told, 312)
        assert [kind for kind, _ in said] == [301, 302, 311, 311, 312]
        for number, kind in enumerate(("m3u8", "mp4"), 1):
            found = said[1 + number][1]["TencentVod"]
            name = f"lesson-7__UserDefine_u_{BASE}.{kind}"
            assert (found["CacheFile"], found["FileId"]) == (name, f"{recording.recording_id}-{number}")
            assert Path(found["VideoUrl"].removeprefix("file://")).name == name
            assert (found["UserId"], found["TrackType"], found["MediaId"]) == ("", "audio_video", "mix")


async def test_a_room_whose_name_is_a_string(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with Receiver() as told, a_house(tmp_path, told=told, channels={"a room": "live"}) as house:
        task = await house.create(RoomId="a room", RoomIdType=0, StorageParams=storage(FileNamePrefix=["a", "b"]))
        assert (await told.wait(1))[0].json()["EventInfo"]["RoomId"] == "a room"
        spec = (await house.dvr.recordings.get("live", task)).spec
        assert spec.output_uri == str(tmp_path / f"live/recordings/cos/tapes-1250000000/a/b/{task}")
        assert spec.file_stem == f"{APP}_YSByb29t"


# what cannot be brought about in a moment


def said(
    event: Event | None, *, storage: str = "cos", formats: tuple[RecordingFormat, ...] = ("HLS",), **how: Any
) -> Any:
    notify = Notify(uri="https://a.example/", dialect="tencent", context={**CONTEXT, "storage": storage})
    given = {"recording_id": "t", "channel_id": "live", "spec": RecordingSpec(formats=formats), "spans": ()}
    recording = Recording(**given, create_time=to_datetime(at(0)), update_time=to_datetime(at(0)), **how)
    bodies = [json.loads(body) for _, body in Callbacks().messages(Told(event, recording, notify, at(0)))]
    return [(body["EventType"], body["EventInfo"]["Payload"]) for body in bodies]


@pytest.mark.parametrize(("reason", "code"), [("REQUESTED", 0), ("CHANNEL_STOPPED", 2), ("IDLE", 99), ("MAX_TIME", 3)])
def test_why_it_has_left_the_room(reason: str, code: int) -> None:
    assert said(Event.END, state="FINALIZING", end_reason=reason) == [(302, {"LeaveCode": code})]


LOST = {"LeaveCode": 1, "Status": 1}


def test_what_cannot_be_recorded_has_left_been_in_trouble_and_is_not_there() -> None:
    trouble = (308, {"Code": "InternalError", "Message": "disk full"})
    no_mp4 = (310, {"Status": 2, "FileList": [], "FileMessage": []})
    how: Any = {"state": "FAILED", "error": "disk full", "formats": ("HLS", "MP4")}
    assert said(Event.REFUSED, **how) == [(302, {"LeaveCode": 3}), trouble, (305, LOST), no_mp4]
    assert said(Event.REFUSED, end_reason="REQUESTED", **how) == [trouble, (305, LOST), no_mp4], "302 was before"


def test_what_its_operator_gives_up() -> None:
    assert said(Event.CANCEL, state="CANCELED") == [(302, {"LeaveCode": 3}), (305, LOST)]


def test_where_nothing_came_there_is_nothing_to_tell_of() -> None:
    assert said(Event.SILENT, state="EMPTY", end_reason="IDLE") == [(305, {"LeaveCode": 0, "Status": 0})]
    vod = said(Event.SILENT, storage="vod", state="EMPTY", end_reason="IDLE")
    assert vod == [(312, {"Status": 0})]


def test_a_video_that_is_lost() -> None:
    how: Any = {"storage": "vod", "state": "FAILED", "error": "disk full", "end_reason": "REQUESTED"}
    lost = {"Status": 2, "Errmsg": "disk full", "TencentVod": {}}
    assert said(Event.REFUSED, **how) == [(311, lost), (312, {"Status": 1})]


def test_a_pause_of_its_operator_s_is_nothing_that_is_told() -> None:
    assert said(Event.PAUSE, state="PAUSED") == []


# how often


def test_the_documented_vector_of_the_signature() -> None:
    info = '\t\t"RoomId":\t8489,\n\t\t"EventTs":\t1664209748,\n\t\t"EventMsTs":\t1664209748180,\n'
    info += '\t\t"UserId":\t"user_85034614",\n\t\t"Reason":\t0\n'
    head = '\t"EventGroupId":\t2,\n\t"EventType":\t204,\n\t"CallbackTs":\t1664209748188,\n'
    body = f'{{\n{head}\t"EventInfo":\t{{\n{info}\t}}\n}}'
    headers = Callbacks().headers("https://a.example/", f"{APP}/301", body.encode(), "123654")
    assert headers["Sign"] == "kkoFeO3Oh2ZHnjtg8tEAQhtXK16/KI05W3BQff8IvGA="
    assert "Sign" not in Callbacks().headers("https://a.example/", f"{APP}/301", body.encode(), None)


def test_at_once_then_each_ten_seconds_while_it_is_no_older_than_a_minute() -> None:
    policy, now, waits = Callbacks.policy, at(0), []
    for attempts in range(9):
        until = next_attempt(policy, at(0), attempts, now)
        if until is None:
            break
        waits.append((until - now) // SECOND)
        now = until
    assert waits == [0, 10, 10, 10, 10, 10] and policy.timeout == 5 * SECOND
    slow, tries = at(5), 0  # each attempt takes its 5 s
    while (until := next_attempt(policy, at(0), tries, slow)) is not None:
        slow, tries = until + 5 * SECOND, tries + 1
    assert slow - 5 * SECOND <= at(60) and tries == 4


async def test_a_callback_is_sent_again_also_by_the_next_controller(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with Receiver(is_signed) as told, a_house(tmp_path, told=told) as house:
        told.statuses = [503, 503, 503, *[200] * 9]
        task = await house.create()
        await told.wait(2)  # at once
        await eventually(lambda: house.waiting() == [10])
        await house.restart()
        house.clock.advance(10 * SECOND)
        await told.wait(3)
        await eventually(lambda: house.waiting() == [10])
        house.clock.advance(10 * SECOND)
        got = await told.wait(5)
        assert len({posted.body for posted in got[:4]}) == 1 and got[4].json()["EventType"] == 303
        assert got[0].json()["EventInfo"]["TaskId"] == task
        assert await house.status(task) == "Idle"


async def test_a_minute_old_it_is_given_up_and_the_channel_s_user_told(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with Receiver() as told, a_house(tmp_path, told=told) as house:
        told.statuses = [500] * 100
        await house.create()
        await told.wait(2)
        for attempt in range(5):
            await eventually(lambda: house.waiting() == [10])
            house.clock.advance(10 * SECOND)
            await told.wait(3 + attempt)
        lost = await eventually(
            lambda: [text for _, kind, text in house.dvr.events("live") if kind == "NOTIFICATION_LOST"]
        )
        assert f"{APP}/301" in lost[0] and "500" in lost[0]

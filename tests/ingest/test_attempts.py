"""What the runs of an input teach the next one."""

from __future__ import annotations

import pytest

from builders import channel
from livedvr.ingest.attempts import FIRST_BACKOFF, GIVE_UP_AFTER, LAST_BACKOFF, Attempts
from livedvr.ingest.command import LONG_PROBE_SECONDS, Cut
from livedvr.ingest.ended_run import EndedRun
from livedvr.ingest.run import RunExit
from livedvr.ingest.source import parse_source, rtmp_pull
from livedvr.resources.errors import SourceError
from livedvr.resources.models import Channel, Input, Manifest
from livedvr.resources.streams import MuxStream, video_and_audio
from livedvr.resources.times import MINUTE, SECOND

KEYLESS = [
    "[in#0/mpegts @ 0x1] [warning] Could not find codec parameters for stream 0 (Video: h264 ([27][0][0][0] / 0x001B), "
    "none): unspecified size",
    "[segment @ 0x1] [error] dimensions not set",
]
NO_VIDEO = ["[fatal] Stream map '0:v:0' matches no streams."]
NO_AUDIO = ["[fatal] Stream map '0:a:0' matches no streams."]


def _ladder(uri: str = "udp://127.0.0.1:5000") -> Channel:
    muxes = tuple(MuxStream(key=key, elementary_streams=(key,)) for key in ("video", "audio"))
    return channel(
        input=Input(uri=uri),
        elementary_streams=video_and_audio("h264"),
        mux_streams=muxes,
        manifests=(Manifest(mux_streams=("video", "audio")),),
    )


def _attempts(uri: str = "udp://127.0.0.1:5000") -> Attempts:
    made = _ladder(uri)
    return Attempts(parse_source(made.input), Cut(made, made.mux_streams))


def _ended(*lines: str, overlong: str | None = None) -> EndedRun:
    return EndedRun(RunExit(1, 0, None), list(lines), None, None, None, listed=False, overlong=overlong)


def test_the_wait_between_runs_doubles_and_a_good_minute_makes_it_short_again() -> None:
    attempts, waits = _attempts(), []
    for _ in range(7):
        attempts.brought(_ended(), 5 * SECOND)
        waits.append(attempts.backoff)
        attempts.waited()
    assert waits == [FIRST_BACKOFF * 2**n for n in range(5)] + [LAST_BACKOFF] * 2
    attempts.brought(_ended(), MINUTE + 1)
    assert attempts.backoff == FIRST_BACKOFF


@pytest.mark.semantics("P7")
def test_a_rendition_whose_stream_is_missing_is_done_without_until_a_run_has_brought_media() -> None:
    attempts = _attempts()
    events = attempts.brought_nothing(_ended(*NO_AUDIO), SECOND, has_recorded=False)
    assert events == [("RENDITION_FAILED", "audio: the source has no stream 'a:0'")]
    assert [mux.key for mux in attempts.cut.muxes] == ["video"]
    attempts.brought(_ended(), SECOND)
    assert [mux.key for mux in attempts.cut.muxes] == ["video", "audio"]


@pytest.mark.semantics("P7")
def test_a_rendition_that_does_not_go_into_its_container_is_done_without() -> None:
    attempts = _attempts()
    lines = [
        "[segment @ 0x1] [info] Opening 'audio/journal.csv' for writing",
        "[mp4 @ 0x1] [error] Cannot write moov atom before AC3 packets.",
        "[out#1/segment @ 0x1] [error] Could not write header (incorrect codec parameters ?): Invalid argument",
    ]
    ((kind, text),) = attempts.brought_nothing(_ended(*lines), SECOND, has_recorded=False)
    assert kind == "RENDITION_FAILED" and text.startswith("audio: its stream does not go into its container: Cannot")
    assert [mux.key for mux in attempts.cut.muxes] == ["video"]


@pytest.mark.semantics("I3", "I4")
def test_a_gateway_that_is_not_there_is_said_and_waited_for() -> None:
    made = _ladder()
    source = rtmp_pull(("127.0.0.1", 1935), "live", "name", listens=True)
    attempts = Attempts(source, Cut(made, made.mux_streams))
    said = [attempts.brought_nothing(_ended("[error] refused"), SECOND, has_recorded=False) for _ in range(9)]
    assert [[kind for kind, _ in events] for events in said if events] == [["GATEWAY_UNAVAILABLE"]]
    assert said[GIVE_UP_AFTER - 1]


@pytest.mark.semantics("P7", "I3")
def test_a_source_without_the_video_that_the_channel_is_made_of_ends_it_only_at_its_start() -> None:
    with pytest.raises(SourceError, match="the source has no stream 'v:0'"):
        _attempts().brought_nothing(_ended(*NO_VIDEO), SECOND, has_recorded=False)
    attempts = _attempts()
    ((kind, text),) = attempts.brought_nothing(_ended(*NO_VIDEO), SECOND, has_recorded=True)
    assert kind == "SOURCE_REFUSED" and "no stream 'v:0'" in text
    assert len(attempts.cut.muxes) == 2, "the right publisher may come next"


@pytest.mark.semantics("P3")
def test_media_without_keyframes_is_looked_at_for_longer_and_then_said_once() -> None:
    attempts = _attempts()
    assert attempts.brought_nothing(_ended(*KEYLESS), 6 * SECOND, has_recorded=False) == []
    assert attempts.cut.probe_seconds == LONG_PROBE_SECONDS
    ((kind, text),) = attempts.brought_nothing(_ended(*KEYLESS), 31 * SECOND, has_recorded=False)
    assert kind == "NO_KEYFRAME" and f"no keyframe within {LONG_PROBE_SECONDS} s" in text and "interval" in text
    assert "no keyframe" in (attempts.last_failure or "")
    for _ in range(9):
        assert attempts.brought_nothing(_ended(*KEYLESS), 31 * SECOND, has_recorded=False) == []
    assert attempts.brought(_ended(overlong="no keyframe for 120 s"), 2 * MINUTE) == []
    assert attempts.brought(_ended(), MINUTE) == [], "keyframes have come"
    ((kind, text),) = attempts.brought(_ended(overlong="no keyframe for 120 s"), 2 * MINUTE)
    assert kind == "NO_KEYFRAME" and "no keyframe for 120 s" in text


def test_an_ffmpeg_that_never_gets_going_is_given_up_and_a_slow_one_is_not() -> None:
    attempts = _attempts()
    for _ in range(GIVE_UP_AFTER - 1):
        attempts.brought_nothing(_ended("[error] bind failed"), SECOND, has_recorded=False)
    attempts.brought_nothing(_ended("[error] bind failed"), 3 * SECOND, has_recorded=False)
    for _ in range(GIVE_UP_AFTER - 1):
        attempts.brought_nothing(_ended("[error] bind failed"), SECOND, has_recorded=False)
    with pytest.raises(SourceError, match=f"ends at once, {GIVE_UP_AFTER} times in a row: bind failed"):
        attempts.brought_nothing(_ended("[error] bind failed"), SECOND, has_recorded=False)


def test_a_file_that_cannot_be_read_is_given_up_at_once() -> None:
    with pytest.raises(SourceError, match="ffmpeg cannot read it: Invalid data"):
        _attempts("/srv/clip.mp4").brought_nothing(_ended("[error] Invalid data"), SECOND, has_recorded=True)


@pytest.mark.semantics("P3")
def test_a_file_whose_rest_has_no_keyframe_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"clip.mp4: no keyframe for 120 s: .* \(encode it: --video h264\)"):
        _attempts("/srv/clip.mp4").brought(_ended(overlong="no keyframe for 120 s"), 2 * MINUTE)
    assert _attempts("/srv/clip.mp4").brought(_ended(), MINUTE) == []

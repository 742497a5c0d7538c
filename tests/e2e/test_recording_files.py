"""The files of a recording by a real ffmpeg: how they are called, where they are split, what is told of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builders import at, window
from livedvr.check.run import run_check
from livedvr.media.custom_begin import CUSTOM_BEGIN
from livedvr.recordings.placing import Placing
from livedvr.recordings.rendering import check_free, render
from livedvr.recordings.view import file_of, interval_of, spans_of
from livedvr.resources.errors import AlreadyExists
from livedvr.resources.file_names import stamp
from livedvr.resources.models import Channel, to_datetime
from livedvr.resources.recording import HlsOptions, Recording, RecordingFile, RecordingSpec
from livedvr.timeline.timeline import ChannelTimeline
from offline import add_run, check_facts, clip_with_pips, cut_offline, decoding_errors

pytestmark = pytest.mark.e2e

SAID = 1_764_079_200_123
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-sc_threshold", "0", "-bf", "2")
SEI = ("-bsf:v", f"h264_metadata=sei_user_data={CUSTOM_BEGIN}+{SAID}")
LATER_RUN = "20261121T020020Z-k3f9"


def a_channel(ffmpeg: str, folder: Path, *, changes: bool = False, container: str = "fmp4") -> tuple[Any, Any]:
    """8 s of pictures that say a time and of sound; with ``changes`` 4 s from 20 s on, of another size and rate."""
    clip_with_pips(ffmpeg, folder / "clip.mp4", *X264, *SEI)
    channel, known = cut_offline(ffmpeg, folder / "clip.mp4", folder / "out", container, apart=False)
    if changes:
        clip_with_pips(ffmpeg, folder / "later.mp4", *X264, "-s", "160x90", "-ar", "44100", seconds=4)
        add_run(ffmpeg, folder / "later.mp4", channel, known, LATER_RUN, at(20))
    return channel, known


def asked(folder: Path, *spans: tuple[float, float], **spec: Any) -> Recording:
    (folder / "files").mkdir(exist_ok=True)
    now = to_datetime(at(30))
    return Recording(
        recording_id="take",
        channel_id="live",
        spec=RecordingSpec(output_uri=str(folder / "files"), **spec),
        state="FINALIZING",
        spans=tuple(interval_of(window(*one)) for one in spans),
        create_time=now,
        update_time=now,
    )


async def made(channel: Channel, known: ChannelTimeline, row: Recording) -> tuple[list[RecordingFile], float]:
    files, length = await render(row, spans_of(row), channel, known)
    return [file_of(row, one) for one in files], length / 1e6


def check_file(file: RecordingFile) -> None:
    """Of one stretch without a pause: what is told of it is so."""
    # Of HLS ffprobe adds up the lengths of segments, each cut off behind the microsecond.
    # The head of an MP4 by ffmpeg 5.1 counts milliseconds, begun ones too.
    check_facts(file, MP3=0.06, AAC=0.5, HLS=0.000_01, MP4=0.001)
    assert (file.end_time - file.begin_time).total_seconds() == pytest.approx(file.duration.total_seconds(), abs=0.13)


async def test_hls_as_others_name_it_one_of_each_track_and_a_new_one_where_the_media_changes(
    ffmpeg: str, tmp_path: Path
) -> None:
    channel, known = a_channel(ffmpeg, tmp_path, changes=True)
    header = ("#EXT-X-TRTC-START-REC-TIME:{begin_ms}", "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:{width} HEIGHT:{height}")
    options = HlsOptions(container="ts", segment_seconds=2, segment_stem="1400_r+m_{track}_{begin}", header=header)
    row = asked(
        tmp_path,
        (1.5, 24),
        formats=("HLS", "MP4", "WAV"),
        tracks="SEPARATE",
        file_stem="rec/1400_r+m_{track}_{index}",
        hls=options,
    )
    files, length = await made(channel, known, row)
    seen = [(one.format, one.track, one.index, Path(one.uri).name) for one in files]
    assert seen == [
        *(("HLS", track.upper(), i, f"1400_r+m_{track}_{i}.m3u8") for track in ("audio", "video") for i in (1, 2)),
        *(("MP4", track.upper(), i, f"1400_r+m_{track}_{i}.mp4") for track in ("audio", "video") for i in (1, 2)),
        ("WAV", "AUDIO", 1, "1400_r+m_audio_1.wav"),  # of sound alone there is one: all of it as its beginning is
    ]
    assert length == pytest.approx(6.5 + 4, abs=0.05)
    assert [one.sample_rate for one in files] == [48000, 44100, None, None] * 2 + [48000]
    assert [one.width for one in files[:4]] == [None, None, 320, 160]
    assert [one.custom_begin_ms for one in files[:4]] == [None, None, SAID, None]
    assert [one.begin_time for one in files[2:4]] == [to_datetime(at(1.5)), to_datetime(at(20))]
    for one in files[:8]:
        check_file(one)
    for one in files[:4]:
        report = run_check(one.uri, deep=one.track == "VIDEO")  # silence is too little to see what it is
        assert report.ok, report

    check_playlists(files, tmp_path)


def check_playlists(files: list[RecordingFile], folder: Path) -> None:
    text = Path(files[2].uri).read_text()
    segments = [line for line in text.splitlines() if not line.startswith("#")]
    assert segments[0] == f"1400_r+m_video_{stamp(at(1.5))}.ts" and len(segments) == len(set(segments)) == 3
    assert f"\n#EXT-X-TRTC-START-REC-TIME:{at(1.5) // 1000}\n#EXT-X-TRTC-VIDEO-METADATA:WIDTH:320 HEIGHT:180\n" in text
    assert "METADATA" not in Path(files[0].uri).read_text(), "it has no size"
    below = [path for path in (folder / "files/rec").iterdir() if path.name.startswith("1400_r+m_video")]
    size = sum(path.stat().st_size for path in below if path.suffix in (".ts", ".m3u8"))
    assert size == files[2].size_bytes + files[3].size_bytes


async def test_files_are_split_by_their_length(wheel_ffmpeg: str, tmp_path: Path) -> None:
    channel, known = a_channel(wheel_ffmpeg, tmp_path, container="ts")
    row = asked(tmp_path, (0, 3), (4, 7.5), formats=("WAV", "MP3", "AAC", "MP4"), max_file_duration=2.5)
    files, length = await made(channel, known, row)
    assert length == pytest.approx(6.5, abs=0.001)
    assert [Path(one.uri).name for one in files] == [
        f"take{nth}.{kind}" for kind in ("wav", "mp3", "aac", "mp4") for nth in ("", "-2", "-3")
    ]
    begins = [at(0), at(2.5), at(6)]  # half a second of the second one lies before the pause
    assert [one.begin_time for one in files] == [to_datetime(one) for one in begins] * 4
    assert [one.duration.total_seconds() for one in files[:3]] == [2.5, 2.5, 1.5]
    assert [one.size_bytes for one in files[:3]] == [44 + 2 * 48000 * n // 10 for n in (25, 25, 15)]
    assert [one.custom_begin_ms for one in files[9:]] == [SAID] * 3
    for index, one in enumerate(files):
        if (index % 3) != 1:  # what is joined over a pause is shorter than from its beginning to its end
            check_file(one)
        assert one.format != "MP4" or decoding_errors(wheel_ffmpeg, Path(one.uri)) == ""


async def test_a_file_for_each_stretch_and_nothing_of_others_is_replaced(wheel_ffmpeg: str, tmp_path: Path) -> None:
    channel, known = a_channel(wheel_ffmpeg, tmp_path)
    row = asked(tmp_path, (0, 2), (3, 5), formats=("MP4",), tracks="AUDIO", split_at_pauses=True)
    files, _ = await made(channel, known, row)
    assert [(Path(one.uri).name, one.mime_type, one.track) for one in files] == [
        ("take.mp4", "audio/mp4", "AUDIO"),
        ("take-2.mp4", "audio/mp4", "AUDIO"),
    ]
    for one in files:
        check_file(one)
    # A controller that died right behind it: the next one makes them again.
    again, _ = await made(channel, known, row)
    assert again == files
    # But of a recording of before nothing is taken.
    check_the_second_stands(row, files)
    with pytest.raises(AlreadyExists, match=r"take-2\.mp4 exists already"):
        await made(channel, known, row)
    Placing(row).take_back()  # as the manager does
    assert names_in(row.spec.output_uri) == ["take-2.mp4"]


def names_in(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


def check_the_second_stands(row: Recording, files: list[RecordingFile]) -> None:
    """It is somebody else's now, as far as a new recording can tell."""
    Path(files[0].uri).unlink()
    check_free(row)

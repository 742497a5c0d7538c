from __future__ import annotations

from pathlib import Path

import pytest

from builders import channel
from livedvr.ingest.log import (
    LogReader,
    lacks_keyframe,
    lacks_picture_size,
    last_words,
    missing_stream,
    refused_publisher,
    refused_rendition,
    taken_streams,
)
from livedvr.ingest.open_run import open_run
from livedvr.ingest.run import Run
from livedvr.ingest.source_change import BEGAN_NAME, SourceChange
from livedvr.resources.streams import MuxStream, video_and_audio
from livedvr.resources.times import SECOND
from livedvr.timeline.timeline import Timeline

# Written by ffmpeg 9.0 with -loglevel level+info; the paths are shortened, nothing else.
TRANSCODING = """\
[info] Input #0, mpegts, from 'c.ts':
[info]   Duration: 00:00:02.02, start: 1.576778, bitrate: 257 kb/s
[info]   Program 1
[info]     Metadata:
[info]       service_name    : Service01
[info]       service_provider: FFmpeg
[info]   Stream #0:0[0x100]: Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], 10 fps, 10 tbr, 90k tbn, start 1.600000
[info]   Stream #0:1[0x101](eng): Audio: aac (LC) ([15][0][0][0] / 0x000F), 44100 Hz, mono, fltp, 71 kb/s, start 1.576778
[info]   Stream #0:2[0x102]: Audio: mp2, 48000 Hz, stereo, fltp, 128 kb/s
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h264 (native) -> h264 (libx264))
[info]   Stream #0:1 -> #0:1 (copy)
[info] Press [q] to stop, [?] for help
[libx264 @ 0x56203d9b9980] [info] profile High, level 1.2, 4:2:0, 8-bit
[info] Output #0, segment, to 'av/segment-%06d.m4s':
[info]   Stream #0:0: Video: h264, yuv420p(tv, progressive), 320x180 [SAR 1:1 DAR 16:9], q=2-31, 10 fps, 10 tbn
[info]   Stream #0:1: Audio: aac (LC) ([15][0][0][0] / 0x000F), 44100 Hz, mono, fltp, 71 kb/s
[segment @ 0x56203d93e780] [info] Opening 'av/segment-000000.m4s' for writing
""".splitlines()  # noqa: E501

MISSING = """\
[in#0 @ 0x5589a84b1cc0] [error] Error opening input: No such file or directory
[error] Error opening input file /nonexist.ts.
[fatal] Error opening input files: No such file or directory
""".splitlines()


def test_the_streams_that_were_taken_are_told_as_the_source_has_them() -> None:
    assert taken_streams(TRANSCODING) == [
        "#0:0 Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], 10 fps, "
        "10 tbr, 90k tbn (h264 (native) -> h264 (libx264))",
        "#0:1 Audio: aac (LC) ([15][0][0][0] / 0x000F), 44100 Hz, mono, fltp, 71 kb/s (copy)",
    ]


def test_before_anything_is_taken_there_are_no_streams() -> None:
    assert taken_streams([]) == []
    assert taken_streams(TRANSCODING[:8]) == []


def test_errors_are_the_last_words_without_their_prefixes() -> None:
    assert last_words(MISSING) == (
        "Error opening input: No such file or directory; Error opening input file /nonexist.ts.; "
        "Error opening input files: No such file or directory"
    )


def test_what_was_read_through_our_fetcher_is_shown_as_the_source_s_own() -> None:
    url = f"http://127.0.0.1:4000/{'T' * 43}/https/tv.example/live.m3u8?token=horse"
    assert (
        last_words([f"[https @ 0x1] [error] {url}: Server returned 403"])
        == "https://tv.example/live.m3u8: Server returned 403"
    )


def test_errors_come_before_whatever_was_said_after_them() -> None:
    lines = ["[error] Connection refused", "[info] Exiting normally", "[warning] a bit late"]
    assert last_words(lines) == "Connection refused"


def test_without_errors_the_last_lines_that_are_no_noise_speak() -> None:
    assert last_words(["[warning] one", "Killed", "  Duration: 3", "Last message repeated 4 times"]) == "one; Killed"
    assert last_words([]) == ""


def test_chatter_of_a_run_that_had_no_trouble_is_no_reason_to_end() -> None:
    assert last_words(TRANSCODING) == ""


def test_the_same_error_is_said_once_and_no_more_than_three_are_said() -> None:
    lines = [f"[h264 @ 0x{n:x}] [error] broken frame" for n in range(5)]
    assert last_words(lines) == "broken frame"
    assert last_words([f"[error] {n}" for n in range(9)]) == "6; 7; 8"


@pytest.mark.parametrize(
    ("line", "lacks"),
    [
        ("[mpegts @ 0x1] [warning] Could not find codec parameters for stream 0 (Video: h264): unspecified size", True),
        ("[out#0/segment @ 0x1] [error] dimensions not set", True),
        ("[error] Connection refused", False),
    ],
)
def test_a_probe_that_met_no_keyframe_is_recognized(line: str, lacks: bool) -> None:
    assert lacks_keyframe(["[info] x", line]) is lacks


@pytest.mark.parametrize(
    "line",
    [  # 9.0 and 5.1
        "[in#0/mpegts @ 0x55b6] [warning] Could not find codec parameters for stream 0 (Video: h264 ([27][0][0][0] / "
        "0x001B), none): unspecified size",
        "[segment @ 0x5594] [error] dimensions not set",
    ],
)
def test_video_without_a_keyframe_is_told_from_other_media_that_cannot_be_known(line: str) -> None:
    assert lacks_picture_size(["[info] x", line]) and lacks_keyframe([line])
    sound = (
        "[mpegts @ 0x1] [warning] Could not find codec parameters for stream 1 (Audio: aac, 0 channels): unspecified"
    )
    assert lacks_keyframe([sound]) and not lacks_picture_size([sound])


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("[srt @ 0x1] [error] Connection setup failure: connection rejected (BADSECRET)", True),
        ("[srt @ 0x1] [error] Connection setup failure: unable to create/configure SRT socket", True),
        ("[error] Input/output error", False),
    ],
)
def test_a_publisher_that_was_turned_away_is_recognized(line: str, refused: bool) -> None:
    assert refused_publisher(["[info] x", line]) is refused


# Written by both ffmpegs with an fMP4 output, whose first segment they do not name.
BEGIN = b"".join(
    b"[segment @ 0x1] [info] Opening 'av/%s' for writing\n" % name for name in (b"journal.csv", b"init.mp4")
)
DISCONTINUITY = b"[vist#0:0/h264 @ 0x1] [warning] timestamp discontinuity (stream id=256): -49055999, new offset= -2\n"


def opening(index: int, extension: str = "m4s") -> bytes:
    return b"[segment @ 0x1] [info] Opening 'av/segment-%06d.%s' for writing\n" % (index, extension.encode())


def grow(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(lines))


@pytest.mark.semantics("C4")
def test_a_smoothed_jump_is_noticed_once(tmp_path: Path) -> None:
    path = tmp_path / "ffmpeg.log"
    reader = LogReader(path, "av")
    assert reader.smoothed_jumps() == []  # there is no log yet
    grow(path, BEGIN, opening(1), opening(2))
    assert reader.smoothed_jumps() == []
    grow(path, DISCONTINUITY)
    assert reader.smoothed_jumps() == [3]
    assert reader.smoothed_jumps() == []
    grow(path, opening(3), DISCONTINUITY)
    assert reader.smoothed_jumps() == [4]


@pytest.mark.semantics("C4", "C1")
@pytest.mark.parametrize(
    ("lines", "begins"),
    [
        ([BEGIN, DISCONTINUITY], [1]),  # in the first segment
        ([BEGIN, opening(0, "ts"), DISCONTINUITY, opening(1, "ts")], [1]),
        ([BEGIN, opening(1), opening(2), DISCONTINUITY, opening(3), opening(4)], [3]),  # its keyframe cuts
        ([BEGIN, opening(1), DISCONTINUITY, DISCONTINUITY, DISCONTINUITY, opening(2)], [2]),  # a line a stream
        ([BEGIN, opening(1_000_000), DISCONTINUITY], [1_000_001]),
        ([DISCONTINUITY, BEGIN, opening(1)], []),  # before any media was written
    ],
)
def test_the_log_s_own_order_tells_which_segment_begins_anew(
    tmp_path: Path, lines: list[bytes], begins: list[int]
) -> None:
    path = tmp_path / "ffmpeg.log"
    grow(path, *lines)
    assert sorted(set(LogReader(path, "av").smoothed_jumps())) == begins


@pytest.mark.semantics("C4")
@pytest.mark.parametrize("cut", [40, 45, 55])
def test_a_smoothed_jump_is_noticed_once_also_when_its_line_is_torn(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "ffmpeg.log"
    grow(path, BEGIN, DISCONTINUITY[:cut])
    reader = LogReader(path, "av")
    looks = reader.smoothed_jumps()
    grow(path, DISCONTINUITY[cut:])
    looks += reader.smoothed_jumps() + reader.smoothed_jumps()
    assert looks == [1]


@pytest.mark.parametrize(
    "line",
    [
        "[fatal] Stream map '0:a:1' matches no streams.",
        "[error] Failed to set value '0:a:1' for option 'map': Invalid argument",
    ],
    ids=["5.1", "9"],
)
def test_a_stream_that_the_source_lacks_is_told_by_its_name(line: str) -> None:
    assert missing_stream(["[info] Input #0, mpegts, from 'src.ts':", line, "something else"]) == "a:1"
    assert missing_stream(["[info] Input #0, mpegts, from 'src.ts':"]) is None


@pytest.mark.parametrize(
    "last",
    [
        "[error] Could not write header for output file #1 (incorrect codec parameters ?): Invalid argument",
        "[out#1/segment @ 0x5] [error] Could not write header (incorrect codec parameters ?): Invalid argument",
    ],
    ids=["5.1", "9.x"],
)
def test_the_rendition_whose_container_does_not_take_its_stream(last: str) -> None:
    lines = [
        "[segment @ 0x5] [info] Opening 'v360p/journal.csv' for writing",
        "[segment @ 0x5] [info] Opening 'v360p/init.mp4' for writing",
        "[segment @ 0x6] [info] Opening 'sound/init.mp4' for writing",
        "[mp4 @ 0x7] [error] Cannot write moov atom before AC3 packets. Set the delay_moov flag to fix this.",
        last,
        "[info] Conversion failed!",
    ]
    why = "Cannot write moov atom before AC3 packets. Set the delay_moov flag to fix this."
    assert refused_rendition(lines) == ("sound", why)
    assert refused_rendition(lines[:-2]) is None
    assert refused_rendition([last]) is None


@pytest.mark.semantics("I3")
def test_what_is_said_of_a_refused_rendition_names_no_source_and_no_secret() -> None:
    opening = "[hls @ 0x5] [info] Opening '{}' for {}"
    lines = [
        opening.format("sound/init.mp4", "writing"),
        opening.format("https://user:horse@tv.example/a/seg1.ts?token=staple", "reading"),
        "[https @ 0x5] [error] https://user:horse@tv.example/a/seg2.ts?token=staple: gone",
        "[error] Could not write header for output file #1 (incorrect codec parameters ?): Invalid argument",
    ]
    assert refused_rendition(lines) == ("sound", "https://tv.example/a/seg2.ts: gone")
    assert refused_rendition(lines[1:]) is None


@pytest.mark.parametrize(
    "announced",
    [
        "[mpegts @ 0x5] [warning] Could not find codec parameters for stream 2 (Audio: aac ([15][0][0][0] / 0x000F), 0",
        "[in#0/mpegts @ 0x5] [warning] Could not find codec parameters for stream 2 (Audio: aac ([15][0][0][0] / 0x0F",
    ],
    ids=["5.1", "9.x"],
)
def test_a_sound_that_is_announced_and_does_not_come(announced: str) -> None:
    lines = [
        announced,
        "[info]   Stream #0:0[0x100]: Video: h264 (Main) ([27][0][0][0] / 0x001B), yuv420p(progressive), 160x90",
        "[info]   Stream #0:1[0x101](eng): Audio: aac (LC) ([15][0][0][0] / 0x000F), 48000 Hz, mono, fltp, 72 kb/s",
        "[info]   Stream #0:2[0x102](deu): Audio: aac ([15][0][0][0] / 0x000F), 0 channels",
        "[segment @ 0x6] [error] sample rate not set",
    ]
    assert missing_stream(lines) == "a:1"
    assert missing_stream(lines[:-1]) is None, "that alone does no harm to a stream that is not taken"


@pytest.mark.parametrize(
    "line",
    [
        b"[mpegts @ 0x5] [warning] New audio stream 0:1 at pos:1608152 and DTS:0s",
        b"[in#0/mpegts @ 0x5] [warning] New audio stream with index 1 at pos:1608152 and DTS:0s",
    ],
    ids=["5.1", "9.x"],
)
def test_sound_that_comes_later_is_worth_a_run_once_a_minute(tmp_path: Path, line: bytes) -> None:
    """Where the run began with sound, or the channel wants none, it is somebody else's."""
    run = Run(tmp_path, ["av"])
    (tmp_path / "av").mkdir()
    grow(run.log_path, BEGIN, line + b"\n")
    video = MuxStream(key="av", elementary_streams=("video",))
    silent = channel(elementary_streams=video_and_audio("h264")[:1], mux_streams=(video,))
    for wants in (True, False):
        opened = open_run(run, channel() if wants else silent, Timeline(["av"]))
        opened.log.smoothed_jumps()
        for began in ('{"pictures": [], "sounds": [], "has_audio": true}', '{"pictures": [], "sounds": []}'):
            (tmp_path / "av" / BEGAN_NAME).write_text(began)
            opened.reference.change = SourceChange(run, opened.reference.mux)
            opened.reference.change.look([], 0)
            is_silent = "true" not in began
            assert opened.change(59 * SECOND) is None
            assert opened.change(61 * SECOND) == ("audio has come" if wants and is_silent else None)


# A source without sound and without data, as both ffmpegs say it when asked for both in case there are some.
VERBOSE = """\
[info]   Stream #0:0[0x100]: Video: h264 (High), 1 reference frame ([27][0][0][0] / 0x001B), yuv420p, 128x72, 25 fps
[verbose] Stream map '0:a:0?' matches no streams; ignoring.
[info]   Stream #0:0 -> #0:0 (copy)
[info] Output #0, segment, to 'av/segment-%06d.ts':
[data @ 0x559723592900] [error] No streams to mux were specified
[tee @ 0x5597235a5680] [error] Slave '[f=data:select=d:0]data-0.bin': error writing header: Invalid argument
[tee @ 0x5597235a5680] [error] Slave muxer #0 failed: Invalid argument, continuing with 1/2 slaves.
[framecrc @ 0x559723593280] [error] No streams to mux were specified
[segment @ 0x1] [verbose] segment:'av/segment-000000.ts' count:0 ended
""".splitlines()


@pytest.mark.semantics("P9", "P7")
def test_a_source_without_data_is_no_trouble_and_a_verbose_log_says_no_more_than_another() -> None:
    assert last_words(VERBOSE) == ""
    assert last_words([*VERBOSE, "[error] udp://: Input/output error"]) == "udp://: Input/output error"
    assert missing_stream(VERBOSE) is None
    assert taken_streams(VERBOSE) == [
        "#0:0 Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p, 128x72, 25 fps (copy)"
    ]

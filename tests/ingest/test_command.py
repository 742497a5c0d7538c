from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from livedvr.ingest.command import LONG_PROBE_SECONDS, Cut, build_argv, stream_specifiers
from livedvr.ingest.source import Source, parse_source
from livedvr.ingest.testsrc import testsrc_graph as graph_of_testsrc  # a plain name: pytest collects test*
from livedvr.resources.layout import Container
from livedvr.resources.models import Channel, Input, Manifest, Output
from livedvr.resources.streams import (
    AudioStream,
    ElementaryStream,
    MuxStream,
    TextStream,
    VideoStream,
    video_and_audio,
)
from livedvr.resources.times import SECOND

CLIP = "/srv/media/clip.mp4"

# Golden, piece by piece in ffmpeg's order: program, global options, input, streams, codecs and muxer, output.
# ffmpeg-python puts `-f` first and the rest in alphabetical order; ffmpeg does not mind.

GLOBAL = ["/opt/ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info"]

GLOBAL_OF_TS = [*GLOBAL[:-1], "level+verbose"]

TESTSRC = ["-f", "lavfi", "-i", graph_of_testsrc()]
FILE = ["-protocol_whitelist", "file", "-re", "-i", CLIP]
LOOPED = ["-protocol_whitelist", "file", "-re", "-stream_loop", "-1", "-i", CLIP]
SRT = [
    "-f", "mpegts",
    "-analyzeduration", "5000000",
    "-latency", "200000",
    "-mode", "listener",
    "-passphrase", "correct-horse",
    "-probesize", "100000000",
    "-protocol_whitelist", "srt",
    "-i", "srt://127.0.0.1:9000",
]  # fmt: skip
UDP = [
    "-f", "mpegts",
    "-analyzeduration", "5000000",
    "-fifo_size", "100",
    "-overrun_nonfatal", "1",
    "-probesize", "100000000",
    "-protocol_whitelist", "udp",
    "-i", "udp://239.1.2.3:5000",
]  # fmt: skip

RTMP = [
    "-f", "flv",
    "-listen", "1",
    "-protocol_whitelist", "rtmp,tcp",
    "-i", "rtmp://127.0.0.1:1935/live/*",
]  # fmt: skip
RTMP_PULL = [
    "-f", "flv",
    "-protocol_whitelist", "rtmp,tcp",
    "-rtmp_app", "app",
    "-rtmp_live", "live",
    "-rtmp_playpath", "stream",
    "-i", "rtmp://tv.example:1935",
]  # fmt: skip
RTSP = [
    "-protocol_whitelist", "rtsp,rtp,tcp",
    "-rtsp_transport", "tcp",
    "-timeout", "15000000",
    "-i", "rtsp://user:horse@cam/1",
]  # fmt: skip
HLS = [
    "-f", "hls",
    "-http_persistent", "0",
    "-live_start_index", "-3",
    "-m3u8_hold_counters", "20",
    "-max_reload", "20",
    "-protocol_whitelist", "http,https,tcp,tls,crypto",
    "-rw_timeout", "15000000",
    "-i", "https://tv.example/live.m3u8",
]  # fmt: skip

MOVFLAGS = (
    "movflags=+empty_moov+default_base_moof+frag_keyframe+frag_discont:use_editlist=0"
    ":frag_duration=500000:flush_packets=1:avoid_negative_ts=disabled:max_interleave_delta=1"
)
STREAMS = ["-map", "0:v:0?", "-map", "0:a:0?"]

FMP4_COPY = [
    "-f", "segment",
    "-avoid_negative_ts", "disabled",
    "-c:a", "copy",
    "-c:v", "copy",
    "-individual_header_trailer", "0",
    "-initial_offset", "1.000000",
    "-max_interleave_delta", "2000000",
    "-max_muxing_queue_size", "4096",
    "-segment_format", "mp4",
    "-segment_format_options",
    MOVFLAGS,
    "-segment_header_filename", "av/init.mp4",
    "-segment_list", "av/journal.csv",
    "-segment_list_type", "csv",
    "-segment_time", "2.000000",
    "-segment_time_delta", "0.05",
    "av/segment-%06d.m4s",
    "-map", "0:v:0?", "-map", "0:a:0?",
    "-f", "nut",
    "-c", "copy",
    "-flush_packets", "1",
    "-max_interleave_delta", "1",
    "-t", "5",
    "av/head.nut",
]  # fmt: skip
FMP4_H264 = [
    "-f", "segment",
    "-ac", "2",
    "-ar", "48000",
    "-avoid_negative_ts", "disabled",
    "-b:a", "128000",
    "-bufsize", "6000000",
    "-c:a", "aac",
    "-c:v", "libx264",
    "-crf", "23",
    "-force_key_frames", "expr:gte(t,n_forced*2.000000)",
    "-g", "100000",
    "-individual_header_trailer", "0",
    "-initial_offset", "1.000000",
    "-max_interleave_delta", "2000000",
    "-max_muxing_queue_size", "4096",
    "-maxrate", "6000000",
    "-pix_fmt", "yuv420p",
    "-preset", "veryfast",
    "-sc_threshold", "0",
    "-segment_format", "mp4",
    "-segment_format_options",
    MOVFLAGS,
    "-segment_header_filename", "av/init.mp4",
    "-segment_list", "av/journal.csv",
    "-segment_list_type", "csv",
    "-segment_time", "2.000000",
    "-segment_time_delta", "0.05",
    "-tune", "zerolatency",
    "av/segment-%06d.m4s",
]  # fmt: skip
TS_COPY = [
    "-f", "segment",
    "-avoid_negative_ts", "disabled",
    "-c:a", "copy",
    "-c:v", "copy",
    "-initial_offset", "1.000000",
    "-max_interleave_delta", "2000000",
    "-max_muxing_queue_size", "4096",
    "-muxdelay", "0",
    "-muxpreload", "0",
    "-segment_format", "mpegts",
    "-segment_format_options", "flush_packets=1:avoid_negative_ts=disabled:max_interleave_delta=1",
    "-segment_list", "av/journal.csv",
    "-segment_list_type", "csv",
    "-segment_time", "2.000000",
    "-segment_time_delta", "0.05",
    "av/segment-%06d.ts",
]  # fmt: skip
TS_H264 = [
    "-f", "segment",
    "-ac", "2",
    "-ar", "48000",
    "-avoid_negative_ts", "disabled",
    "-b:a", "128000",
    "-bufsize", "6000000",
    "-c:a", "aac",
    "-c:v", "libx264",
    "-crf", "23",
    "-force_key_frames", "expr:gte(t,n_forced*2.000000)",
    "-g", "100000",
    "-initial_offset", "1.000000",
    "-max_interleave_delta", "2000000",
    "-max_muxing_queue_size", "4096",
    "-maxrate", "6000000",
    "-muxdelay", "0",
    "-muxpreload", "0",
    "-pix_fmt", "yuv420p",
    "-preset", "veryfast",
    "-sc_threshold", "0",
    "-segment_format", "mpegts",
    "-segment_format_options", "flush_packets=1:avoid_negative_ts=disabled:max_interleave_delta=1",
    "-segment_list", "av/journal.csv",
    "-segment_list_type", "csv",
    "-segment_time", "2.000000",
    "-segment_time_delta", "0.05",
    "-tune", "zerolatency",
    "av/segment-%06d.ts",
]  # fmt: skip

# What may bring an MPEG-TS: its data streams beside the segments.
CUE_STREAMS = ["-map", "0:v:0?", "-map", "0:a:0?", "-map", "0:d?"]
CUE_STREAMS_OF_FILE = [*CUE_STREAMS[:-1], "1:d?"]
SECOND_OF_FILE = ["-itsoffset", "0.000001", "-protocol_whitelist", "file", "-i", CLIP]
CUES = [
    "-f", "tee",
    "-avoid_negative_ts", "disabled",
    "-c", "copy",
    "-max_interleave_delta", "1",
    r"[f=data:select=\'d:0\':onfail=ignore:flush_packets=1]data-0.bin"
    r"|[f=framecrc:select=\'d:0\':onfail=ignore:flush_packets=1]data-0.txt"
    r"|[f=data:select=\'d:1\':onfail=ignore:flush_packets=1]data-1.bin"
    r"|[f=framecrc:select=\'d:1\':onfail=ignore:flush_packets=1]data-1.txt"
    "|[f=null]-",
]  # fmt: skip

INPUTS = {"testsrc": TESTSRC, "file": FILE, "srt": SRT, "udp": UDP}
OUTPUTS: dict[tuple[Container, bool], list[str]] = {
    ("fmp4", True): FMP4_COPY,
    ("fmp4", False): FMP4_H264,
    ("ts", True): TS_COPY,
    ("ts", False): TS_H264,
}


def source(kind: str) -> Source:
    uris = {
        "testsrc": "testsrc",
        "srt": "srt://:9000?passphrase=correct-horse&latency=200000",
        "udp": "udp://239.1.2.3:5000?fifo_size=100",
    }
    return Source("file", CLIP) if kind == "file" else parse_source(Input(uri=uris[kind]))


def cut(container: Container = "fmp4", segment: int = 2 * SECOND, *, copy: bool = True, key: str = "av") -> Cut:
    mux = MuxStream(key=key, container=container, segment_duration=timedelta(microseconds=segment))
    made = Channel(
        channel_id="live",
        input=Input(uri="clip.mp4"),
        output=Output(uri="/srv/tv"),
        elementary_streams=video_and_audio("copy" if copy else "h264"),
        mux_streams=(mux,),
        manifests=(Manifest(mux_streams=(key,)),),
    )
    return Cut(made, made.mux_streams)


def argv(kind: str, container: Container = "fmp4", *, copy: bool = False, segment: int = 2 * SECOND) -> list[str]:
    return build_argv("/opt/ffmpeg", source(kind), cut(container, segment, copy=copy))


def smoothed(given: list[str], kind: str, container: Container = "fmp4") -> list[str]:
    """Files and fMP4 need timestamp jumps smoothed over; where that option stands among the others."""
    at = {"testsrc": None, "file": 0, "srt": 4, "udp": 4}[kind]
    if at is None or (container == "ts" and kind != "file"):
        return given
    return [*given[:at], "-dts_delta_threshold", "1", *given[at:]]


@pytest.mark.semantics("C6", "I2", "I6", "O4")
@pytest.mark.parametrize("copy", [True, False], ids=["copy", "h264"])
@pytest.mark.parametrize("container", ["fmp4", "ts"])
@pytest.mark.parametrize("kind", ["testsrc", "file", "srt", "udp"])
def test_the_whole_command(kind: str, container: Container, copy: bool) -> None:
    outputs = STREAMS + OUTPUTS[container, copy]
    given = smoothed(INPUTS[kind], kind, container)
    if kind == "testsrc":
        expected = GLOBAL + given + outputs
    elif kind == "file":
        expected = GLOBAL_OF_TS + given + SECOND_OF_FILE + outputs + CUE_STREAMS_OF_FILE + CUES
    else:
        expected = GLOBAL_OF_TS + given + outputs + CUE_STREAMS + CUES
    assert argv(kind, container, copy=copy) == expected


@pytest.mark.semantics("I1", "I4", "I6")
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("rtmp://:1935/live/correct-horse", RTMP),
        ("rtmp://tv.example/app/stream", RTMP_PULL),
        ("rtsp://user:horse@cam/1", RTSP),
        ("https://tv.example/live.m3u8", HLS),
    ],
)
def test_how_a_source_is_opened(uri: str, expected: list[str]) -> None:
    given = build_argv("/opt/ffmpeg", parse_source(Input(uri=uri)), cut("ts"))
    assert given == GLOBAL + expected + STREAMS + OUTPUTS["ts", True]
    assert not [part for part in given if "correct-horse" in part], "ps and run.json do not show a stream key"


@pytest.mark.semantics("I1")
@pytest.mark.semantics("I6")
def test_hls_that_our_fetcher_reads_is_asked_of_nobody_else() -> None:
    given = parse_source(Input(uri="https://tv.example/live.m3u8"))
    made = build_argv("ffmpeg", replace(given, url="http://127.0.0.1:4000/T/https/tv.example/", mirrored=True), cut())
    options = made[: made.index("-i")]
    assert options[options.index("-protocol_whitelist") + 1] == "http,tcp,crypto"
    assert options[options.index("-http_proxy") + 1] == "none"


def test_a_playlist_that_is_all_there_is_played_in_real_time() -> None:
    paced = replace(parse_source(Input(uri="https://tv.example/vod.m3u8")), paced=True)
    assert "-re" in build_argv("ffmpeg", paced, cut())


@pytest.mark.semantics("C6")
@pytest.mark.parametrize("kind", ["testsrc", "file", "srt", "udp"])
def test_what_we_encode_waits_for_no_later_picture(kind: str) -> None:
    given = argv(kind, copy=False)
    assert given[given.index("-tune") + 1] == "zerolatency"  # no lookahead, no B-frames, no frame threads
    assert not {"-rc-lookahead", "-bf", "-x264-params", "-x264opts", "-threads"} & set(given), "nothing takes it back"


def test_a_looped_file_goes_on_for_ever() -> None:
    looped = Source("file", CLIP, loop=True)
    second = [*SECOND_OF_FILE[:-2], "-stream_loop", "-1", "-i", CLIP]
    given = GLOBAL_OF_TS + smoothed(LOOPED, "file") + second
    expected = given + STREAMS + FMP4_COPY + CUE_STREAMS_OF_FILE + CUES
    assert build_argv("/opt/ffmpeg", looped, cut()) == expected


@pytest.mark.parametrize(
    ("micros", "text"),
    [(SECOND, "1.000000"), (2_500_000, "2.500000"), (6_006_000, "6.006000"), (1_000_001, "1.000001")],
)
def test_the_segment_setting_stands_exactly_in_the_cut_and_the_keyframes(micros: int, text: str) -> None:
    given = argv("testsrc", segment=micros)
    assert given[given.index("-segment_time") + 1] == text
    assert given[given.index("-force_key_frames") + 1] == f"expr:gte(t,n_forced*{text})"


def test_a_longer_probe_is_for_streams_over_the_network_only() -> None:
    longer = replace(cut(), probe_seconds=LONG_PROBE_SECONDS)
    for kind in ("srt", "udp"):
        given = build_argv("ffmpeg", source(kind), longer)
        assert given[given.index("-analyzeduration") + 1] == "30000000"
    assert "-analyzeduration" not in build_argv("ffmpeg", source("file"), longer)


@pytest.mark.parametrize("uri", ["srt://:9000?passphrase=correct-horse", "srt://host:9000?passphrase=correct-horse"])
def test_a_passphrase_never_stands_in_a_url_because_ffmpeg_logs_urls(uri: str) -> None:
    given = build_argv("ffmpeg", parse_source(Input(uri=uri)), cut("ts"))
    assert given[given.index("-passphrase") + 1] == "correct-horse"
    assert given.count("correct-horse") == 1
    assert not [part for part in given if "correct-horse" in part and part != "correct-horse"]


def test_input_options_stand_before_the_input_and_output_options_behind_it() -> None:
    for kind in ("srt", "udp", "file"):
        given = argv(kind)
        middle = given.index("-i")
        assert given.index("-protocol_whitelist") < middle < given.index("-map") < given.index("-segment_list")


def test_everything_is_written_below_the_mux_s_own_folder() -> None:
    given = build_argv("ffmpeg", source("testsrc"), cut(key="low"))
    files = [given[given.index(flag) + 1] for flag in ("-segment_header_filename", "-segment_list")] + [given[-1]]
    assert [Path(name).parent for name in files] == [Path("low")] * 3


def test_a_file_with_an_odd_name_stays_one_argument() -> None:
    odd = "/srv/media/a b;c'd\"$e%06d:f.mp4"
    given = build_argv("ffmpeg", Source("file", odd), cut())
    assert given[given.index("-i") + 1] == odd


def ladder(**audio: object) -> Channel:
    """Two videos and an audio of its own."""
    videos = [
        ElementaryStream(key=f"video-{h}", video_stream=VideoStream(codec=c, height_pixels=h, bitrate_bps=1000 * h))
        for h, c in ((720, "h264"), (360, "h265"))
    ]
    sound = ElementaryStream(key="sound", audio_stream=AudioStream(**{"codec": "aac", **audio}))
    muxes = [MuxStream(key=f"v{h}", elementary_streams=(f"video-{h}",)) for h in (720, 360)]
    muxes.append(MuxStream(key="audio", elementary_streams=("sound",)))
    return Channel(
        channel_id="live",
        input=Input(uri="clip.mp4"),
        output=Output(uri="/srv/tv"),
        elementary_streams=(*videos, sound),
        mux_streams=tuple(muxes),
        manifests=(Manifest(mux_streams=("v720", "v360", "audio")),),
    )


def test_a_ladder_is_one_command_with_one_input_and_the_same_edges_in_each_output() -> None:
    made = ladder()
    given = build_argv("ffmpeg", source("file"), Cut(made, made.mux_streams))
    assert given.count("-i") == 2, "the second is for the data alone"
    maps = [given[i + 1] for i, part in enumerate(given) if part == "-map"]
    assert maps == ["0:v:0", "0:v:0", "0:a:0", "0:v:0?", "1:d?"]
    assert [given[i + 1] for i, part in enumerate(given) if part == "-vf"] == ["scale=-2:720", "scale=-2:360"]
    assert [given[i + 1] for i, part in enumerate(given) if part == "-c:v"] == ["libx264", "libx265"]
    assert [given[i + 1] for i, part in enumerate(given) if part == "-maxrate"] == ["720000", "360000"]
    forced = {given[i + 1] for i, part in enumerate(given) if part == "-force_key_frames"}
    assert forced == {"expr:gte(t,n_forced*2.000000)"}
    journals = [given[i + 1] for i, part in enumerate(given) if part == "-segment_list"]
    assert journals == ["v720/journal.csv", "v360/journal.csv", "audio/journal.csv"]


def subtitled(given: Source, **text: object) -> list[str]:
    """The command of a channel with a text beside its picture and sound."""
    streams = (*video_and_audio(), ElementaryStream(key="text", text_stream=TextStream(**text)))
    muxes = (MuxStream(key="text", container="vtt", elementary_streams=("text",)), MuxStream())
    made = Channel(
        channel_id="live",
        input=Input(uri=CLIP),
        output=Output(uri="/srv/tv"),
        elementary_streams=streams,
        mux_streams=muxes,
    )
    return build_argv("ffmpeg", given, Cut(made, muxes))


def test_a_subtitle_track_is_written_down_cue_by_cue() -> None:
    given = subtitled(source("srt"), input_track=1)
    at = given.index("0:s:1")
    options = [
        "-f",
        "webvtt",
        "-avoid_negative_ts",
        "disabled",
        "-c:s",
        "webvtt",
        "-flush_packets",
        "1",
        "text/cues.vtt",
    ]
    assert given[at - 1 :] == ["-map", "0:s:1", *options, *CUE_STREAMS, *CUES]
    assert "0:v:0?" in given, "the media is taken as if it were alone"
    assert "text/journal.csv" not in given, "we write that ourselves"


def test_a_file_is_read_once_more_for_its_subtitles() -> None:
    given = subtitled(source("file"), input_track=0)
    assert (given.count("-i"), given.count("-re")) == (3, 1), "as fast as it can: the pictures wait for it"
    assert "1:s:0" in given and "-vn" in given and "-an" in given
    assert "2:d?" in given, "data is read apart, too: of the last input"


def test_captions_need_no_output_of_their_own() -> None:
    alone = subtitled(source("udp"), input_cea_channel="CC1")
    assert "text/cues.vtt" not in alone and alone.count("-i") == 1
    # Only a file may have a track of text; of other sources captions are taken at once.
    assert "text/cues.vtt" not in subtitled(source("udp"), input_track=0, input_cea_channel="CC1")
    assert "text/cues.vtt" in subtitled(source("file"), input_track=0, input_cea_channel="CC1")
    assert "text/cues.vtt" in subtitled(source("udp"), input_track=0)
    assert "text/cues.vtt" not in subtitled(replace(source("file"), loop=True), input_track=0), "a slate has none"


def test_a_run_does_without_the_renditions_that_the_source_cannot_fill() -> None:
    made = ladder(input_track=2)
    assert stream_specifiers(made, made.mux_stream("audio")) == ["a:2"]
    given = build_argv("ffmpeg", source("file"), Cut(made, made.mux_streams[:2]))
    assert "audio/journal.csv" not in given and "v360/journal.csv" in given


def test_what_a_source_announces_and_does_not_bring_is_taken_by_no_output() -> None:
    given = build_argv("ffmpeg", source("udp"), replace(cut(), lacking=frozenset({"a:0"})))
    assert [given[i + 1] for i, part in enumerate(given) if part == "-map"].count("0:a:0?") == 0
    assert "tee" in given and "0:d?" in given

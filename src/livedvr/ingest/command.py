"""Settings -> ffmpeg's argv. Pure; every flag says why it is there. ffmpeg runs in the run's folder.

Measured facts behind the flags are in the golden tests' names: what 5.1 and 9.x do differently, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ffmpeg

from livedvr.ingest.source import Source
from livedvr.ingest.testsrc import TESTSRC_OPTIONS, testsrc_graph
from livedvr.resources.layout import INIT_NAME, SEGMENT_PATTERN, Container
from livedvr.resources.times import SECOND, format_seconds

JOURNAL_NAME = "journal.csv"
HEAD_NAME = "head.nut"

PROBE_SECONDS = 5  # what ffmpeg takes by default to find the streams of an MPEG-TS
LONG_PROBE_SECONDS = 30  # when that met no keyframe: a GOP may be long


@dataclass(frozen=True, slots=True)
class Cut:
    """How a run cuts its input. ``segment``: microseconds; ``probe_seconds``: for live MPEG-TS."""

    mux: str
    container: Container
    segment: int
    copy: bool
    probe_seconds: int = PROBE_SECONDS


def build_argv(binary: str, source: Source, cut: Cut) -> list[str]:
    """The command that turns the source into segments, an init segment and a journal below ``{mux}/``."""
    given = ffmpeg.input(_input_name(source), **_input_options(source, cut))
    # The first video and the first audio stream, each if there is one: one muxed rendition.
    taken = [given["v:0?"], given["a:0?"]]
    output = ffmpeg.output(*taken, f"{cut.mux}/{SEGMENT_PATTERN[cut.container]}", **_output_options(cut))
    if cut.copy and cut.container == "fmp4":
        # The first seconds as they came: their AAC frames may carry a configuration that the init segment lacks. In
        # NUT, which takes any codec; and audio is written without waiting for the first keyframe.
        head = ffmpeg.output(
            *taken, f"{cut.mux}/{HEAD_NAME}", f="nut", c="copy", t=5, flush_packets=1, max_interleave_delta=1
        )
        output = ffmpeg.merge_outputs(output, head)
    return [
        binary,
        "-hide_banner",
        "-nostdin",  # nobody types; and a terminal's keys must not end a recording
        "-nostats",  # the log stays small: no progress lines
        *("-loglevel", "level+info"),  # info says which streams are taken; the level prefix finds errors
        *(str(part) for part in ffmpeg.get_args(output)),
    ]


def _input_name(source: Source) -> str:
    return testsrc_graph() if source.kind == "testsrc" else source.url


def _input_options(source: Source, cut: Cut) -> dict[str, Any]:
    options = _source_options(source, cut)
    if source.kind == "file" or (cut.container == "fmp4" and source.kind != "testsrc"):
        # Timestamps that jump by more than a second are smoothed over (default: ten): a file is paced by them, and
        # the mov muxer would make one picture as long as the jump. A live MPEG-TS keeps its jump in MPEG-TS, and the
        # journal shows it.
        options["dts_delta_threshold"] = 1
    return options


def _source_options(source: Source, cut: Cut) -> dict[str, Any]:
    match source.kind:
        case "testsrc":
            return dict(TESTSRC_OPTIONS)
        case "file":
            options: dict[str, Any] = {
                "re": None,  # in real time: a file plays the live source
                "protocol_whitelist": "file",  # a playlist in disguise must not open sockets
            }
            if source.loop:
                options["stream_loop"] = -1  # for ever, timestamps go on
            return options
        case "srt" | "udp":
            options = dict(source.options)
            options["protocol_whitelist"] = source.kind  # nothing else may be opened through this URL
            options["f"] = "mpegts"  # what these carry; garbage is refused instead of guessed at
            # Long enough to meet a keyframe with its parameter sets, in bytes too at 20 Mbit/s and more. What is
            # read while probing is not lost, it comes as a burst. (nobuffer would lose it.)
            options["analyzeduration"] = cut.probe_seconds * SECOND
            options["probesize"] = 100_000_000
            if source.kind == "udp":
                options["overrun_nonfatal"] = 1  # a full buffer loses packets, it does not end the run
            return options


def _output_options(cut: Cut) -> dict[str, Any]:
    options: dict[str, Any] = {
        "f": "segment",
        "segment_time": format_seconds(cut.segment),
        # About a frame: ffmpeg 9 compares the first cut with 0 although a picture with B-frames starts later, and
        # would make the first segment twice as long (5.1 does not).
        "segment_time_delta": "0.05",
        "segment_list": f"{cut.mux}/{JOURNAL_NAME}",  # append-only, a line per closed segment
        "segment_list_type": "csv",
        "max_muxing_queue_size": 4096,  # a stream that starts late must not end the run
        **_codec_options(cut),
    }
    if cut.container == "ts":
        # Each packet is written at once: growth is the heartbeat (I2).
        options |= {"segment_format": "mpegts", "segment_format_options": "flush_packets=1"}
        # Without these the muxer adds 1.4 s, and the journal's times are not the container's.
        return options | {"muxdelay": 0, "muxpreload": 0}
    movflags = "+empty_moov+default_base_moof+frag_keyframe"  # CMAF: init segment apart, moof-relative offsets
    return options | {
        "segment_format": "mp4",
        # A chunk every 0.5 s, written at once: growth is the heartbeat even in a 10 s GOP (I2).
        "segment_format_options": f"movflags={movflags}:frag_duration=500000:flush_packets=1",
        "segment_header_filename": f"{cut.mux}/{INIT_NAME}",  # one init segment a run
        "individual_header_trailer": 0,  # and none in the segments
    }


def _codec_options(cut: Cut) -> dict[str, Any]:
    if cut.copy:
        return {"c": "copy"}
    return {
        "c:v": "libx264",
        "preset": "veryfast",
        "tune": "zerolatency",  # C6: lookahead would date everything 0.5 s late
        "crf": 23,
        "maxrate": "6M",  # the cap behind BANDWIDTH
        "bufsize": "6M",
        "pix_fmt": "yuv420p",  # what every player decodes
        # A keyframe on each segment's edge and nowhere else.
        "force_key_frames": f"expr:gte(t,n_forced*{format_seconds(cut.segment)})",
        "sc_threshold": 0,
        "g": 100_000,
        "c:a": "aac",
        "b:a": "128k",
        "ar": 48000,
        "ac": 2,
    }

"""Settings -> ffmpeg's argv. Pure; every flag says why it is there. ffmpeg runs in the run's folder.

Measured facts behind the flags are in the golden tests' names: what 5.1 and 9.x do differently, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ffmpeg

from livedvr.ingest.cues import cue_slaves
from livedvr.ingest.picture import picture_filters
from livedvr.ingest.source import Source
from livedvr.ingest.testsrc import TESTSRC_OPTIONS, testsrc_graph
from livedvr.resources.layout import INIT_NAME, SEGMENT_PATTERN
from livedvr.resources.models import Channel
from livedvr.resources.streams import AudioStream, MuxStream, VideoStream
from livedvr.resources.times import SECOND, format_seconds

JOURNAL_NAME = "journal.csv"
HEAD_NAME = "head.nut"
CUES_NAME = "cues.vtt"

PROBE_SECONDS = 5  # what ffmpeg takes by default to find the streams of an MPEG-TS
STALL = 15 * SECOND  # a server that says nothing for so long has gone
SMOOTHED, SMOOTHED_TS = 1 * SECOND, 10 * SECOND  # ffmpeg smooths longer jumps over: in fMP4, and (its default) TS
LONG_PROBE_SECONDS = 30  # when that met no keyframe: a GOP may be long


# What a run's containers add to its media time (the journal's). All outputs of a run share it, and none shifts its
# own times to stay above zero: B-frames and AAC's priming lie before the start, by less than this.
CONTAINER_OFFSET = 1 * SECOND

# So far may picture and sound lie apart in a source: one that has gone does not hold the other back for longer. (By
# default 10 s, more than the watchdog's silence.)
APART = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Cut:
    """How a run cuts its input: into which of the channel's mux streams. ``probe_seconds``: for live MPEG-TS.

    ``lacking``: specifiers of streams that the source does not have, or announces and does not bring. Captions are
    taken in the place of a subtitle track; pictures go on without their sound.
    """

    channel: Channel
    muxes: tuple[MuxStream, ...]
    probe_seconds: int = PROBE_SECONDS
    lacking: frozenset[str] = frozenset()


def build_argv(binary: str, source: Source, cut: Cut) -> list[str]:
    """The command that turns the source into segments, an init segment and a journal below each ``{mux}/``.

    One process and one decode for all of them: they share their media time.
    """
    given = ffmpeg.input(_input_name(source), **_input_options(source, cut))
    media = [mux for mux in cut.muxes if mux.container != "vtt"]
    outputs = [output for mux in media for output in _outputs(given, source, cut, mux, alone=len(media) == 1)]
    outputs += _text_outputs(_text_input(given, source, cut), source, cut)
    may_have_cues = source.kind in ("srt", "udp", "file")  # what brings an MPEG-TS as it is
    if may_have_cues:
        outputs.append(_cue_output(given, _data_input(source, cut, given), cut))
    return [
        binary,
        "-hide_banner",
        "-nostdin",  # nobody types; and a terminal's keys must not end a recording
        "-nostats",  # the log stays small: no progress lines
        # info says which streams are taken, and verbose where the media time of an MPEG-TS begins; the level prefix
        # finds errors
        *("-loglevel", "level+verbose" if may_have_cues else "level+info"),
        *(str(part) for part in ffmpeg.get_args(ffmpeg.merge_outputs(*outputs))),
    ]


def stream_specifiers(channel: Channel, mux: MuxStream) -> list[str]:
    """The source's streams that a rendition takes, as ffmpeg names them: ``v:0``, ``a:1``."""
    audio, text = channel.audio_of(mux), channel.text_of(mux)
    return [
        *(["v:0"] if channel.video_of(mux) else []),
        *([f"a:{audio.input_track}"] if audio else []),
        *([f"s:{text.input_track}"] if text and text.input_track is not None else []),
    ]


def _outputs(given: Any, source: Source, cut: Cut, mux: MuxStream, *, alone: bool) -> list[Any]:
    """The rendition, and what its copied audio needs beside it."""
    channel, audio = cut.channel, cut.channel.audio_of(mux)
    # In the only rendition each stream is taken if there is one. Else one that is missing must be told by its name, so
    # that the next run can do without its rendition (P7).
    optional = "?" if alone else ""
    streams = [given[one + optional] for one in stream_specifiers(channel, mux) if one not in cut.lacking]
    outputs = [
        ffmpeg.output(*streams, f"{mux.key}/{SEGMENT_PATTERN[mux.container]}", **_output_options(source, channel, mux))
    ]
    if audio and audio.codec == "copy" and mux.container == "fmp4":
        # The first seconds as they came: their AAC frames may carry a configuration that the init segment lacks. In
        # NUT, which takes any codec; and audio is written without waiting for the first keyframe.
        outputs.append(
            ffmpeg.output(
                *streams, f"{mux.key}/{HEAD_NAME}", f="nut", c="copy", t=5, flush_packets=1, max_interleave_delta=1
            )
        )
    return outputs


def _text_input(given: Any, source: Source, cut: Cut) -> Any:
    """Where subtitle tracks are read: a file is read once more for them, ahead of its pictures.

    For ffmpeg 9 paces an input by its sparsest stream: with subtitles beside them, pictures come in bursts, and if this
    input were paced too, they would wait for the next cue (measured: 19 s). As it is, ffmpeg reads as far as the next.
    """
    if source.kind != "file":
        return given
    options = _input_options(source, cut)
    del options["re"]
    return ffmpeg.input(_input_name(source), **options, vn=None, an=None)  # of this one nothing but subtitles


def _text_outputs(given: Any, source: Source, cut: Cut) -> list[Any]:
    """The cues of each subtitle track that is taken, in a file that grows. Captions need none: see `TextWriter`."""
    outputs = []
    for mux in cut.muxes:
        text = cut.channel.text_of(mux)
        if text is None or text.input_track is None or not source.has_timed_texts:
            continue
        specifier = f"s:{text.input_track}"
        # Only files have tracks of text; looking for one would cost a publisher the connection.
        if text.input_cea_channel and (specifier in cut.lacking or source.kind != "file"):
            continue
        options = {
            "f": "webvtt",
            "c:s": "webvtt",  # from SubRip, ASS, MP4 text, ...
            "flush_packets": 1,  # each cue at once
            "avoid_negative_ts": "disabled",  # on the run's media time, as all outputs
        }
        outputs.append(ffmpeg.output(given[specifier], f"{mux.key}/{CUES_NAME}", **options))
    return outputs


def _data_input(source: Source, cut: Cut, given: Any) -> Any:
    """Where the data streams are read. Of a file they are read apart: it is paced by its streams, and by one that comes
    now and then ffmpeg 9 would not be held back at all. So it reads that when the media has come as far."""
    if source.kind != "file":
        return given
    options = {name: value for name, value in _source_options(source, cut).items() if name != "re"}
    # Else 5.1 would have it begin with its first packet, and would not say of which input it said so.
    return ffmpeg.input(_input_name(source), itsoffset="0.000001", **options)


def _cue_output(given: Any, data: Any, cut: Cut) -> Any:
    """The source's data streams as they are, beside the segments: SCTE-35 becomes date ranges.

    An output must have a stream, and nobody knows yet whether the source has data: so this one takes what the reference
    rendition takes, too, and gives it to nobody. (Nothing is copied for that.)
    """
    taken = stream_specifiers(cut.channel, cut.channel.reference)
    return ffmpeg.output(
        *(given[f"{one}?"] for one in taken if one not in cut.lacking),
        data["d?"],
        cue_slaves(),
        f="tee",
        c="copy",
        max_interleave_delta=1,  # a message is written when it comes, not when the next one does
        avoid_negative_ts="disabled",  # the times stay those of the segments: the first may come before media time 0
    )


def _input_name(source: Source) -> str:
    return testsrc_graph() if source.kind == "testsrc" else source.url


def _input_options(source: Source, cut: Cut) -> dict[str, Any]:
    options = _source_options(source, cut)
    if source.kind == "file" or (cut.channel.reference.container == "fmp4" and source.kind != "testsrc"):
        # Timestamps that jump by more than a second are smoothed over (default: ten): a file is paced by them, and
        # the mov muxer would make one picture as long as the jump. A live MPEG-TS keeps its jump in MPEG-TS, and the
        # journal shows it.
        options["dts_delta_threshold"] = SMOOTHED // SECOND
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
        case "rtmp":
            return dict(source.options) | {
                "protocol_whitelist": "rtmp,tcp",  # nothing else may be opened through this URL
                "f": "flv",  # what RTMP carries
            }
        case "rtsp":
            return {
                "protocol_whitelist": "rtsp,rtp,tcp",  # nothing else may be opened through this URL
                "rtsp_transport": "tcp",  # over UDP a camera's burst is lost, and pictures with it
                "timeout": STALL,  # a server that says nothing does not hold the run for ever
            }
        case "hls":
            return _hls_options(source)


def _hls_options(source: Source) -> dict[str, Any]:
    options: dict[str, Any] = {
        "f": "hls",  # a page that is no playlist is refused instead of guessed at
        # Never `file`: a playlist from the network must not open what is on this machine. Further hosts it may name,
        # unless our own fetcher reads it: then there is nothing but that.
        "protocol_whitelist": "http,tcp,crypto" if source.mirrored else "http,https,tcp,tls,crypto",
        "live_start_index": -source.newest,  # from the live edge
        "rw_timeout": STALL,  # a server that says nothing does not hold the run for ever
        # Its own patience ends after the watchdog's: playlists that do not grow (looked at each half target duration),
        # or do not come.
        "m3u8_hold_counters": 20,
        "max_reload": 20,
        "http_persistent": 0,  # the log names only what is opened by a connection of its own, see SourceDates
    }
    if source.mirrored:
        # A proxy of the environment is not asked for what is on loopback. (Nothing at all would not be handed on to
        # segments; what is no http:// is taken for no proxy.)
        options["http_proxy"] = "none"
    if source.paced:
        options["re"] = None  # it is all there already: it is played in real time, as a file
    return options


def _output_options(source: Source, channel: Channel, mux: MuxStream) -> dict[str, Any]:
    options: dict[str, Any] = {
        "f": "segment",
        "segment_time": format_seconds(mux.segment_micros),
        # About a frame: ffmpeg 9 compares the first cut with 0 although a picture with B-frames starts later, and
        # would make the first segment twice as long (5.1 does not).
        "segment_time_delta": "0.05",
        "segment_list": f"{mux.key}/{JOURNAL_NAME}",  # append-only, a line per closed segment
        "segment_list_type": "csv",
        "max_muxing_queue_size": 4096,  # a stream that starts late must not end the run
        "max_interleave_delta": APART,  # nor one that ends early stop the others
        # Neither the journal's times nor the container's are shifted for this output alone (measured: 45 ms with
        # B-frames, and a whole GOP for a video that is joined in its middle). output_ts_offset would move the cuts.
        "avoid_negative_ts": "disabled",
        "initial_offset": format_seconds(CONTAINER_OFFSET),
        **_video_options(source, channel.video_of(mux), mux),
        **_audio_options(channel.audio_of(mux)),
    }
    # The muxer within orders packets again, and what it holds back for that would go into the next file.
    inner = "avoid_negative_ts=disabled:max_interleave_delta=1"
    if mux.container == "ts":
        # Each packet is written at once: growth is the heartbeat (I2).
        options |= {"segment_format": "mpegts", "segment_format_options": f"flush_packets=1:{inner}"}
        # Without these the muxer adds 1.4 s, and the journal's times are not the container's.
        return options | {"muxdelay": 0, "muxpreload": 0}
    # CMAF: init segment apart, moof-relative offsets; decode times as they are, not from 0 on.
    movflags = "+empty_moov+default_base_moof+frag_keyframe+frag_discont"
    return options | {
        "segment_format": "mp4",
        # A chunk every 0.5 s, written at once: growth is the heartbeat even in a 10 s GOP (I2).
        "segment_format_options": f"movflags={movflags}:use_editlist=0:frag_duration=500000:flush_packets=1:{inner}",
        "segment_header_filename": f"{mux.key}/{INIT_NAME}",  # one init segment a run
        "individual_header_trailer": 0,  # and none in the segments
    }


_ENCODERS = {"h264": "libx264", "h265": "libx265"}


def _video_options(source: Source, video: VideoStream | None, mux: MuxStream) -> dict[str, Any]:
    if video is None:
        return {}
    if video.codec == "copy":
        return {"c:v": "copy"}
    options: dict[str, Any] = {
        "c:v": _ENCODERS[video.codec],
        "preset": "veryfast",
        "tune": "zerolatency",  # C6: lookahead would date everything 0.5 s late
        "crf": 23,
        "maxrate": video.cap_bps,  # the cap behind BANDWIDTH
        "bufsize": video.vbv_size_bits or video.cap_bps,  # over how many bits it is kept
        "pix_fmt": "yuv420p",  # what every player decodes
        # A keyframe on each segment's edge, and within only where a GOP is to be shorter: the same edges in every
        # rendition.
        "force_key_frames": f"expr:gte(t,n_forced*{format_seconds(_keyframe_distance(video, mux))})",
        "g": 100_000,
    }
    if video.profile:
        options["profile:v"] = video.profile  # for players that decode no more than that
    if video.codec == "h264":
        options |= _h264_options(video)
    else:
        options |= _h265_options(video)
    if filters := picture_filters(source, video):
        options["vf"] = ",".join(filters)
    if video.frame_rate:
        options["r"] = f"{video.frame_rate:g}"
    return options


def _keyframe_distance(video: VideoStream, mux: MuxStream) -> int:
    """Microseconds between two keyframes."""
    return mux.segment_micros if video.gop_duration is None else video.gop_duration // timedelta(microseconds=1)


def _h264_options(video: VideoStream) -> dict[str, Any]:
    options: dict[str, Any] = {"sc_threshold": 0}  # no keyframe at a change of scene
    if video.entropy_coder:
        options["coder"] = video.entropy_coder
    if video.aq_strength is not None:
        options["aq-strength"] = f"{video.aq_strength:g}"  # bits for flat areas; 0: they get none of their own
    return options


def _h265_options(video: VideoStream) -> dict[str, Any]:
    params = "scenecut=0:open-gop=0:log-level=error"
    if video.aq_strength is not None:
        params += f":aq-strength={video.aq_strength:g}"
    return {
        "tag:v": "hvc1",  # what Apple plays
        "x265-params": params,
        "a53cc": 1,  # the captions stay; x264 keeps them unasked, ffmpeg 5.1 has no way to and warns
    }


def _audio_options(audio: AudioStream | None) -> dict[str, Any]:
    if audio is None:
        return {}
    if audio.codec == "copy":
        return {"c:a": "copy"}
    return {"c:a": "aac", "b:a": audio.bitrate_bps, "ar": audio.sample_rate_hertz, "ac": audio.channel_count}

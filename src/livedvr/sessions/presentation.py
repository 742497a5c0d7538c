"""A main.m3u8, a session's or the channel's own: which renditions are variants, which alternatives beside them (P6)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from livedvr.hls.bitrate import BitrateMeter
from livedvr.hls.multivariant_playlist import Alternative, Variant, render_multivariant
from livedvr.resources.models import Channel
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline

_SUBTITLES = "subtitles"


class Rendition(Protocol):
    """What a multivariant playlist says of a media playlist."""

    @property
    def mux(self) -> str:
        """The mux stream's key."""

    @property
    def newest(self) -> Segment | None:
        """Its newest segment that is media, None without any."""

    @property
    def runs(self) -> Sequence[str]:
        """The runs whose media it lists, oldest first."""

    @property
    def meter(self) -> BitrateMeter:
        """What has measured its segments."""

    @property
    def bandwidth(self) -> int:
        """What BANDWIDTH has to say of it."""


def multivariant(
    channel: Channel, renditions: Iterable[Rendition], edition: int, known: ChannelTimeline, query: str = ""
) -> bytes:
    """The text as of now.

    Renditions with video are variants; those of audio alone are alternatives beside them, in one group for each codec,
    and those of text in one group for all. One that has brought nothing yet is left out. ``query``: what stands behind
    the name of each media playlist.
    """
    file = f"index-{edition}.m3u8{query}"
    playable = [one for one in renditions if one.newest]
    videos = [one for one in playable if channel.video_of(channel.mux_stream(one.mux))]
    texts = [one for one in playable if channel.text_of(channel.mux_stream(one.mux))]
    sounds = [one for one in playable if one not in videos and one not in texts]
    subtitles = [_text(channel, one, file) for one in texts]
    if not videos:
        return render_multivariant([_variant(one, file, known, None, [], texts) for one in sounds], subtitles)
    groups: dict[str, list[Rendition]] = {}
    for sound in sounds:
        groups.setdefault(_group_id(listed_media(sound, known)), []).append(sound)
    alternatives = [
        _alternative(channel, sound, group, file, known, first=position == 0)
        for group, members in groups.items()
        for position, sound in enumerate(members)
    ]
    beside: list[tuple[str | None, list[Rendition]]] = [*groups.items()] or [(None, [])]
    variants = [_variant(video, file, known, group, members, texts) for group, members in beside for video in videos]
    return render_multivariant(variants, alternatives + subtitles)


def _variant(
    rendition: Rendition,
    file: str,
    known: ChannelTimeline,
    group: str | None,
    members: Sequence[Rendition],
    texts: Sequence[Rendition],
) -> Variant:
    """RFC 8216bis 4.4.6.2: the bit rates and codecs of the rendition together with any one of each of its groups.

    WebVTT has no codec to name: its segments are no ISO files, and RFC 6381 knows none for a plain file.
    """
    media = listed_media(rendition, known)
    codecs = [*media.codecs, *(codec for member in members for codec in listed_media(member, known).codecs)]
    return Variant(
        uri=_uri(rendition, file),
        bandwidth=rendition.bandwidth
        + sum(max((one.bandwidth for one in group), default=0) for group in (members, texts)),
        average_bandwidth=rendition.meter.average
        + sum(max((one.meter.average for one in group), default=0) for group in (members, texts)),
        codecs=tuple(dict.fromkeys(codecs)),
        resolution=media.resolution,
        frame_rate=media.frame_rate,
        audio=group,
        subtitles=_SUBTITLES if texts else None,
    )


def _alternative(
    channel: Channel, rendition: Rendition, group: str, file: str, known: ChannelTimeline, *, first: bool
) -> Alternative:
    audio = channel.audio_of(channel.mux_stream(rendition.mux))
    assert audio is not None
    return Alternative(
        type="AUDIO",
        group=group,
        name=audio.display_name or audio.language_code or rendition.mux,
        language=audio.language_code,
        default=first,
        channels=listed_media(rendition, known).channels,
        uri=_uri(rendition, file),
    )


def _text(channel: Channel, rendition: Rendition, file: str) -> Alternative:
    text = channel.text_of(channel.mux_stream(rendition.mux))
    assert text is not None
    return Alternative(
        type="SUBTITLES",
        group=_SUBTITLES,
        name=text.display_name or text.language_code or rendition.mux,
        language=text.language_code,
        default=False,  # shown to who asks for them, or whose system does
        channels=None,
        uri=_uri(rendition, file),
    )


def listed_media(rendition: Rendition, known: ChannelTimeline) -> RunMedia:
    """What a rendition is that lists the media of several runs (RFC 8216bis 4.4.6.2).

    CODECS has the formats of all, the newest first; RESOLUTION is the one that all of it is displayed best at, the
    largest; FRAME-RATE is the highest.
    """
    found = [known.media[run][rendition.mux] for run in reversed(rendition.runs) if run in known.media]
    return replace(
        found[0],
        codecs=tuple(dict.fromkeys(codec for media in found for codec in media.codecs)),
        resolution=max((media.resolution for media in found if media.resolution), key=math.prod, default=None),
        frame_rate=max((media.frame_rate for media in found if media.frame_rate), default=None),
    )


def _group_id(media: RunMedia) -> str:
    return f"audio-{media.codecs[0]}" if media.codecs else "audio"


def _uri(rendition: Rendition, file: str) -> str:
    return f"{rendition.mux}/{file}"

"""Rules for multivariant playlists (RFC 8216bis 4.4.6)."""

from __future__ import annotations

import re

from livedvr.hls.parsed import Playlist, Tag, Uri
from livedvr.hls.rules_model import Broken, Level, rule

_GROUP_TYPES = ("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS")
_INSTREAM_ID = re.compile(r"CC[1-4]|SERVICE([1-9]|[1-5][0-9]|6[0-3])")
_VIDEO_CODEC = re.compile(r"(avc|hvc|hev|dvh|dva|av0|vp0|mp4v|vvc|evc)", re.IGNORECASE)


@rule(
    "stream-inf-uri",
    Level.MUST,
    "4.4.6.2",
    fix="write the URI of the media playlist on the line below EXT-X-STREAM-INF",
)
def variants_have_a_uri(playlist: Playlist) -> Broken:
    """Each EXT-X-STREAM-INF is followed by a URI line, and each URI line follows one."""
    pending: Tag | None = None
    for item in playlist.items:
        if isinstance(item, Uri):
            if pending is None:
                yield item.line, f"{item.text} does not follow an EXT-X-STREAM-INF"
            pending = None
        else:
            if pending:
                yield pending.line, f"{item.name} follows instead of a URI"
            pending = item if item.name == "EXT-X-STREAM-INF" else None
    if pending:
        yield pending.line, "no URI follows"


@rule("no-variants", Level.SHOULD, "4.4.6.2", fix="list at least one variant stream")
def has_variants(playlist: Playlist) -> Broken:
    """There is something to play."""
    if not playlist.all("EXT-X-STREAM-INF"):
        yield None, "there is no EXT-X-STREAM-INF"


@rule("codecs-absent", Level.SHOULD, "4.4.6.2", fix='add CODECS, e.g. CODECS="avc1.64001f,mp4a.40.2"')
def variants_have_codecs(playlist: Playlist) -> Broken:
    """Each variant says its CODECS: without it a player must load segments to learn whether it can play them."""
    for tag in (*playlist.all("EXT-X-STREAM-INF"), *playlist.all("EXT-X-I-FRAME-STREAM-INF")):
        if "CODECS" not in tag.attributes:
            yield tag.line, f"{tag.name} has no CODECS"


@rule("resolution-absent", Level.SHOULD, "4.4.6.2", fix="add RESOLUTION=<width>x<height>")
def video_has_a_resolution(playlist: Playlist) -> Broken:
    """A variant with video says its RESOLUTION."""
    for tag in (*playlist.all("EXT-X-STREAM-INF"), *playlist.all("EXT-X-I-FRAME-STREAM-INF")):
        if "RESOLUTION" not in tag.attributes and _has_video(tag):
            yield tag.line, f"{tag.name} with video has no RESOLUTION"


@rule("frame-rate-absent", Level.NOTE, "4.4.6.2", fix="add FRAME-RATE; above 30 frames per second it SHOULD be there")
def video_has_a_frame_rate(playlist: Playlist) -> Broken:
    """A variant with video had better say its FRAME-RATE."""
    for tag in playlist.all("EXT-X-STREAM-INF"):
        if "FRAME-RATE" not in tag.attributes and _has_video(tag):
            yield tag.line, "EXT-X-STREAM-INF with video has no FRAME-RATE"


@rule(
    "average-above-peak",
    Level.SHOULD,
    "4.4.6.2",
    fix="declare the peak as BANDWIDTH and the average as AVERAGE-BANDWIDTH",
)
def average_is_below_peak(playlist: Playlist) -> Broken:
    """The average bit rate is not above the peak."""
    for tag in playlist.all("EXT-X-STREAM-INF"):
        peak, average = tag.attributes.number("BANDWIDTH"), tag.attributes.number("AVERAGE-BANDWIDTH")
        if peak is not None and average is not None and average > peak:
            yield tag.line, f"AVERAGE-BANDWIDTH {average} is above BANDWIDTH {peak}"


@rule("group-missing", Level.MUST, "4.4.6.2", fix="add the EXT-X-MEDIA of that group, or leave the attribute out")
def groups_exist(playlist: Playlist) -> Broken:
    """A group that a variant names is there, with renditions of that TYPE."""
    groups = {(tag.attributes.get("TYPE"), tag.attributes.get("GROUP-ID")) for tag in playlist.all("EXT-X-MEDIA")}
    for tag in (*playlist.all("EXT-X-STREAM-INF"), *playlist.all("EXT-X-I-FRAME-STREAM-INF")):
        for kind in _GROUP_TYPES:
            group = tag.attributes.get(kind)
            if group is not None and group != "NONE" and (kind, group) not in groups:
                yield tag.line, f"there is no EXT-X-MEDIA with TYPE={kind} and GROUP-ID={group}"


@rule(
    "closed-captions",
    Level.MUST,
    "4.4.6.2",
    fix="name a group in quotes, or write CLOSED-CAPTIONS=NONE in every variant",
)
def closed_captions_are_everywhere_or_nowhere(playlist: Playlist) -> Broken:
    """CLOSED-CAPTIONS is a group's name or NONE; with one NONE all are NONE."""
    variants = playlist.all("EXT-X-STREAM-INF")
    values = [tag.attributes.get("CLOSED-CAPTIONS") for tag in variants]
    for tag, value in zip(variants, values, strict=True):
        if value is not None and value != "NONE" and not value.startswith('"'):
            yield tag.line, f"CLOSED-CAPTIONS={value} is neither a quoted-string nor NONE"
        if value != "NONE" and "NONE" in values:
            yield tag.line, "CLOSED-CAPTIONS is NONE in another variant and not here"


@rule("media-uri", Level.MUST, "4.4.6.1", fix="give SUBTITLES a URI, CLOSED-CAPTIONS none")
def renditions_have_a_uri(playlist: Playlist) -> Broken:
    """SUBTITLES need a URI, CLOSED-CAPTIONS (they are in the video) have none."""
    for tag in playlist.all("EXT-X-MEDIA"):
        kind, has_uri = tag.attributes.get("TYPE"), "URI" in tag.attributes
        if (kind == "SUBTITLES" and not has_uri) or (kind == "CLOSED-CAPTIONS" and has_uri):
            yield tag.line, f"TYPE={kind} {'with a' if has_uri else 'without'} URI"


@rule("media-instream-id", Level.MUST, "4.4.6.1", fix='write INSTREAM-ID="CC1" to "CC4" or "SERVICE1" to "SERVICE63"')
def captions_have_a_channel(playlist: Playlist) -> Broken:
    """CLOSED-CAPTIONS say which channel of the video they are."""
    for tag in playlist.all("EXT-X-MEDIA"):
        channel = tag.attributes.text("INSTREAM-ID") or ""
        if tag.attributes.get("TYPE") == "CLOSED-CAPTIONS" and not _INSTREAM_ID.fullmatch(channel):
            yield tag.line, f"INSTREAM-ID is '{channel}'"


@rule("media-default", Level.MUST, "4.4.6.1", fix="write AUTOSELECT=YES beside DEFAULT=YES, or leave AUTOSELECT out")
def defaults_are_selectable(playlist: Playlist) -> Broken:
    """What is the default may be selected automatically."""
    for tag in playlist.all("EXT-X-MEDIA"):
        if tag.attributes.get("DEFAULT") == "YES" and tag.attributes.get("AUTOSELECT", "YES") != "YES":
            yield tag.line, "DEFAULT=YES with AUTOSELECT=NO"


@rule("media-forced", Level.MUST, "4.4.6.1", fix="leave FORCED out")
def only_subtitles_are_forced(playlist: Playlist) -> Broken:
    """FORCED belongs to SUBTITLES."""
    for tag in playlist.all("EXT-X-MEDIA"):
        if "FORCED" in tag.attributes and tag.attributes.get("TYPE") != "SUBTITLES":
            yield tag.line, f"FORCED with TYPE={tag.attributes.get('TYPE')}"


@rule(
    "media-group",
    Level.MUST,
    "4.4.6.1.1",
    fix="give the renditions of a group different names, and at most one of them DEFAULT=YES",
)
def groups_are_consistent(playlist: Playlist) -> Broken:
    """In a group all names differ, and there is at most one default."""
    names: set[tuple[str | None, ...]] = set()
    defaults: set[tuple[str | None, ...]] = set()
    for tag in playlist.all("EXT-X-MEDIA"):
        group = (tag.attributes.get("TYPE"), tag.attributes.get("GROUP-ID"))
        named = (*group, tag.attributes.get("NAME"))
        if named in names:
            yield tag.line, f"group {group[1]} has NAME={named[2]} twice"
        names.add(named)
        if tag.attributes.get("DEFAULT") == "YES":
            if group in defaults:
                yield tag.line, f"group {group[1]} has a second DEFAULT=YES"
            defaults.add(group)


@rule("media-channels", Level.SHOULD, "4.4.6.1", fix='add CHANNELS, e.g. CHANNELS="2"')
def audio_says_its_channels(playlist: Playlist) -> Broken:
    """Audio renditions say how many channels they have."""
    for tag in playlist.all("EXT-X-MEDIA"):
        if tag.attributes.get("TYPE") == "AUDIO" and "CHANNELS" not in tag.attributes:
            yield tag.line, f"the audio rendition {tag.attributes.get('NAME', '')} has no CHANNELS"


@rule("session-data", Level.MUST, "4.4.6.4", fix="give it VALUE or URI, not both, and each DATA-ID once a LANGUAGE")
def session_data_has_one_value(playlist: Playlist) -> Broken:
    """Session data has a VALUE or a URI, and stands once for each DATA-ID and LANGUAGE."""
    seen: set[tuple[str | None, str | None]] = set()
    for tag in playlist.all("EXT-X-SESSION-DATA"):
        if ("VALUE" in tag.attributes) == ("URI" in tag.attributes):
            yield tag.line, "it has both VALUE and URI" if "URI" in tag.attributes else "it has neither VALUE nor URI"
        key = (tag.attributes.get("DATA-ID"), tag.attributes.get("LANGUAGE"))
        if key in seen:
            yield tag.line, f"DATA-ID={key[0]} stands twice in one language"
        seen.add(key)


@rule("session-key", Level.MUST, "4.4.6.5", fix="name the METHOD of the media playlists, and each key once")
def session_keys_are_keys(playlist: Playlist) -> Broken:
    """A session key is never METHOD=NONE, and stands once."""
    seen: set[frozenset[tuple[str, str]]] = set()
    for tag in playlist.all("EXT-X-SESSION-KEY"):
        if tag.attributes.get("METHOD") == "NONE":
            yield tag.line, "METHOD=NONE"
        key = frozenset(tag.attributes.items())
        if key in seen:
            yield tag.line, "the same key stands twice"
        seen.add(key)


def _has_video(tag: Tag) -> bool:
    """Whether CODECS names a video codec; without CODECS nobody can tell."""
    codecs = tag.attributes.text("CODECS") or ""
    return any(_VIDEO_CODEC.match(codec.strip()) for codec in codecs.split(","))


CHECKS = (
    variants_have_a_uri,
    has_variants,
    variants_have_codecs,
    video_has_a_resolution,
    video_has_a_frame_rate,
    average_is_below_peak,
    groups_exist,
    closed_captions_are_everywhere_or_nowhere,
    renditions_have_a_uri,
    captions_have_a_channel,
    defaults_are_selectable,
    only_subtitles_are_forced,
    groups_are_consistent,
    audio_says_its_channels,
    session_data_has_one_value,
    session_keys_are_keys,
)

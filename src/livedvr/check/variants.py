"""What a multivariant playlist says of its variants, held against what their segments turned out to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from livedvr.check.load import MediaPlaylist, Presentation, Variant
from livedvr.check.segments import Measured
from livedvr.hls.parsed import MICROSECONDS
from livedvr.hls.rules import Finding, Level
from livedvr.hls.rules_model import Rule
from livedvr.media.reader import StreamInfo

# The figure is Apple's (HLS Authoring Specification, 9): the measured peak is within 10 % of BANDWIDTH.
TOLERANCE = Fraction(11, 10)
# Renditions cut at frames of their own, and MPEG-TS may begin with audio: dates and timestamps fit together loosely.
CLOCK_LIMIT = MICROSECONDS // 2

BANDWIDTH_TOO_SMALL = Rule(
    "bandwidth-too-small", Level.MUST, "4.4.6.2", "declare the largest peak of all playable combinations as BANDWIDTH"
)
BANDWIDTH_SMALL = Rule(
    "bandwidth-small", Level.SHOULD, "4.4.6.2", "declare a BANDWIDTH that the stream does not exceed"
)
BANDWIDTH_LARGE = Rule("bandwidth-large", Level.NOTE, "4.4.6.2", "declare the measured peak: players choose by it")
CODECS_MISSING = Rule("codecs-missing", Level.MUST, "6.2.4", "name every format of the variant in CODECS")
CODECS_DIFFER = Rule("codecs-differ", Level.SHOULD, "4.4.6.2", "write the codec string of the stream itself")
CODECS_UNUSED = Rule("codecs-unused", Level.SHOULD, "4.4.6.2", "leave out of CODECS what the variant does not have")
RESOLUTION_DIFFERS = Rule("resolution-differs", Level.SHOULD, "4.4.6.2", "declare the size of the picture")
FRAME_RATE_DIFFERS = Rule("frame-rate-differs", Level.NOTE, "4.4.6.2", "declare the largest frame rate, three decimals")
CLOCKS_DIFFER = Rule(
    "date-mapping-differs", Level.SHOULD, "6.2.4", "let the same date stand at the same timestamp in all renditions"
)

# Sample entries of one format: they differ in where parameter sets are stored, or add Dolby Vision to it.
_SAME_FORMAT = {"avc3": "avc1", "dva1": "avc1", "dvav": "avc1", "hev1": "hvc1", "dvh1": "hvc1", "dvhe": "hvc1"}
_HE_AAC = {"mp4a.40.2", "mp4a.40.5", "mp4a.40.29"}  # a container may tell LC of all three


def check_variants(presentation: Presentation, measured: Mapping[str, Measured]) -> Iterator[Finding]:
    """Findings about each variant; `measured` is by the URL of the media playlist."""
    if presentation.multivariant is None:
        return
    name = presentation.multivariant.name
    for variant in presentation.variants:
        for rule, message in _check_variant(variant, measured):
            yield rule.at(name, variant.tag.line, f"{variant.media.playlist.name}: {message}")
    yield from _check_clocks(presentation.media, measured)


def _check_variant(variant: Variant, measured: Mapping[str, Measured]) -> Iterator[tuple[Rule, str]]:
    streams = [info for media in _all_media(variant) for info in measured[media.url].streams]
    if streams:
        opened = all(measured[media.url].streams for media in _all_media(variant) if not _is_subtitles(media))
        yield from _check_codecs(variant, streams, opened)
        yield from _check_picture(variant, [info for info in streams if info.kind == "video"])
        yield from _check_bandwidth(variant, measured)


def _all_media(variant: Variant) -> list[MediaPlaylist]:
    """The media playlists of all renditions of a variant."""
    return [variant.media, *(media for group in variant.groups.values() for media in group)]


def _check_bandwidth(variant: Variant, measured: Mapping[str, Measured]) -> Iterator[tuple[Rule, str]]:
    """BANDWIDTH is the sum of the peaks of the greediest combination of renditions."""
    peak = measured[variant.media.url].peak
    peak += sum(max((measured[media.url].peak for media in group), default=0) for group in variant.groups.values())
    declared = variant.tag.attributes.number("BANDWIDTH")
    complete = all(media.playlist.ended for media in _all_media(variant))
    partial = any(measured[media.url].missing for media in _all_media(variant))
    if declared is None:
        return
    said = f"BANDWIDTH is {declared}, the measured peak {peak} bit/s"
    if peak > declared * TOLERANCE and complete:
        yield BANDWIDTH_TOO_SMALL, said
    elif peak > declared:
        yield BANDWIDTH_SMALL, said
    elif declared > peak * TOLERANCE and complete and not partial:
        yield BANDWIDTH_LARGE, said


def _check_codecs(variant: Variant, streams: Sequence[StreamInfo], opened: bool) -> Iterator[tuple[Rule, str]]:
    """CODECS has every format of the variant; and, if all renditions could be `opened`, no other."""
    attribute = variant.tag.attributes.text("CODECS")
    if attribute is None:
        return
    declared = [codec.strip() for codec in attribute.split(",")]
    found = list(dict.fromkeys(info.codec_string for info in streams if info.codec_string))
    for codec in found:
        alike = [other for other in declared if _format(other) == _format(codec)]
        if not alike:
            yield CODECS_MISSING, f'CODECS="{attribute}" lacks {codec}'
        elif not any(_is_same(codec, other) for other in alike):
            yield CODECS_DIFFER, f'CODECS="{attribute}" says {alike[0]}, the stream is {codec}'
    for other in declared if opened and all(info.codec_string for info in streams) else ():
        if _format(other) not in map(_format, found) and not _is_text(other):
            yield CODECS_UNUSED, f'CODECS="{attribute}" names {other}, and no segment has it'


def _check_picture(variant: Variant, videos: Sequence[StreamInfo]) -> Iterator[tuple[Rule, str]]:
    resolution = variant.tag.attributes.get("RESOLUTION")
    sizes = {f"{info.width}x{info.height}" for info in videos}
    if resolution and sizes and resolution not in sizes:
        yield RESOLUTION_DIFFERS, f"RESOLUTION is {resolution}, the picture {' and '.join(sorted(sizes))}"
    declared = variant.tag.attributes.number("FRAME-RATE")
    rates = [info.frame_rate for info in videos if info.frame_rate]
    if declared and rates and abs(max(rates) - declared) > declared / 50:
        yield FRAME_RATE_DIFFERS, f"FRAME-RATE is {float(declared):g}, the picture has {float(max(rates)):.3f}"


def _check_clocks(media: Sequence[MediaPlaylist], measured: Mapping[str, Measured]) -> Iterator[Finding]:
    """A date stands at the same timestamp in every rendition."""
    first: dict[int, tuple[int, str]] = {}
    for one in media:
        for number, clock in measured[one.url].clocks.items():
            reference, name = first.setdefault(number, (clock, one.playlist.name))
            if abs(clock - reference) > CLOCK_LIMIT:
                off = (clock - reference) / MICROSECONDS
                message = (
                    f"after discontinuity {number} dates are {off:+.3f} s from those of {name} at the same timestamp"
                )
                yield CLOCKS_DIFFER.at(one.playlist.name, None, message)


def _format(codec: str) -> str:
    """The part of a codec string that names the format, e.g. ``avc1`` or ``mp4a.40``."""
    elements = codec.lower().split(".")
    if elements[0] == "mp4a":
        return "mp4a.40.34" if codec.lower() in ("mp4a.40.34", "mp4a.6b", "mp4a.69") else ".".join(elements[:2])
    return _SAME_FORMAT.get(elements[0], elements[0])


def _is_same(codec: str, declared: str) -> bool:
    """Whether two strings of one format name the same profile and level; constraint flags are nobody's concern."""
    if codec in _HE_AAC:
        return declared in _HE_AAC
    return _profile_and_level(codec) == _profile_and_level(declared)


def _profile_and_level(codec: str) -> tuple[str, ...]:
    entry, *parameters = codec.lower().split(".")
    match _SAME_FORMAT.get(entry, entry), parameters:
        case "avc1", [parameter]:
            return parameter[:2], parameter[4:]
        case "hvc1", [profile, _, level, *_]:
            return profile, level
        case "mp4a", _:
            return ()  # what _format does not tell is the same
        case _:
            return tuple(parameters)


def _is_text(codec: str) -> bool:
    """Subtitles in CODECS: their segments are not opened as media."""
    return codec.lower().startswith(("stpp", "wvtt"))


def _is_subtitles(media: MediaPlaylist) -> bool:
    return media.rendition.kind == "SUBTITLES"

"""The multivariant playlist of a session (SEMANTICS P6). Pure text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from livedvr.hls.attributes import format_attributes, quoted


@dataclass(frozen=True, slots=True)
class Variant:
    """One EXT-X-STREAM-INF (RFC 8216bis 4.4.6.2). Bit rates in bits per second, of the whole variant.

    ``audio``, ``subtitles``: the groups of alternatives it plays with. Nothing is said of CLOSED-CAPTIONS: what is not
    known of the pictures a player finds by itself, and NONE would deny it for good.
    """

    uri: str
    bandwidth: int
    average_bandwidth: int
    codecs: tuple[str, ...]
    resolution: tuple[int, int] | None
    frame_rate: Fraction | None
    audio: str | None = None
    subtitles: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One EXT-X-MEDIA (RFC 8216bis 4.4.6.1). ``channels``: how many an audio has, None if that cannot be told.

    ``default``: what is played unless the user chooses. Each may be selected automatically, by language.
    """

    type: Literal["AUDIO", "SUBTITLES"]
    group: str
    name: str
    language: str | None
    default: bool
    channels: int | None
    uri: str


def render_multivariant(variants: Iterable[Variant], alternatives: Iterable[Alternative] = ()) -> bytes:
    """The multivariant playlist as UTF-8.

    EXT-X-INDEPENDENT-SEGMENTS holds for all segments: each is cut at a keyframe (4.4.2.1). It needs no version.
    """
    lines = ["#EXTM3U", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [f"#EXT-X-MEDIA:{_of_alternative(alternative)}" for alternative in alternatives]
    for variant in variants:
        lines += [f"#EXT-X-STREAM-INF:{_of_variant(variant)}", variant.uri]
    return ("\n".join(lines) + "\n").encode()


def _of_alternative(alternative: Alternative) -> str:
    attributes = {
        "TYPE": alternative.type,
        "GROUP-ID": quoted(alternative.group),
        "NAME": quoted(alternative.name),
        "DEFAULT": "YES" if alternative.default else "NO",
        "AUTOSELECT": "YES",
    }
    if alternative.language:
        attributes["LANGUAGE"] = quoted(alternative.language)
    if alternative.channels:
        attributes["CHANNELS"] = quoted(str(alternative.channels))
    return format_attributes(attributes | {"URI": quoted(alternative.uri)})


def _of_variant(variant: Variant) -> str:
    attributes = {"BANDWIDTH": str(variant.bandwidth), "AVERAGE-BANDWIDTH": str(variant.average_bandwidth)}
    if variant.codecs:
        attributes["CODECS"] = quoted(",".join(variant.codecs))
    if variant.resolution:
        attributes["RESOLUTION"] = f"{variant.resolution[0]}x{variant.resolution[1]}"
    if variant.frame_rate:
        # Decimal, rounded to three places as the section asks.
        attributes["FRAME-RATE"] = f"{float(variant.frame_rate):.3f}"
    if variant.audio:
        attributes["AUDIO"] = quoted(variant.audio)
    if variant.subtitles:
        attributes["SUBTITLES"] = quoted(variant.subtitles)
    return format_attributes(attributes)

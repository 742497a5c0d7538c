"""The multivariant playlist of a session (SEMANTICS P6). Pure text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from livedvr.hls.attributes import format_attributes, quoted


@dataclass(frozen=True, slots=True)
class Variant:
    """One EXT-X-STREAM-INF (RFC 8216bis 4.4.6.2). Bit rates in bits per second, of the whole variant."""

    uri: str
    bandwidth: int
    average_bandwidth: int
    codecs: tuple[str, ...]
    resolution: tuple[int, int] | None
    frame_rate: Fraction | None


def render_multivariant(variants: Iterable[Variant]) -> bytes:
    """The multivariant playlist as UTF-8.

    EXT-X-INDEPENDENT-SEGMENTS holds for all segments: each is cut at a keyframe (4.4.2.1). It needs no version.
    """
    lines = ["#EXTM3U", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for variant in variants:
        lines += [f"#EXT-X-STREAM-INF:{_attributes(variant)}", variant.uri]
    return ("\n".join(lines) + "\n").encode()


def _attributes(variant: Variant) -> str:
    attributes = {"BANDWIDTH": str(variant.bandwidth), "AVERAGE-BANDWIDTH": str(variant.average_bandwidth)}
    if variant.codecs:
        attributes["CODECS"] = quoted(",".join(variant.codecs))
    if variant.resolution:
        attributes["RESOLUTION"] = f"{variant.resolution[0]}x{variant.resolution[1]}"
    if variant.frame_rate:
        # Decimal, rounded to three places as the section asks.
        attributes["FRAME-RATE"] = f"{float(variant.frame_rate):.3f}"
    return format_attributes(attributes)

"""The tags of RFC 8216bis section 4.4 as a table: where each may stand, what its value is, which attributes it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from livedvr.hls.attributes import is_type

INTEGER = "decimal-integer"
DECIMAL = "decimal-floating-point"
SIGNED = "signed-decimal-floating-point"
HEX = "hexadecimal-sequence"
QUOTED = "quoted-string"
WORD = "enumerated-string"
RESOLUTION = "decimal-resolution"
YES = "YES"
YES_NO = "YES|NO"


class Place(Enum):
    """Which playlists a tag belongs to, and how often."""

    ANY = "in both kinds of playlist"  # 4.4.1, 4.4.2
    MEDIA = "once in a media playlist"  # 4.4.3
    SEGMENT = "for each segment of a media playlist"  # 4.4.4
    METADATA = "in a media playlist"  # 4.4.5
    MULTIVARIANT = "in a multivariant playlist"  # 4.4.6


@dataclass(frozen=True, slots=True)
class TagSpec:
    """What one section says of its tag.

    Attributes:
        section: of RFC 8216bis.
        value: type of a value that is no attribute list: a type of 4.2, or the words it may be, as ``EVENT|VOD``;
            empty where there is none, or where a rule of its own looks at it.
        required: attributes that it must have.
        attributes: types of the attributes that are known, as `value`.
        once: it stands at most once in a playlist.
    """

    section: str
    place: Place
    value: str = ""
    required: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    once: bool = False


_KEY = {"METHOD": WORD, "URI": QUOTED, "IV": HEX, "KEYFORMAT": QUOTED, "KEYFORMATVERSIONS": QUOTED}
_STREAM = {
    "BANDWIDTH": INTEGER,
    "AVERAGE-BANDWIDTH": INTEGER,
    "SCORE": DECIMAL,
    "CODECS": QUOTED,
    "SUPPLEMENTAL-CODECS": QUOTED,
    "RESOLUTION": RESOLUTION,
    "HDCP-LEVEL": WORD,
    "ALLOWED-CPC": QUOTED,
    "VIDEO-RANGE": WORD,
    "REQ-VIDEO-LAYOUT": QUOTED,
    "STABLE-VARIANT-ID": QUOTED,
    "VIDEO": QUOTED,
    "PATHWAY-ID": QUOTED,
}

TAGS: dict[str, TagSpec] = {
    # 4.4.1 and 4.4.2
    "EXTM3U": TagSpec("4.4.1.1", Place.ANY),
    "EXT-X-VERSION": TagSpec("4.4.1.2", Place.ANY, INTEGER, once=True),
    "EXT-X-INDEPENDENT-SEGMENTS": TagSpec("4.4.2.1", Place.ANY, once=True),
    "EXT-X-START": TagSpec(
        "4.4.2.2", Place.ANY, "", ("TIME-OFFSET",), {"TIME-OFFSET": SIGNED, "PRECISE": YES_NO}, once=True
    ),
    "EXT-X-DEFINE": TagSpec(
        "4.4.2.3", Place.ANY, "", (), {"NAME": QUOTED, "VALUE": QUOTED, "IMPORT": QUOTED, "QUERYPARAM": QUOTED}
    ),
    # 4.4.3, media playlist tags
    "EXT-X-TARGETDURATION": TagSpec("4.4.3.1", Place.MEDIA, INTEGER, once=True),
    "EXT-X-MEDIA-SEQUENCE": TagSpec("4.4.3.2", Place.MEDIA, INTEGER, once=True),
    "EXT-X-DISCONTINUITY-SEQUENCE": TagSpec("4.4.3.3", Place.MEDIA, INTEGER, once=True),
    "EXT-X-ENDLIST": TagSpec("4.4.3.4", Place.MEDIA, once=True),
    "EXT-X-PLAYLIST-TYPE": TagSpec("4.4.3.5", Place.MEDIA, "EVENT|VOD", once=True),
    "EXT-X-I-FRAMES-ONLY": TagSpec("4.4.3.6", Place.MEDIA, once=True),
    "EXT-X-PART-INF": TagSpec("4.4.3.7", Place.MEDIA, "", ("PART-TARGET",), {"PART-TARGET": DECIMAL}, once=True),
    "EXT-X-SERVER-CONTROL": TagSpec(
        "4.4.3.8",
        Place.MEDIA,
        attributes={
            "CAN-SKIP-UNTIL": DECIMAL,
            "CAN-SKIP-DATERANGES": YES_NO,
            "HOLD-BACK": DECIMAL,
            "PART-HOLD-BACK": DECIMAL,
            "CAN-BLOCK-RELOAD": YES_NO,
        },
        once=True,
    ),
    # 4.4.4, media segment tags
    "EXTINF": TagSpec("4.4.4.1", Place.SEGMENT),
    "EXT-X-BYTERANGE": TagSpec("4.4.4.2", Place.SEGMENT),
    "EXT-X-DISCONTINUITY": TagSpec("4.4.4.3", Place.SEGMENT),
    "EXT-X-KEY": TagSpec("4.4.4.4", Place.SEGMENT, "", ("METHOD",), _KEY),
    "EXT-X-MAP": TagSpec("4.4.4.5", Place.SEGMENT, "", ("URI",), {"URI": QUOTED, "BYTERANGE": QUOTED}),
    "EXT-X-PROGRAM-DATE-TIME": TagSpec("4.4.4.6", Place.SEGMENT),
    "EXT-X-GAP": TagSpec("4.4.4.7", Place.SEGMENT),
    "EXT-X-BITRATE": TagSpec("4.4.4.8", Place.SEGMENT, INTEGER),
    "EXT-X-PART": TagSpec(
        "4.4.4.9",
        Place.SEGMENT,
        "",
        ("URI", "DURATION"),
        {"URI": QUOTED, "DURATION": DECIMAL, "INDEPENDENT": YES_NO, "BYTERANGE": QUOTED, "GAP": YES_NO},
    ),
    # 4.4.5, media metadata tags
    "EXT-X-DATERANGE": TagSpec(
        "4.4.5.1",
        Place.METADATA,
        "",
        ("ID",),
        {
            "ID": QUOTED,
            "CLASS": QUOTED,
            "START-DATE": QUOTED,
            "CUE": QUOTED,
            "END-DATE": QUOTED,
            "DURATION": DECIMAL,
            "PLANNED-DURATION": DECIMAL,
            "SCTE35-CMD": HEX,
            "SCTE35-OUT": HEX,
            "SCTE35-IN": HEX,
            "END-ON-NEXT": YES,
        },
    ),
    "EXT-X-SKIP": TagSpec(
        "4.4.5.2",
        Place.METADATA,
        "",
        ("SKIPPED-SEGMENTS",),
        {"SKIPPED-SEGMENTS": INTEGER, "RECENTLY-REMOVED-DATERANGES": QUOTED},
        once=True,
    ),
    "EXT-X-PRELOAD-HINT": TagSpec(
        "4.4.5.3",
        Place.METADATA,
        "",
        ("TYPE", "URI"),
        {"TYPE": WORD, "URI": QUOTED, "BYTERANGE-START": INTEGER, "BYTERANGE-LENGTH": INTEGER},
    ),
    # A server may leave out even required attributes that equal its own playlist's (4.4.5.4).
    "EXT-X-RENDITION-REPORT": TagSpec(
        "4.4.5.4", Place.METADATA, "", (), {"URI": QUOTED, "LAST-MSN": INTEGER, "LAST-PART": INTEGER}
    ),
    # 4.4.6, multivariant playlist tags
    "EXT-X-MEDIA": TagSpec(
        "4.4.6.1",
        Place.MULTIVARIANT,
        "",
        ("TYPE", "GROUP-ID", "NAME"),
        {
            "TYPE": "AUDIO|VIDEO|SUBTITLES|CLOSED-CAPTIONS",
            "URI": QUOTED,
            "GROUP-ID": QUOTED,
            "LANGUAGE": QUOTED,
            "ASSOC-LANGUAGE": QUOTED,
            "NAME": QUOTED,
            "STABLE-RENDITION-ID": QUOTED,
            "DEFAULT": YES_NO,
            "AUTOSELECT": YES_NO,
            "FORCED": YES_NO,
            "INSTREAM-ID": QUOTED,
            "BIT-DEPTH": INTEGER,
            "SAMPLE-RATE": INTEGER,
            "CHARACTERISTICS": QUOTED,
            "CHANNELS": QUOTED,
        },
    ),
    "EXT-X-STREAM-INF": TagSpec(
        "4.4.6.2",
        Place.MULTIVARIANT,
        "",
        ("BANDWIDTH",),
        {**_STREAM, "FRAME-RATE": DECIMAL, "AUDIO": QUOTED, "SUBTITLES": QUOTED},  # CLOSED-CAPTIONS is either type
    ),
    "EXT-X-I-FRAME-STREAM-INF": TagSpec(
        "4.4.6.3", Place.MULTIVARIANT, "", ("BANDWIDTH", "URI"), {**_STREAM, "URI": QUOTED}
    ),
    "EXT-X-SESSION-DATA": TagSpec(
        "4.4.6.4",
        Place.MULTIVARIANT,
        "",
        ("DATA-ID",),
        {"DATA-ID": QUOTED, "VALUE": QUOTED, "URI": QUOTED, "FORMAT": "JSON|RAW", "LANGUAGE": QUOTED},
    ),
    "EXT-X-SESSION-KEY": TagSpec("4.4.6.5", Place.MULTIVARIANT, "", ("METHOD", "URI"), _KEY),
    "EXT-X-CONTENT-STEERING": TagSpec(
        "4.4.6.6",
        Place.MULTIVARIANT,
        "",
        ("SERVER-URI",),
        {"SERVER-URI": QUOTED, "PATHWAY-ID": QUOTED},
        once=True,
    ),
}

ATTRIBUTE_TAGS = frozenset(name for name, spec in TAGS.items() if spec.attributes)
MULTIVARIANT_TAGS = frozenset(name for name, spec in TAGS.items() if spec.place is Place.MULTIVARIANT)
MEDIA_TAGS = frozenset(TAGS) - MULTIVARIANT_TAGS - {name for name, spec in TAGS.items() if spec.place is Place.ANY}


def fits(value: str, spec: str) -> bool:
    """Whether a value as written is what a table entry asks for. A variable nobody could resolve fits (4.3)."""
    if "{$" in value:
        return True
    return is_type(spec, value) if spec.islower() else value in spec.split("|")

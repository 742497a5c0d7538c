"""Rules for every playlist: its characters, its tags, its version (RFC 8216bis 4.1 to 4.4.2, and 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livedvr.hls.parsed import Playlist, Tag, Uri
from livedvr.hls.rules_model import Broken, Level, rule
from livedvr.hls.rules_tags import MEDIA_TAGS, MULTIVARIANT_TAGS, TAGS, fits

# 4.1 allows CR and LF. Tabs are everywhere in practice: EXT-X-SKIP lists ids with tabs between them (4.4.5.2), and
# Apple's own segmenter ends EXTINF with one.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\t|\r(?!\n|\Z)")
_TABS_ALLOWED = ("#EXT-X-SKIP:", "#EXTINF:")
_UNDECODED = re.compile(r"[\udc80-\udcff]")
_REFERENCE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_-]+")


@rule("extm3u-first", Level.MUST, "4.4.1.1", fix="begin the file with a line that is exactly #EXTM3U")
def extm3u_first(playlist: Playlist) -> Broken:
    """The first line is #EXTM3U."""
    first = playlist.text.removeprefix("\ufeff").partition("\n")[0].removesuffix("\r")
    if first != "#EXTM3U":
        yield 1, f"the first line is {first[:40]!r}"


@rule("byte-order-mark", Level.MUST, "4.1", fix="write UTF-8 without a byte order mark")
def no_byte_order_mark(playlist: Playlist) -> Broken:
    """A playlist has no byte order mark; clients should refuse one that does."""
    if playlist.text.startswith("\ufeff"):
        yield 1, "the file begins with a byte order mark"


@rule("not-utf-8", Level.MUST, "4.1", fix="encode the file as UTF-8")
def is_utf8(playlist: Playlist) -> Broken:
    """A playlist is UTF-8. (Bytes that are not arrive here as lone surrogates: errors="surrogateescape".)"""
    if found := _UNDECODED.search(playlist.text):
        yield _line_of(playlist.text, found.start()), f"byte 0x{ord(found[0]) - 0xDC00:02X} is not UTF-8"


@rule("control-character", Level.MUST, "4.1", fix="end lines with LF or CR LF, and use no other control characters")
def no_control_characters(playlist: Playlist) -> Broken:
    """No control characters; a CR counts as one unless it stands before a LF."""
    for number, line in enumerate(playlist.text.split("\n"), 1):
        found = _CONTROL.search(line.removesuffix("\r"))
        if found and not (found[0] == "\t" and line.startswith(_TABS_ALLOWED)):
            what = "a CR without LF" if found[0] == "\r" else f"U+{ord(found[0]):04X}"
            yield number, f"{what} in the line"


@rule("white-space", Level.MUST, "4.1", fix="take the blanks out; in a URI write %20")
def no_white_space(playlist: Playlist) -> Broken:
    """No white space, except where a tag allows it (the title of EXTINF, quoted strings)."""
    for number, line in enumerate(playlist.text.split("\n"), 1):
        bare = line.removesuffix("\r")
        if not bare.strip() or (bare.startswith("#") and not bare.startswith("#EXT")):
            continue  # a blank line, a comment
        if bare[0].isspace() or (bare[-1].isspace() and not bare.startswith("#EXTINF")):
            yield number, "white space at an end of the line"
        elif not bare.startswith("#") and " " in bare:
            yield number, f"white space in the URI {bare!r}"


@rule("tag-twice", Level.MUST, "4.4", fix="keep one of them")
def tags_stand_once(playlist: Playlist) -> Broken:
    """Tags of 4.4.1 to 4.4.3, EXT-X-SKIP and EXT-X-CONTENT-STEERING stand at most once."""
    for name, spec in TAGS.items():
        if spec.once:
            for tag in playlist.all(name)[1:]:
                yield tag.line, f"{name} stands again; it may stand once ({spec.section})"


@rule("mixed-playlist", Level.MUST, "4.1", fix="put variants and segments into playlists of their own")
def one_kind_of_playlist(playlist: Playlist) -> Broken:
    """A playlist is a media playlist or a multivariant playlist, never both."""
    if playlist.is_media and playlist.is_multivariant:
        media, multivariant = (min(kind & set(playlist.tags)) for kind in (MEDIA_TAGS, MULTIVARIANT_TAGS))
        yield None, f"it has {media} and {multivariant}"


@rule("tag-value", Level.MUST, "4.4", fix="write the value as the tag's section asks")
def values_are_of_their_type(playlist: Playlist) -> Broken:
    """Each tag's value is what its section says."""
    for name, spec in TAGS.items():
        if spec.value:
            for tag in playlist.all(name):
                if not fits(tag.value, spec.value):
                    yield tag.line, f"{name} is '{tag.value}', not {_described(spec.value)} ({spec.section})"


@rule("attribute-syntax", Level.MUST, "4.2", fix="write NAME=value,NAME=value without blanks, each name once")
def attribute_lists_are_well_formed(playlist: Playlist) -> Broken:
    """Attribute lists keep the grammar."""
    for tag in _attribute_tags(playlist):
        for problem in tag.attributes.problems:
            yield tag.line, f"{tag.name}: {problem}"


@rule("attribute-missing", Level.MUST, "4.4", fix="add the attribute")
def required_attributes_are_there(playlist: Playlist) -> Broken:
    """A tag has the attributes that its section requires."""
    for tag in _attribute_tags(playlist):
        for attribute in TAGS[tag.name].required:
            if attribute not in tag.attributes and not _key_needs_no_uri(tag, attribute):
                yield tag.line, f"{tag.name} has no {attribute} ({TAGS[tag.name].section})"


@rule("attribute-type", Level.MUST, "4.2", fix="write the value as the attribute's type asks")
def attributes_are_of_their_type(playlist: Playlist) -> Broken:
    """Attribute values are of their types: a quoted-string has quotes, an enumerated-string has none, and so on."""
    for tag in _attribute_tags(playlist):
        types = TAGS[tag.name].attributes
        for attribute, value in tag.attributes.items():
            if attribute in types and not fits(value, types[attribute]):
                yield tag.line, f"{tag.name}: {attribute}={value} is not {_described(types[attribute])}"


@rule("version-too-low", Level.MUST, "8", fix="raise EXT-X-VERSION")
def version_is_sufficient(playlist: Playlist) -> Broken:
    """EXT-X-VERSION covers every feature in use; without the tag it is 1."""
    declared = playlist.integer("EXT-X-VERSION", 1) or 1
    needed, line, why = max(_needed_versions(playlist), key=lambda version: version[0], default=(1, None, ""))
    if declared < needed:
        said = f"EXT-X-VERSION is {declared}" if playlist.first("EXT-X-VERSION") else "there is no EXT-X-VERSION"
        yield line, f"{said}, {why} needs {needed}"


@rule(
    "version-too-high",
    Level.SHOULD,
    "6.2.1",
    fix="declare the version that the content needs: older players can play it",
)
def version_is_not_inflated(playlist: Playlist) -> Broken:
    """EXT-X-VERSION is not greater than what is required."""
    tag = playlist.first("EXT-X-VERSION")
    declared = playlist.integer("EXT-X-VERSION")
    needed = max((version for version, _, _ in _needed_versions(playlist)), default=1)
    if tag and declared and declared > max(needed, _version_of_delta_updates(playlist)):
        yield tag.line, f"EXT-X-VERSION is {declared}, {needed} would do"


@rule(
    "define-names",
    Level.MUST,
    "4.4.2.3",
    fix="give it exactly one of NAME (with VALUE), IMPORT or QUERYPARAM, once a name",
)
def definitions_are_complete(playlist: Playlist) -> Broken:
    """EXT-X-DEFINE has one of its three forms, and defines a name once."""
    seen: set[str] = set()
    for tag in playlist.all("EXT-X-DEFINE"):
        forms = [form for form in ("NAME", "IMPORT", "QUERYPARAM") if form in tag.attributes]
        if len(forms) != 1:
            yield tag.line, f"it has {' and '.join(forms) or 'none'} of NAME, IMPORT and QUERYPARAM"
            continue
        name = tag.attributes.text(forms[0]) or ""
        if not _VARIABLE_NAME.fullmatch(name):
            yield tag.line, f"'{name}' cannot be a variable's name"
        if forms == ["NAME"] and "VALUE" not in tag.attributes:
            yield tag.line, f"{name} has no VALUE"
        if forms == ["IMPORT"] and playlist.is_multivariant:
            yield tag.line, "IMPORT stands in a multivariant playlist, which has nothing to import from"
        if name in seen:
            yield tag.line, f"{name} is defined again"
        seen.add(name)


@rule("variable-undefined", Level.MUST, "4.3", fix="define it by EXT-X-DEFINE, above the line that uses it")
def variables_are_defined(playlist: Playlist) -> Broken:
    """A variable is defined above its use."""
    defined: set[str] = set()
    for item in playlist.items:
        if isinstance(item, Tag) and item.name == "EXT-X-DEFINE":
            defined.update(item.attributes.text(form) or "" for form in ("NAME", "IMPORT", "QUERYPARAM"))
        elif isinstance(item, Uri) or item.attributes:  # nothing else is subject to substitution
            text = item.text if isinstance(item, Uri) else item.value
            for name in _REFERENCE.findall(text) if "{$" in text else ():
                if name not in defined:
                    yield item.line, f"{{${name}}} is not defined"


@rule("tag-removed", Level.NOTE, "8", fix="leave the tag out")
def no_removed_tags(playlist: Playlist) -> Broken:
    """EXT-X-ALLOW-CACHE went with version 7."""
    for tag in playlist.all("EXT-X-ALLOW-CACHE"):
        yield tag.line, "EXT-X-ALLOW-CACHE has no meaning since version 7"


def _attribute_tags(playlist: Playlist) -> Iterator[Tag]:
    for name, spec in TAGS.items():
        if spec.attributes:
            yield from playlist.all(name)


def _key_needs_no_uri(tag: Tag, attribute: str) -> bool:
    """A session key is never NONE; its own rule says so, and then the URI is not what is missing."""
    return tag.name == "EXT-X-SESSION-KEY" and attribute == "URI" and tag.attributes.get("METHOD") == "NONE"


def _described(spec: str) -> str:
    return f"a {spec}" if spec.islower() else spec.replace("|", " or ")


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _needed_versions(playlist: Playlist) -> Iterator[tuple[int, int, str]]:
    """Section 8: (version, line, feature) of what is used."""
    for tag in playlist.all("EXTINF"):
        if "." in tag.value.partition(",")[0]:
            yield 3, tag.line, "a fractional EXTINF"
            break
    for name, version in (("EXT-X-BYTERANGE", 4), ("EXT-X-I-FRAMES-ONLY", 4), ("EXT-X-SKIP", 9)):
        if tag_found := playlist.first(name):
            yield version, tag_found.line, name
    if found := playlist.first("EXT-X-MAP"):
        if "EXT-X-I-FRAMES-ONLY" in playlist.tags:
            yield 5, found.line, "EXT-X-MAP"
        else:
            yield 6, found.line, "EXT-X-MAP outside an I-frame playlist"
    yield from _versions_of_attributes(playlist)


_ATTRIBUTE_VERSIONS = (  # tag, attribute, value (None: any), version
    ("EXT-X-KEY", "IV", None, 2),
    ("EXT-X-KEY", "KEYFORMAT", None, 5),
    ("EXT-X-KEY", "KEYFORMATVERSIONS", None, 5),
    ("EXT-X-KEY", "METHOD", "SAMPLE-AES", 5),
    ("EXT-X-SKIP", "RECENTLY-REMOVED-DATERANGES", None, 10),
    ("EXT-X-DEFINE", "NAME", None, 8),
    ("EXT-X-DEFINE", "IMPORT", None, 8),
    ("EXT-X-DEFINE", "QUERYPARAM", None, 11),
)


def _versions_of_attributes(playlist: Playlist) -> Iterator[tuple[int, int, str]]:
    for name, attribute, value, version in _ATTRIBUTE_VERSIONS:
        for tag in playlist.all(name):
            found = tag.attributes.get(attribute)
            if found is not None and value in (None, found):
                yield version, tag.line, f"{name} with {attribute}{'=' + value if value else ''}"
    for tag in playlist.all("EXT-X-MEDIA"):
        if (tag.attributes.text("INSTREAM-ID") or "").startswith("SERVICE"):
            yield 7, tag.line, "an INSTREAM-ID of SERVICE"
        elif "INSTREAM-ID" in tag.attributes and tag.attributes.get("TYPE") != "CLOSED-CAPTIONS":
            yield 13, tag.line, "an INSTREAM-ID outside closed captions"
    for name in ("EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF"):
        for tag in playlist.all(name):
            if any(attribute.startswith("REQ-") for attribute in tag.attributes):
                yield 12, tag.line, "an attribute named REQ-"


def _version_of_delta_updates(playlist: Playlist) -> int:
    """A server that offers delta updates declares their version in the full playlist too: one address, one version."""
    control = playlist.first("EXT-X-SERVER-CONTROL")
    if control is None or "CAN-SKIP-UNTIL" not in control.attributes:
        return 1
    return 10 if "CAN-SKIP-DATERANGES" in control.attributes else 9


CHECKS = (
    extm3u_first,
    no_byte_order_mark,
    is_utf8,
    no_control_characters,
    no_white_space,
    tags_stand_once,
    one_kind_of_playlist,
    values_are_of_their_type,
    attribute_lists_are_well_formed,
    required_attributes_are_there,
    attributes_are_of_their_type,
    version_is_sufficient,
    version_is_not_inflated,
    definitions_are_complete,
    variables_are_defined,
    no_removed_tags,
)

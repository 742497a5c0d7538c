"""Loads a presentation: a media playlist alone, or a multivariant playlist with all that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from livedvr.fetch import PLAYLIST_LIMIT, Fetcher, resolve
from livedvr.hls.parsed import Playlist, Tag, Uri, parse_playlist
from livedvr.hls.rules import Finding, Level, Rendition
from livedvr.hls.rules_model import Rule
from livedvr.resources.errors import SourceError

VARIANT, I_FRAME = "variant", "I-FRAME"

PLAYLIST_UNREACHABLE = Rule(
    "playlist-unreachable", Level.MUST, "6.2.4", "publish the media playlist before its variant, and keep it there"
)
NOT_A_MEDIA_PLAYLIST = Rule("not-a-media-playlist", Level.MUST, "4.1", "let the URI lead to a media playlist")


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """One media playlist, and where it was read from (relative URIs are resolved against that)."""

    rendition: Rendition
    url: str

    @property
    def playlist(self) -> Playlist:
        """What it says."""
        return self.rendition.playlist


@dataclass(frozen=True, slots=True)
class Variant:
    """One EXT-X-STREAM-INF.

    Attributes:
        tag: with its attributes.
        media: its media playlist.
        groups: the media playlists of each rendition group it names, by TYPE; without `media` itself.
    """

    tag: Tag
    media: MediaPlaylist
    groups: dict[str, tuple[MediaPlaylist, ...]]


@dataclass(frozen=True, slots=True)
class Presentation:
    """All playlists of one presentation, and what was wrong already in loading them."""

    multivariant: Playlist | None
    media: tuple[MediaPlaylist, ...]
    variants: tuple[Variant, ...]
    findings: tuple[Finding, ...]


def load(address: str, name: str, fetcher: Fetcher) -> Presentation:
    """Load the playlist at `address`, called `name` in findings, and every media playlist it leads to.

    Raises:
        SourceError: that playlist cannot be read, or is no HLS playlist at all. What it leads to becomes a finding.
    """
    try:
        resource = fetcher.read(address, limit=PLAYLIST_LIMIT)
    except SourceError as error:
        raise SourceError(error.message, field=name) from error
    root = _parse(resource.data, name, resource.url, None)
    if not root.tags:
        raise SourceError("this is not an HLS playlist", field=name, hint="give the address of a .m3u8")
    if not root.is_multivariant:
        return Presentation(None, (MediaPlaylist(Rendition(root, VARIANT), resource.url),), (), ())
    return _Loader(root, resource.url, fetcher).load()


class _Loader:
    """Follows a multivariant playlist; each media playlist is read once, however often it is named."""

    def __init__(self, root: Playlist, url: str, fetcher: Fetcher) -> None:
        self._root = root
        self._url = url
        self._fetcher = fetcher
        self._media: dict[str, MediaPlaylist | None] = {}
        self._findings: list[Finding] = []

    def load(self) -> Presentation:
        streams = [(tag, self._read(uri.text, uri.line, VARIANT)) for tag, uri in _streams(self._root)]
        groups = self._groups()
        for tag in self._root.all("EXT-X-I-FRAME-STREAM-INF"):
            self._read(tag.attributes.text("URI"), tag.line, I_FRAME)
        variants = tuple(Variant(tag, media, _named(tag, media, groups)) for tag, media in streams if media)
        media = tuple(found for found in self._media.values() if found)
        return Presentation(self._root, media, variants, tuple(self._findings))

    def _groups(self) -> dict[tuple[str, str], list[MediaPlaylist]]:
        """The media playlists of EXT-X-MEDIA, by TYPE and GROUP-ID."""
        groups: dict[tuple[str, str], list[MediaPlaylist]] = {}
        for tag in self._root.all("EXT-X-MEDIA"):
            kind, group = tag.attributes.get("TYPE", ""), tag.attributes.get("GROUP-ID", "")
            if media := self._read(tag.attributes.text("URI"), tag.line, kind):
                groups.setdefault((kind, group), []).append(media)
        return groups

    def _read(self, uri: str | None, line: int, kind: str) -> MediaPlaylist | None:
        if uri is None:
            return None
        url = resolve(self._url, uri)
        if url not in self._media:
            self._media[url] = self._read_first(url, uri, line, kind)
        return self._media[url]

    def _read_first(self, url: str, uri: str, line: int, kind: str) -> MediaPlaylist | None:
        try:
            resource = self._fetcher.read(url, limit=PLAYLIST_LIMIT)
        except SourceError as error:
            self._findings.append(PLAYLIST_UNREACHABLE.at(self._root.name, line, f"{uri}: {error.message}"))
            return None
        playlist = _parse(resource.data, uri, resource.url, self._root)
        if not playlist.is_media or playlist.is_multivariant:
            self._findings.append(NOT_A_MEDIA_PLAYLIST.at(self._root.name, line, f"{uri} is no media playlist"))
            return None
        return MediaPlaylist(Rendition(playlist, kind), resource.url)


def _parse(data: bytes, name: str, url: str, multivariant: Playlist | None) -> Playlist:
    return parse_playlist(
        data.decode("utf-8", errors="surrogateescape"),  # a rule finds what is no UTF-8
        name,
        imports=multivariant.variables if multivariant else None,
        query=dict(parse_qsl(urlsplit(url).query)),
    )


def _streams(root: Playlist) -> Iterator[tuple[Tag, Uri]]:
    """Each EXT-X-STREAM-INF with the URI line that follows it."""
    pending: Tag | None = None
    for item in root.items:
        if isinstance(item, Uri):
            if pending:
                yield pending, item
            pending = None
        elif item.name == "EXT-X-STREAM-INF":
            pending = item


def _named(
    tag: Tag, media: MediaPlaylist, groups: dict[tuple[str, str], list[MediaPlaylist]]
) -> dict[str, tuple[MediaPlaylist, ...]]:
    """The groups that a variant names, without its own media playlist."""
    named = {kind: groups.get((kind, tag.attributes.get(kind, "")), ()) for kind in ("AUDIO", "VIDEO", "SUBTITLES")}
    return {kind: tuple(one for one in group if one is not media) for kind, group in named.items()}

"""Our HLS checker: playlists held against RFC 8216bis. Pure text, linear in its length.

    rules_tags          the tags of section 4.4 as a table
    rules_model         Rule, Finding, Level
    rules_text          every playlist: characters, tags, versions
    rules_media         media playlists and their segments
    rules_dates         EXT-X-PROGRAM-DATE-TIME, EXT-X-DATERANGE
    rules_low_latency   parts, delta updates, hints
    rules_multivariant  multivariant playlists
    rules_renditions    what all renditions keep together
    rules_reload        a media playlist against the version of it before

A rule is one function that yields (line, message) wherever it is broken. A MUST is reported only where the text, or the
two versions of it that were seen, prove it broken; what depends on versions nobody saw, on caches and networks, or on
what a player does, is a SHOULD or a NOTE.
"""

from __future__ import annotations

from livedvr.hls import rules_dates, rules_low_latency, rules_media, rules_multivariant, rules_text
from livedvr.hls.parsed import Playlist, parse_playlist
from livedvr.hls.rules_model import Check, Finding, Level
from livedvr.hls.rules_renditions import Rendition, check_renditions

__all__ = [
    "MEDIA_CHECKS",
    "MULTIVARIANT_CHECKS",
    "Finding",
    "Level",
    "Rendition",
    "check_media_playlist",
    "check_multivariant",
    "check_playlist",
    "check_renditions",
]

MEDIA_CHECKS: tuple[Check[Playlist], ...] = (
    *rules_text.CHECKS,
    *rules_media.CHECKS,
    *rules_dates.CHECKS,
    *rules_low_latency.CHECKS,
)
MULTIVARIANT_CHECKS: tuple[Check[Playlist], ...] = (*rules_text.CHECKS, *rules_multivariant.CHECKS)


def check_media_playlist(text: str, name: str = "media playlist") -> list[Finding]:
    """Hold a media playlist against the rules.

    Args:
        text: all of it; bytes that are no UTF-8 are found if they were decoded with ``errors="surrogateescape"``.
        name: what findings call it.
    """
    return _findings(MEDIA_CHECKS, parse_playlist(text, name))


def check_multivariant(text: str, name: str = "multivariant playlist") -> list[Finding]:
    """Hold a multivariant playlist against the rules; as `check_media_playlist`."""
    return _findings(MULTIVARIANT_CHECKS, parse_playlist(text, name))


def check_playlist(playlist: Playlist) -> list[Finding]:
    """Hold a playlist that has been read against the rules for its kind."""
    return _findings(MULTIVARIANT_CHECKS if playlist.is_multivariant else MEDIA_CHECKS, playlist)


def _findings(checks: tuple[Check[Playlist], ...], playlist: Playlist) -> list[Finding]:
    """In the order of the lines; what is about the whole playlist comes first."""
    found = [finding for check in checks for finding in check(playlist)]
    return sorted(found, key=lambda finding: finding.line or 0)

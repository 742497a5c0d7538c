from __future__ import annotations

from pathlib import Path

import pytest

from livedvr.check.load import Presentation, load
from livedvr.fetch import Fetcher
from livedvr.resources.errors import SourceError

MEDIA = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\na.ts\n#EXT-X-ENDLIST\n"
MAIN = """#EXTM3U
#EXT-X-DEFINE:NAME="dir",VALUE="v"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="en",URI="audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="de",URI="audio/de.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="en",URI="s.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="en",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="aac",SUBTITLES="s"
{$dir}/high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="aac"
# a comment
audio/en.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3
gone.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=4
main.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=5,URI="i.m3u8"
"""


def read(tmp_path: Path, files: dict[str, str]) -> Presentation:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    address = (tmp_path / "main.m3u8").as_uri()
    return load(address, "main.m3u8", Fetcher(address))


@pytest.fixture
def presentation(tmp_path: Path) -> Presentation:
    names = ("audio/en.m3u8", "audio/de.m3u8", "s.m3u8", "v/high.m3u8", "i.m3u8")
    return read(tmp_path, {"main.m3u8": MAIN, **dict.fromkeys(names, MEDIA)})


def test_each_media_playlist_is_read_once(presentation: Presentation) -> None:
    found = {media.playlist.name: media.rendition.kind for media in presentation.media}
    assert found == {
        "v/high.m3u8": "variant",
        "audio/en.m3u8": "variant",
        "audio/de.m3u8": "AUDIO",
        "s.m3u8": "SUBTITLES",
        "i.m3u8": "I-FRAME",
    }


def test_a_variant_has_its_groups(presentation: Presentation) -> None:
    found = [
        (
            variant.media.playlist.name,
            {kind: [media.playlist.name for media in group] for kind, group in variant.groups.items() if group},
        )
        for variant in presentation.variants
    ]
    assert found == [
        ("v/high.m3u8", {"AUDIO": ["audio/en.m3u8", "audio/de.m3u8"], "SUBTITLES": ["s.m3u8"]}),
        ("audio/en.m3u8", {"AUDIO": ["audio/de.m3u8"]}),
    ]


def test_what_cannot_be_loaded_is_a_finding(presentation: Presentation) -> None:
    found = [(finding.rule_id, finding.where, finding.message) for finding in presentation.findings]
    assert found == [
        ("playlist-unreachable", "main.m3u8:13", "gone.m3u8: No such file or directory"),
        ("not-a-media-playlist", "main.m3u8:15", "main.m3u8 is no media playlist"),
    ]


def test_a_media_playlist_alone(tmp_path: Path) -> None:
    presentation = read(tmp_path, {"main.m3u8": MEDIA})
    assert (presentation.multivariant, presentation.variants, presentation.findings) == (None, (), ())
    assert [media.playlist.name for media in presentation.media] == ["main.m3u8"]


def test_media_playlists_import_variables(tmp_path: Path) -> None:
    media = '#EXTM3U\n#EXT-X-DEFINE:IMPORT="dir"\n#EXT-X-DEFINE:QUERYPARAM="t"\n#EXTINF:2,\n{$dir}/{$t}.ts\n'
    main = '#EXTM3U\n#EXT-X-DEFINE:NAME="dir",VALUE="v"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nx.m3u8?t=1\n'
    presentation = read(tmp_path, {"main.m3u8": main, "x.m3u8": media})
    assert presentation.media[0].playlist.segments[0].uri == "v/1.ts"


@pytest.mark.parametrize("text", ["", "<html></html>", "hello\nworld"])
def test_what_is_no_playlist(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"^main\.m3u8: this is not an HLS playlist"):
        read(tmp_path, {"main.m3u8": text})


def test_a_root_that_is_not_there_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^main\.m3u8: No such file"):
        read(tmp_path, {})

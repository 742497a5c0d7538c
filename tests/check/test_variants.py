from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from livedvr.check.load import MediaPlaylist, Presentation, Variant
from livedvr.check.segments import Measured
from livedvr.check.variants import check_variants
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Rendition
from livedvr.media.reader import StreamInfo

H264 = StreamInfo("video", "h264", "avc1.64001f", 1280, 720, Fraction(25))
AAC = StreamInfo("audio", "aac", "mp4a.40.2", sample_rate=48_000, channels=2)
GOOD = 'BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000'
SECOND = 1_000_000


def found(
    attributes: str = GOOD,
    video: Measured | None = None,
    *audio: Measured,
    ended: bool = True,
) -> list[tuple[str, str]]:
    """(rule, where) for one variant whose AUDIO group has the renditions given."""
    video = video or Measured([H264, AAC], peak=1_000_000)
    end = "#EXT-X-ENDLIST\n" if ended else ""

    def media(name: str, kind: str) -> MediaPlaylist:
        playlist = parse_playlist(f"#EXTM3U\n#EXTINF:2,\na\n{end}", name)
        return MediaPlaylist(Rendition(playlist, kind), f"file:///{name}")

    multivariant = parse_playlist(f"#EXTM3U\n#EXT-X-STREAM-INF:{attributes}\nv.m3u8\n", "main.m3u8")
    main, group = media("v.m3u8", "variant"), tuple(media(f"a{index}.m3u8", "AUDIO") for index in range(len(audio)))
    variant = Variant(multivariant.all("EXT-X-STREAM-INF")[0], main, {"AUDIO": group})
    presentation = Presentation(multivariant, (main, *group), (variant,), ())
    measured = {one.url: figures for one, figures in zip((main, *group), (video, *audio), strict=True)}
    return [(finding.rule_id, finding.where) for finding in check_variants(presentation, measured)]


def test_what_is_true_is_fine() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("peak", "ended", "rules"),
    [
        (1_000_000, True, []),
        (1_000_001, True, ["bandwidth-small"]),
        (1_100_000, True, ["bandwidth-small"]),
        (1_100_001, True, ["bandwidth-too-small"]),
        (1_100_001, False, ["bandwidth-small"]),
        (900_000, True, ["bandwidth-large"]),
        (900_000, False, []),
        (910_000, True, []),
    ],
)
def test_bandwidth_covers_the_peak(peak: int, ended: bool, rules: list[str]) -> None:
    video = Measured([H264, AAC], peak=peak)
    assert found(GOOD, video, ended=ended) == [(rule, "main.m3u8:2") for rule in rules]


def test_the_greediest_combination_counts() -> None:
    video = Measured([H264], peak=900_000)
    audio = [Measured([AAC], peak=100_000), Measured([AAC], peak=300_000)]
    assert found(GOOD, video, *audio) == [("bandwidth-too-small", "main.m3u8:2")]
    assert found(GOOD, video, audio[0]) == []


def test_without_all_segments_a_small_peak_says_nothing() -> None:
    assert found(GOOD, Measured([H264, AAC], peak=100, missing=1)) == []


@pytest.mark.parametrize(
    ("codecs", "rules"),
    [
        ("avc1.64001F,mp4a.40.2", []),
        ("mp4a.40.2, avc3.64001f", []),
        ("avc1.64c01f,mp4a.40.5", []),  # constraint flags; what AAC it is, ADTS does not tell
        ("avc1.64001f", ["codecs-missing"]),
        ("hvc1.1.6.L93.B0,mp4a.40.2", ["codecs-missing", "codecs-unused"]),
        ("avc1.640028,mp4a.40.2", ["codecs-differ"]),
        ("avc1.4d001f,mp4a.40.2", ["codecs-differ"]),
        ("avc1.64001f,mp4a.40.34", ["codecs-missing", "codecs-unused"]),
        ("avc1.64001f,mp4a.40.2,ac-3", ["codecs-unused"]),
        ("avc1.64001f,mp4a.40.2,stpp.ttml.im1t", []),
    ],
)
def test_codecs_are_those_of_the_segments(codecs: str, rules: list[str]) -> None:
    attributes = GOOD.replace("avc1.64001f,mp4a.40.2", codecs)
    assert found(attributes) == [(rule, "main.m3u8:2") for rule in rules]


@pytest.mark.parametrize(
    ("stream", "declared", "rules"),
    [
        ("hvc1.1.6.L93.B0", "hvc1.1.6.L93.90", []),
        ("hvc1.2.4.L120", "dvh1.2.4.L120.B0", []),
        ("hvc1.1.6.L93.B0", "hvc1.1.6.L120.B0", ["codecs-differ"]),
        ("av01.0.04M.08", "av01.0.05M.08", ["codecs-differ"]),
        ("Opus", "opus", []),
        ("mp4a.40.34", "mp4a.6B", []),
        (None, "avc1.64001f", []),
    ],
)
def test_codec_strings_compare_by_profile_and_level(stream: str | None, declared: str, rules: list[str]) -> None:
    video = Measured([replace(H264, codec_string=stream)], peak=1_000_000)
    attributes = f'BANDWIDTH=1000000,CODECS="{declared}"'
    assert [rule for rule, _ in found(attributes, video)] == rules


def test_what_could_not_be_opened_is_not_called_unused() -> None:
    assert found(GOOD, Measured([H264], peak=1_000_000), Measured([])) == []
    assert found(GOOD, Measured([])) == []
    assert found(GOOD, Measured([H264], peak=1_000_000)) == [("codecs-unused", "main.m3u8:2")]


@pytest.mark.parametrize(
    ("width", "rate", "rules"),
    [
        (1280, Fraction(30000, 1200), []),
        (1920, Fraction(25), ["resolution-differs"]),
        (1280, Fraction(50), ["frame-rate-differs"]),
        (1280, None, []),
    ],
)
def test_the_picture_is_as_declared(width: int, rate: Fraction | None, rules: list[str]) -> None:
    video = Measured([replace(H264, width=width, frame_rate=rate), AAC], peak=1_000_000)
    assert [rule for rule, _ in found(GOOD, video)] == rules


def test_nothing_declared_is_nothing_wrong_here() -> None:
    assert found("PROGRAM-ID=1") == []


@pytest.mark.parametrize(("off", "broken"), [(0.4, False), (-0.4, False), (0.6, True)])
def test_dates_stand_at_the_same_timestamps(off: float, broken: bool) -> None:
    video = Measured([H264], peak=900_000, clocks={0: 10 * SECOND, 1: 20 * SECOND})
    audio = Measured([AAC], peak=100_000, clocks={1: 20 * SECOND + round(off * SECOND), 2: 0})
    assert found(GOOD, video, audio) == ([("date-mapping-differs", "a0.m3u8")] if broken else [])


def test_a_media_playlist_alone_declares_nothing() -> None:
    assert list(check_variants(Presentation(None, (), (), ()), {})) == []

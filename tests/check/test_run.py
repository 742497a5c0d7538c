"""Whole checks of presentations laid out as livedvr lays them out, cut by a real ffmpeg."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builders import peak_and_average
from livedvr.check.report import Report
from livedvr.check.run import run_check
from livedvr.media.reader import read_media
from media.sample_media import AAC, H264, cut


def publish(folder: Path, *, ts: bool = False) -> Path:
    """A sealed recording of two runs in `folder`: its main.m3u8."""
    extension = "ts" if ts else "m4s"
    lines = [
        *("#EXTM3U", f"#EXT-X-VERSION:{3 if ts else 6}", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0"),
        *("#EXT-X-DISCONTINUITY-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:EVENT"),
    ]
    sizes = []
    for run in ("r1", "r2"):
        (folder / run).mkdir()
        cut(folder / run, *H264, *AAC, ts=ts, offset=0 if run == "r1" else 100)
        lines += ["#EXT-X-DISCONTINUITY"] if run == "r2" else []
        lines += [] if ts else [f'#EXT-X-MAP:URI="../{run}/init.mp4"']
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:0{run[1]}:00.000Z"]
        for path in sorted((folder / run).glob(f"*.{extension}")):
            reference = read_media(path, None if ts else folder / run / "init.mp4").reference
            duration = reference.end_pts - reference.first_pts
            sizes.append((path.stat().st_size, duration))
            lines += [f"#EXTINF:{duration // 10**6}.{duration % 10**6:06d},", f"../{run}/{path.name}"]
    (folder / "av").mkdir()
    (folder / "av" / "index-1.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
    peak, average = peak_and_average(sizes, 2_000_000)
    stream = f'BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS="avc1.64000b,mp4a.40.2",RESOLUTION=160x90'
    main = folder / "main.m3u8"
    head = "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    main.write_text(f"{head}#EXT-X-STREAM-INF:{stream},FRAME-RATE=25.000\nav/index-1.m3u8\n")
    return main


@pytest.fixture(scope="module", params=["fmp4", "ts"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp(request.param), ts=request.param == "ts").parent


@pytest.fixture
def main(published: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(published, tmp_path / "copy")) / "main.m3u8"


def rules(report: Report) -> set[str]:
    return {finding.rule_id for finding in report.findings}


def segment(main: Path, number: int, run: str = "r1") -> Path:
    return next((main.parent / run).glob(f"segment-{number:06d}.*"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.e2e
@pytest.mark.parametrize("deep", [False, True])
def test_a_good_recording_is_ok(main: Path, deep: bool) -> None:
    report = run_check(str(main), deep=deep)
    assert report.findings == ()
    assert report.ok
    counts = "1 multivariant + 1 media playlist, 6 segments, 6.000 s, 0 violations, 0 warnings"
    assert report.verdict == f"OK: {counts}"
    assert (report.playlists[0].peak is not None) is deep


@pytest.mark.e2e
def test_a_file_address_and_a_media_playlist_alone(main: Path) -> None:
    address = (main.parent / "av" / "index-1.m3u8").as_uri()
    assert (
        run_check(address, deep=True).verdict == "OK: 1 media playlist, 6 segments, 6.000 s, 0 violations, 0 warnings"
    )


@pytest.mark.e2e
def test_a_missing_segment(main: Path) -> None:
    segment(main, 1).unlink()
    assert run_check(str(main), deep=False).ok
    assert rules(run_check(str(main), deep=True)) == {"segment-unreachable"}


@pytest.mark.e2e
def test_an_unmarked_discontinuity(main: Path) -> None:
    edit(main.parent / "av" / "index-1.m3u8", "#EXT-X-DISCONTINUITY\n", "")
    assert "timestamps-jump" in rules(run_check(str(main), deep=True))


@pytest.mark.e2e
def test_a_damaged_segment(main: Path) -> None:
    segment(main, 1).write_bytes(b"not media" * 1000)
    assert "segment-unreadable" in rules(run_check(str(main), deep=True))


@pytest.mark.e2e
def test_an_untrue_extinf(main: Path) -> None:
    edit(main.parent / "av" / "index-1.m3u8", "#EXTINF:1.000000", "#EXTINF:1.200000")
    assert "duration-differs" in rules(run_check(str(main), deep=True))


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("BANDWIDTH=", "BANDWIDTH=1000,AVERAGE-X=", "bandwidth-too-small"),
        ("avc1.64000b,", "", "codecs-missing"),
        ("avc1.64000b", "avc1.64001f", "codecs-differ"),
        ("160x90", "320x180", "resolution-differs"),
        ("25.000", "50.000", "frame-rate-differs"),
        ("av/index", "av/gone", "playlist-unreachable"),
    ],
)
def test_an_untrue_variant(main: Path, old: str, new: str, rule: str) -> None:
    text = main.read_text()
    main.write_text(text.replace(old, new, 1))
    assert rule in rules(run_check(str(main), deep=True))


@pytest.mark.e2e
def test_findings_come_in_the_order_of_playlists_and_lines(main: Path) -> None:
    edit(main, ",RESOLUTION=160x90", "")
    edit(main.parent / "av" / "index-1.m3u8", "TARGETDURATION:2", "TARGETDURATION:0")
    report = run_check(str(main), deep=False)
    assert [finding.playlist for finding in report.findings] == [str(main)] + ["av/index-1.m3u8"] * 6
    lines = [finding.line or 0 for finding in report.findings[1:]]
    assert lines == sorted(lines)

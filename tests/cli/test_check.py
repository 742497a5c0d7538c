from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from livedvr.cli.check import check

GOOD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\na.ts\n#EXT-X-ENDLIST\n"


@pytest.fixture
def playlist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.m3u8"
    path.write_text(GOOD)
    return path


def test_a_good_playlist(playlist: Path) -> None:
    result = CliRunner().invoke(check, ["a.m3u8"])
    assert result.exit_code == 0
    assert result.stdout == "OK: 1 media playlist, 1 segment, 2.000 s, 0 violations, 0 warnings\n"
    assert result.stderr == ""


def test_a_violation(playlist: Path) -> None:
    playlist.write_text(GOOD.replace("2.0,", "2.5,"))
    result = CliRunner().invoke(check, ["a.m3u8"])
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "MUST   targetduration-exceeded (RFC 8216bis 4.4.3.1)",
        "       a.m3u8:5: segment 0 (a.ts) is 2.5 s, rounded 3, and the target duration is 2",
        "       fix: cut segments at most that long, or declare the longest EXTINF, rounded, from the first day",
        "",
        "FAILED: 1 media playlist, 1 segment, 2.500 s, 1 violation, 0 warnings",
    ]


def test_a_warning_does_not_fail(playlist: Path) -> None:
    playlist.write_text(GOOD.replace("2.0,", "2.0"))
    result = CliRunner().invoke(check, ["a.m3u8"])
    assert result.exit_code == 0
    assert "SHOULD extinf-comma" in result.stdout
    assert result.stdout.endswith("0 violations, 1 warning\n")


def test_deep_opens_the_segments(playlist: Path) -> None:
    result = CliRunner().invoke(check, ["--deep", "a.m3u8"])
    assert result.exit_code == 1
    assert "a.m3u8:5: a.ts: No such file or directory" in result.stdout


@pytest.mark.parametrize("options", [["--json"], ["--json", "--deep"]])
def test_json_is_one_object_and_nothing_else(playlist: Path, options: list[str]) -> None:
    result = CliRunner().invoke(check, [*options, "a.m3u8"])
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["ok"] is (result.exit_code == 0)
    assert found["violations"] == len([one for one in found["findings"] if one["level"] == "MUST"])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("gone.m3u8", "gone.m3u8: No such file or directory"),
        (".", ".: Is a directory"),
        (
            "gs://bucket/a.m3u8",
            "gs://bucket/a.m3u8: a playlist is checked as a player reads it (name it by its address:"
            " https://storage.googleapis.com/bucket/a.m3u8)",
        ),
        ("text.txt", "text.txt: this is not an HLS playlist (give the address of a .m3u8)"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_cannot_be_read_is_one_line(playlist: Path, target: str, message: str, options: list[str]) -> None:
    (playlist.parent / "text.txt").write_text("hello")
    result = CliRunner().invoke(check, [*options, target])
    assert result.exit_code == 2
    assert (result.stdout, result.stderr) == ("", f"livedvr check: {message}\n")


@pytest.mark.parametrize("arguments", [[], ["a.m3u8", "b.m3u8"], ["--no-such", "a.m3u8"]])
def test_bad_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(check, arguments).exit_code == 2


def test_follow_ends_with_the_playlist(playlist: Path) -> None:
    result = CliRunner().invoke(check, ["--follow", "5m", "a.m3u8"])
    assert result.exit_code == 0
    assert result.stdout == "OK: 1 media playlist, 1 segment, 2.000 s, 0 reloads, 0 violations, 0 warnings\n"
    assert result.stderr == ""


def test_follow_in_json_has_the_number_of_reloads(playlist: Path) -> None:
    playlist.write_text(GOOD.replace("#EXT-X-ENDLIST\n", ""))
    result = CliRunner().invoke(check, ["--follow", "0.5", "--json", "a.m3u8"])
    assert json.loads(result.stdout)["reloads"] == 0


@pytest.mark.parametrize("duration", ["0", "soon", ""])
def test_follow_takes_a_duration(playlist: Path, duration: str) -> None:
    result = CliRunner().invoke(check, ["--follow", duration, "a.m3u8"])
    assert result.exit_code == 2
    assert result.stderr.startswith("livedvr check: --follow: ")

"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

if settings.get_current_profile_name() != "ci":  # Hypothesis' own, where CI is set: without a deadline, too
    # How long an example takes says how busy the machine is.
    settings.register_profile("no deadline", deadline=None)
    settings.load_profile("no deadline")

DEBIAN_FFMPEG = Path("/usr/bin/ffmpeg")


def missing(what: str, package: str) -> None:
    """Skip where a developer's machine lacks something; in CI nothing may be skipped."""
    message = f"{what} is missing (Debian: apt install {package})"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(params=["wheel", "debian"])
def ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ffmpegs in turn, as LIVEDVR_FFMPEG: the wheel's 9.x and Debian 12's 5.1."""
    import imageio_ffmpeg

    if request.param == "debian" and not DEBIAN_FFMPEG.exists():
        missing("Debian's ffmpeg", "ffmpeg")
    path = str(DEBIAN_FFMPEG) if request.param == "debian" else imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setenv("LIVEDVR_FFMPEG", path)
    return path


@pytest.fixture
def wheel_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> str:
    """The wheel's ffmpeg alone, where the version makes no difference."""
    import imageio_ffmpeg

    path: str = imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setenv("LIVEDVR_FFMPEG", path)
    return path


@pytest.fixture
def small_testsrc(monkeypatch: pytest.MonkeyPatch) -> None:
    """``testsrc`` of 320x180 in this process, where nobody looks at its size: a fourth of the CPU."""
    from livedvr.ingest import command, testsrc

    monkeypatch.setattr(command, "testsrc_graph", lambda: testsrc.testsrc_graph(320, 180))

"""What `livedvr record` shows while it runs."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from livedvr.cli.progress import Display
from livedvr.recording import Progress
from livedvr.resources.models import DvrSession, TimeInterval

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def session(state: str) -> DvrSession:
    return DvrSession(
        session_id="demo", channel_id="live", manifest_key="main", output_uri="out/dvr/demo/main.m3u8",
        dvr_windows=(TimeInterval(),), state=state, segments=3, create_time=NOW, update_time=NOW,
    )  # fmt: skip


def display(*, terminal: bool) -> tuple[Display, io.StringIO]:
    made, written = Display(), io.StringIO()
    made._console = Console(file=written, force_terminal=terminal, force_interactive=terminal, width=80)
    made._live.console = made._console
    made._on_terminal = terminal
    return made, written


def test_markup_is_never_shown_not_even_while_a_line_is_printed() -> None:
    made, written = display(terminal=True)
    with made:
        made.update(Progress("STREAMING", session("LIVE"), 2_000_000))
        made.note("takes [0:0] Video: h264")
    assert "[bold]" not in written.getvalue() and "[/" not in written.getvalue()
    assert "takes [0:0] Video: h264" in written.getvalue()


@pytest.mark.parametrize(
    ("channel", "says"), [("STREAMING", "LIVE"), ("STREAMING_NO_INPUT", "LIVE; waiting for the source")]
)
def test_a_source_that_is_away_is_said(channel: str, says: str) -> None:
    made, written = display(terminal=False)
    made.update(Progress(channel, session("LIVE"), 2_000_000))
    assert written.getvalue() == f"{says}\n"

"""What the gap ledger says of a run's end (P8)."""

from __future__ import annotations

import pytest

from livedvr.ingest.ended_run import EndedRun
from livedvr.ingest.run import RunExit

SILENT = "silent for 6 s"


@pytest.mark.semantics("P8")
@pytest.mark.parametrize(
    ("exit", "silence", "refusal", "asked", "says"),
    [
        (RunExit(0, 0, None), None, None, None, "source lost"),  # the publisher has gone
        (RunExit(255, 0, "stop"), SILENT, None, None, "source lost"),
        (RunExit(0, 9, "stop"), SILENT, None, None, "source lost"),  # it did not hear INT while it waited
        (RunExit(255, 0, "stop", stood_still=True), SILENT, None, None, "ingest restarted"),
        (RunExit(0, 9, None), None, None, None, "ingest restarted"),  # somebody has killed it
        (RunExit(255, 0, "lease"), None, None, None, "ingest restarted"),
        (RunExit(255, 0, "disk full"), None, None, None, "disk full"),
        (RunExit(0, 9, "stop"), None, "it gave a wrong stream key", None, "publisher refused"),
        (RunExit(255, 0, "stop", stood_still=True), SILENT, None, "stop", "channel stopped"),
    ],
)
def test_why_a_run_has_ended(
    exit: RunExit, silence: str | None, refusal: str | None, asked: str | None, says: str
) -> None:
    assert EndedRun(exit, [], silence, refusal, None, listed=True).reason(asked) == says


@pytest.mark.semantics("P3", "P8")
def test_media_without_keyframes_is_no_loss_of_the_source() -> None:
    overlong = EndedRun(RunExit(255, 0, "stop"), [], None, None, None, listed=True, overlong="no keyframe for 120 s")
    assert (overlong.reason(None), overlong.reason("stop")) == ("no keyframe", "channel stopped")


@pytest.mark.semantics("I5", "P8")
def test_a_run_that_read_through_a_controller_that_has_gone_did_not_lose_its_source() -> None:
    for exit in (RunExit(0, 0, None), RunExit(1, 0, None)):
        orphaned = EndedRun(exit, [], None, None, None, listed=True, orphaned=True)
        assert (orphaned.reason(None), orphaned.reason("stop")) == ("ingest restarted", "channel stopped")

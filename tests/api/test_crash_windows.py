"""What a request has promised is found again, wherever the server died in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_requests import C, channel
from live import until
from livedvr.api.operations import Operations
from serving import HERE, Served, serving


def create_channel(served: Served) -> None:
    body = channel(output={"uri": "gs://bucket/c"})
    served.ask("POST", f"{HERE}/channels?channelId=c", json=body).raise_for_status()


def furnish(served: Served) -> None:
    served.ask("POST", f"{HERE}/inputs?inputId=in", json={"type": "RTMP_PUSH"}).raise_for_status()
    create_channel(served)


def deletions(served: Served) -> list[bool]:
    operations = served.ask("GET", f"{HERE}/operations").json()["operations"]
    return [one.get("done", False) for one in operations if one["metadata"]["verb"] == "delete"]


def test_a_deletion_and_its_operation_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "state") as served, monkeypatch.context() as dying:
        furnish(served)
        # As when the process ends right after the transaction: nothing is carried out.
        dying.setattr(Operations, "keep", lambda _, promise: promise.answer)
        assert served.ask("DELETE", C).ok
        assert deletions(served) == [False]
    with serving(tmp_path / "state") as served:
        until(lambda: deletions(served) == [True], "the next server carries it out")
        assert served.ask("GET", C).status_code == 404
        create_channel(served)


def test_a_channel_that_was_deleted_without_the_api(tmp_path: Path) -> None:
    with serving(tmp_path / "state") as served:
        furnish(served)
        served.within(lambda server: server.dvr.channels.delete("c"))
        assert served.ask("DELETE", C).ok
        until(lambda: deletions(served) == [True], "its record goes")
        assert served.ask("GET", C).status_code == 404
        served.ask("DELETE", f"{HERE}/inputs/in").raise_for_status()

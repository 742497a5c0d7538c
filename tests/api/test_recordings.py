"""Recordings over REST: pages, and each field that is refused by its name."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fuzzing import furnish
from livedvr.api.openapi import document
from serving import HERE, Served

pytestmark = pytest.mark.e2e

RECORDINGS = f"{HERE}/channels/c/recordings"
DOCUMENT = document("1.2.3")


@pytest.fixture(scope="module")
def channel(shared: Served) -> Served:
    """One that has not been started: what is recorded of it waits."""
    furnish(shared)
    return shared


def start(channel: Served, name: str, **spec: Any) -> Any:
    return channel.ask("POST", f"{RECORDINGS}?recordingId={name}", json=spec)


def test_a_list_comes_in_pages(channel: Served) -> None:
    names = [f"take-{i}" for i in range(5)]
    for name in names:
        assert start(channel, name).status_code == 200
    found, token = [], ""
    for size in (2, 2, 1):
        page = channel.ask("GET", f"{RECORDINGS}?pageSize=2&pageToken={token}").json()
        assert len(page["recordings"]) == size
        whole = {"$ref": "#/components/schemas/livedvr.Recording", "components": DOCUMENT["components"]}
        assert [
            error.message for one in page["recordings"] for error in Draft202012Validator(whole).iter_errors(one)
        ] == []
        found += [one["recordingId"] for one in page["recordings"]]
        token = page.get("nextPageToken", "")
        if len(found) == 2:
            channel.ask("DELETE", f"{RECORDINGS}/take-1")  # where the next page begins
    assert (found, token) == (names, "")
    for name in names:
        channel.ask("DELETE", f"{RECORDINGS}/{name}")
    assert channel.ask("GET", RECORDINGS).json() == {"recordings": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [("pageSize=-1", "page_size"), ("pageSize=x", "page_size"), ("pageToken=x", "page_token"), ("filter=a", "filter")],
)
def test_what_cannot_be_listed(channel: Served, query: str, field: str) -> None:
    answer = channel.ask("GET", f"{RECORDINGS}?{query}")
    assert answer.status_code == 400 and field in answer.text


@pytest.mark.parametrize(
    ("name", "spec", "status", "field"),
    [
        ("A_", {}, "INVALID_ARGUMENT", "recordingId"),
        ("", {}, "INVALID_ARGUMENT", "recordingId"),
        ("..", {}, "INVALID_ARGUMENT", "recordingId"),
        ("x", {"formats": []}, "INVALID_ARGUMENT", "format"),
        ("x", {"formats": ["WAV", "WAV"]}, "INVALID_ARGUMENT", "format"),
        ("x", {"formats": ["OPUS"]}, "INVALID_ARGUMENT", "formats"),
        ("x", {"sampleRate": 44100}, "INVALID_ARGUMENT", "sampleRate"),
        ("x", {"colour": "red"}, "INVALID_ARGUMENT", '"field":"colour"'),
        ("x", {"colour": "red"}, "INVALID_ARGUMENT", "there is no such field (there are outputUri, fileStem, "),
        ("x", {"manifestKey": "nothing"}, "NOT_FOUND|INVALID_ARGUMENT", "manifest"),
        ("x", {"outputUri": "/etc"}, "INVALID_ARGUMENT|PERMISSION_DENIED", "outputUri"),
        ("x", {"fileStem": "../up"}, "INVALID_ARGUMENT", "fileStem"),
        ("x", {"limits": {"stopTones": ["x"]}}, "INVALID_ARGUMENT", "keys 0-9 * # A-D, 1 to 16 of them"),
        ("x", {"limits": {"stopTones": [""]}}, "INVALID_ARGUMENT", "limits.stopTones"),
        ("x", {"notify": [{"uri": ""}]}, "INVALID_ARGUMENT", "uri"),
        ("x", {"notify": [{"uri": "ftp://example.com/"}]}, "INVALID_ARGUMENT", "uri"),
        ("x", {"notify": [{"uri": "http://example.com/", "dialect": "klingon"}]}, "INVALID_ARGUMENT", "dialect"),
        ("x", {"notify": [{"uri": "http://example.com/", "context": {"a": "b"}}]}, "INVALID_ARGUMENT", "context"),
        *(
            ("x", {"notify": [{"uri": f"http://{host}/"}]}, "PERMISSION_DENIED", "uri")
            for host in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]")
        ),
        *(
            ("x", {"limits": {limit: length}}, "INVALID_ARGUMENT", f"limits.{limit}")
            for limit in ("maxDuration", "maxTime", "initialSilence", "maxSilence", "maxIdle")
            for length in (0, -1, "x", "P31D")
        ),
    ],
)
def test_what_is_refused_names_its_field(channel: Served, name: str, spec: Any, status: str, field: str) -> None:
    answer = start(channel, name, **spec)
    error = answer.json()["error"]
    assert error["status"] in status.split("|"), error
    assert field in answer.text, error
    assert channel.ask("GET", RECORDINGS).json() == {"recordings": []}, "nothing has begun"


@pytest.mark.parametrize("body", [b"[]", b"{", b"1", b"\xff", pytest.param(b"[" * 100_000, id="deep")])
def test_a_body_that_is_no_object(channel: Served, body: bytes) -> None:
    answer = channel.ask("POST", f"{RECORDINGS}?recordingId=x", data=body)
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT" and "body" in answer.text


def test_an_id_that_is_taken_and_one_that_is_not(channel: Served) -> None:
    assert start(channel, "twice").status_code == 200
    assert start(channel, "twice").json()["error"]["status"] == "ALREADY_EXISTS"
    for verb in ("pause", "stop", "resume", "cancel"):
        assert channel.ask("POST", f"{RECORDINGS}/nobody:{verb}").json()["error"]["status"] == "NOT_FOUND"
    assert channel.ask("POST", f"{RECORDINGS}/twice:resume").json()["error"]["status"] == "FAILED_PRECONDITION"
    assert channel.ask("POST", f"{RECORDINGS}/twice:applaud").json()["error"]["status"] == "NOT_FOUND"
    channel.ask("DELETE", f"{RECORDINGS}/twice")

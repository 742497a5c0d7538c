"""Requests that come at the same time: none takes another's place, and what is answered is so."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError

from bad_requests import channel
from serving import HERE, Served

AT_ONCE = 8


def at_once(served: Served, verb: str, asked: list[tuple[str, Any]]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda one: requests.request(verb, f"{served.url}/v1/{one[0]}", json=one[1]), asked))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("inputs?inputId=x", {"type": "RTMP_PUSH"}),
        ("assets?assetId=x", {"image": {"uri": "gs://bucket/o"}}),
        ("channels?channelId=x", channel(output={"uri": "gs://bucket/x"})),
    ],
)
def test_a_name_is_given_once(served: Served, path: str, body: Any) -> None:
    served.ask("POST", f"{HERE}/inputs?inputId=in", json={"type": "RTMP_PUSH"}).raise_for_status()
    answers = at_once(served, "POST", [(f"{HERE}/{path}", body)] * AT_ONCE)
    made = [answer.json() for answer in answers if answer.ok]
    assert len(made) == 1
    assert {answer.json()["error"]["status"] for answer in answers if not answer.ok} == {"ALREADY_EXISTS"}
    found = served.ask("GET", made[0]["metadata"]["target"]).json()
    assert found.get("uri") == made[0]["response"].get("uri")


@pytest.mark.semantics("S17")
def test_no_update_undoes_another(served: Served) -> None:
    served.ask("POST", f"{HERE}/inputs?inputId=in", json={"type": "RTMP_PUSH"}).raise_for_status()
    body = channel(output={"uri": "gs://bucket/c"})
    served.ask("POST", f"{HERE}/channels?channelId=c", json=body).raise_for_status()
    for name in ("channels/c", "inputs/in", "pools/default"):
        asked = [(f"{HERE}/{name}?updateMask=labels.k{i}", {"labels": {f"k{i}": "v"}}) for i in range(AT_ONCE)]
        answers = at_once(served, "PATCH", asked)
        refused = {answer.json()["error"]["status"] for answer in answers if not answer.ok}
        assert refused <= {"ABORTED", "ALREADY_EXISTS"}
        labels = served.ask("GET", f"{HERE}/{name}").json()["labels"]
        assert set(labels) == {f"k{i}" for i, answer in enumerate(answers) if answer.ok}


def test_a_pool_is_updated_by_its_mask(served: Served) -> None:
    pool = f"{HERE}/pools/default"
    served.ask("PATCH", f"{pool}?updateMask=labels", json={"labels": {"a": "b"}}).raise_for_status()
    served.ask("PATCH", f"{pool}?updateMask=networkConfig", json={"labels": {"x": "y"}}).raise_for_status()
    assert served.ask("GET", pool).json()["labels"] == {"a": "b"}
    served.ask("PATCH", f"{pool}?updateMask=labels", json={}).raise_for_status()
    assert "labels" not in served.ask("GET", pool).json()


def test_an_input_s_change_that_is_refused_changes_nothing(served: Served) -> None:
    """It is attached to two channels, and the second one runs."""
    served.ask("POST", f"{HERE}/inputs?inputId=in", json={"type": "RTMP_PUSH"}).raise_for_status()
    for name in ("a", "b"):
        body = channel(output={"uri": f"gs://bucket/{name}"})
        served.ask("POST", f"{HERE}/channels?channelId={name}", json=body).raise_for_status()
    served.rest.start_channel(name=f"{HERE}/channels/b").result()
    rules = {"securityRules": {"ipRanges": ["192.0.2.0/24"]}}
    refused = served.ask("PATCH", f"{HERE}/inputs/in?updateMask=securityRules", json=rules)
    assert refused.json()["error"]["status"] == "FAILED_PRECONDITION"
    channels = served.within(lambda server: server.dvr.channels.list())
    assert [one.input.security_rules.ip_ranges for one in channels] == [(), ()]


def test_a_channel_has_the_rules_of_its_inputs(served: Served) -> None:
    """Whoever is first: an input's change reaches the channel that is being changed, too."""
    served.ask("POST", f"{HERE}/inputs?inputId=in", json={"type": "RTMP_PUSH"}).raise_for_status()
    body = channel(output={"uri": "gs://bucket/c"})
    served.ask("POST", f"{HERE}/channels?channelId=c", json=body).raise_for_status()
    for i in range(AT_ONCE):
        rules = {"securityRules": {"ipRanges": [f"192.0.2.{i}/32"]}}
        asked = [(f"{HERE}/inputs/in?updateMask=securityRules", rules)]
        asked += [(f"{HERE}/channels/c?updateMask=labels.k{i}{k}", {"labels": {f"k{i}{k}": "v"}}) for k in range(3)]
        at_once(served, "PATCH", asked)
        kept = served.ask("GET", f"{HERE}/inputs/in").json().get("securityRules", {}).get("ipRanges", [])
        (one,) = served.within(lambda server: server.dvr.channels.list())
        assert list(one.input.security_rules.ip_ranges) == kept


def test_no_channel_has_an_input_that_is_gone(served: Served) -> None:
    for i in range(AT_ONCE):
        served.ask("POST", f"{HERE}/inputs?inputId=in{i}", json={"type": "RTMP_PUSH"}).raise_for_status()
        body = channel(output={"uri": f"gs://bucket/c{i}"})
        body["inputAttachments"][0]["input"] = f"{HERE}/inputs/in{i}"
        with ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(served.rest.delete_input, name=f"{HERE}/inputs/in{i}")
            pool.submit(served.ask, "POST", f"{HERE}/channels?channelId=c{i}", json=body).result()
        with contextlib.suppress(GoogleAPICallError):
            deleted.result().result()
        there = {one["name"] for one in served.ask("GET", f"{HERE}/inputs").json().get("inputs", [])}
        for one in served.ask("GET", f"{HERE}/channels").json().get("channels", []):
            assert {attached["input"] for attached in one["inputAttachments"]} <= there

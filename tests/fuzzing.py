"""Requests made by schemathesis from /openapi.json, right and wrong ones, and what the server must make of them.

``python -m fuzzing --minutes 10`` goes on for long; tests/api/test_fuzz.py asks a little of each method.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from live import until
from livedvr.api.methods import METHODS
from serving import Served, serving

KNOWN = {"project": "p", "location": "l", "input": "in", "channel": "c", "dvrSession": "d", "asset": "a"}
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
SEGMENTS = {"segmentDuration": "2s"}
BODIES: Mapping[str, Any] = {
    "CreateInput": {"type": "RTMP_PUSH"},
    "CreateAsset": {"video": {"uri": "gs://bucket/slate.mp4"}},
    "CreateChannel": {
        "inputAttachments": [{"key": "one", "input": "projects/p/locations/l/inputs/in"}],
        "output": {"uri": "gs://bucket/{id}"},
        "elementaryStreams": [{"key": "v", "videoStream": {}}, {"key": "a", "audioStream": {"transmux": True}}],
        "muxStreams": [
            {"key": "mv", "elementaryStreams": ["v"], "segmentSettings": SEGMENTS},
            {"key": "ma", "elementaryStreams": ["a"], "segmentSettings": SEGMENTS},
        ],
        "manifests": [{"key": "hls", "type": "HLS", "muxStreams": ["mv", "ma"]}],
        "retentionConfig": {"retentionWindowDuration": "3600s"},
    },
    "CreateDvrSession": {
        "dvrManifests": [{"manifestKey": "hls"}],
        "dvrWindows": [{"timeInterval": {"startTime": "2099-01-01T00:00:00Z", "endTime": "2099-01-01T01:00:00Z"}}],
    },
    "CreateClip": {
        "outputUri": "gs://bucket/clips",
        "slices": [{"timeSlice": {"markinTime": "2025-01-01T00:00:00Z", "markoutTime": "2025-01-01T01:00:00Z"}}],
        "clipManifests": [{"manifestKey": "hls"}],
    },
    "CreateEvent": {"executeNow": True, "inputSwitch": {"inputKey": "one"}},
}
_CLEANING = ("inputs", "assets", "channels")


def furnish(served: Served) -> None:
    """What `KNOWN` names is there, unless it has been updated to something that it cannot be."""
    until(lambda: _is_furnished(served), "what is known is there")


def _is_furnished(served: Served) -> bool:
    there = "projects/p/locations/l"
    asked = [
        served.ask("POST", path, json=_body(rpc, "c")).status_code
        for path, rpc in (
            (f"{there}/inputs?inputId=in", "CreateInput"),
            (f"{there}/channels?channelId=c", "CreateChannel"),
            (f"{there}/channels/c/dvrSessions?dvrSessionId=d", "CreateDvrSession"),
            (f"{there}/assets?assetId=a", "CreateAsset"),
        )
    ]
    return 404 not in asked  # a deletion that has been promised was carried out meanwhile


def _body(rpc: str, resource_id: str) -> Any:
    body = dict(BODIES[rpc])
    if "output" in body:
        body["output"] = {"uri": f"gs://bucket/{resource_id}"}
    return body


class Fuzzer:
    """Asks a server whatever its own document allows, and what it does not."""

    def __init__(self, served: Served) -> None:
        self._served = served
        schema = schemathesis.openapi.from_dict(served.ask("GET", "/openapi.json").json())
        operations = [found.ok() for found in schema.get_all_operations()]
        self._operations = {operation.definition.raw["operationId"]: operation for operation in operations}
        self._count = itertools.count()

    def ask(self, rpc: str, *, examples: int, number: int, right: bool) -> None:
        """That many requests of one method. AssertionError, or schemathesis' own failures, with the request as curl."""
        mode = GenerationMode.POSITIVE if right else GenerationMode.NEGATIVE

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(self._operations[rpc].as_strategy(generation_mode=mode), st.randoms())
        def probe(case: Case, dice: random.Random) -> None:
            self._place(case, dice)
            completed = rpc in BODIES and dice.random() < 0.5
            if completed:
                self._complete(rpc, case, dice)
            self._send(case, wrong=_is_wrong(case) and not completed)

        probe()

    def _place(self, case: Case, dice: random.Random) -> None:
        """Half of the requests speak of what is there."""
        if dice.random() < 0.5:
            case.path_parameters |= {name: value for name, value in KNOWN.items() if name in case.path_parameters}

    def _complete(self, rpc: str, case: Case, dice: random.Random) -> None:
        """Half of the resources have all that is needed, and something more."""
        resource_id = f"f{next(self._count)}"
        given = case.body if isinstance(case.body, dict) else {}
        case.body = {**_body(rpc, resource_id), **{key: given[key] for key in given if dice.random() < 0.3}}
        case.media_type = "application/json"
        name = rpc.removeprefix("Create")
        case.query = {f"{name[0].lower()}{name[1:]}Id": resource_id}

    def _send(self, case: Case, *, wrong: bool) -> None:
        answer = case.call(base_url=self._served.url, timeout=20, session=self._served.http)
        said = f"{answer.status_code} {answer.text[:500]}\n{case.as_curl_command()[:3000]}"
        assert answer.status_code < 500 or answer.status_code == 501, said
        sent = parse_qs(urlsplit(str(answer.request.url)).query, keep_blank_values=True)
        wrong = wrong and sent.keys() >= (case.query or {}).keys()  # an empty list, say, is not sent at all
        assert answer.status_code >= 400 or not wrong, f"{case.meta.phase.data.description}: {said}"
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error"}, said
        case.validate_response(answer, checks=CHECKS)


def _is_wrong(case: Case) -> bool:
    """Whether body or query break the document (what a path says wrong is put right in half of the requests)."""
    made = case.meta.phase.data if case.meta is not None else None
    return getattr(made, "parameter_location", None) in (ParameterLocation.BODY, ParameterLocation.QUERY)


@contextmanager
def tracebacks() -> Iterator[list[str]]:
    """What the server's log has of defects meanwhile."""
    found: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(
                f"{record.name}: {record.getMessage()}\n{logging.Formatter().formatException(record.exc_info)}"
                if record.exc_info
                else f"{record.name}: {record.getMessage()}"
            )

    listening = Listening(logging.ERROR)
    logging.getLogger().addHandler(listening)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(listening)


def main() -> None:
    """Until the time is over, every method with another seed each round; the first finding ends it."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz-api", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round (the time of day)")
    asked = parser.parse_args()
    end = time.monotonic() + asked.minutes * 60
    with (
        tempfile.TemporaryDirectory(prefix="livedvr-fuzz-") as folder,
        serving(Path(folder) / "state") as served,
        tracebacks() as found,
    ):
        fuzzer = Fuzzer(served)
        for number in itertools.count(asked.seed):
            for right, method in itertools.product((True, False), METHODS):
                if time.monotonic() > end:
                    return
                print(f"seed {number}: {method.rpc}", flush=True)
                furnish(served)
                fuzzer.ask(method.rpc, examples=40, number=number, right=right)
                if found:
                    sys.exit("\n".join(found))


if __name__ == "__main__":
    main()

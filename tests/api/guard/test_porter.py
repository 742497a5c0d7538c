from __future__ import annotations

from pathlib import Path

import pytest

from builders import FakeClock
from livedvr.api.guard.porter import Porter
from livedvr.api.guard.rates import READS, STRANGERS, WRITES
from livedvr.resources.errors import InvalidArgument, PermissionDenied, ResourceExhausted
from livedvr.resources.times import SECOND

READER, WRITER = "reader-0123456789abcdef", "writer-0123456789abcdef"
PEER = "192.0.2.7"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.touch(0o600)
    path.write_text(f"{READER} read player\n{WRITER} write studio\n")
    return path


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_without_a_file_everybody_may() -> None:
    porter = Porter(None, FakeClock())
    for _ in range(10 * READS.burst):
        assert porter.admit(bearer("a.self-signed.jwt"), PEER, reads=False) == PEER


def test_tokens_and_scopes(tokens: Path) -> None:
    porter = Porter(tokens, FakeClock())
    assert porter.admit(bearer(WRITER), PEER, reads=False) == "studio"
    assert porter.admit({"authorization": f"bearer  {READER}"}, PEER, reads=True) == "player"
    assert porter.admit({"x-goog-api-key": WRITER}, PEER, reads=False) == "studio"
    with pytest.raises(PermissionDenied, match="'player' has the scope read, this needs write"):
        porter.admit(bearer(READER), PEER, reads=False)


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({}, "a token is needed"),
        ({"authorization": f"Basic {WRITER}"}, "a token is needed"),
        ({"authorization": WRITER}, "a token is needed"),
        ({"authorization": "Bearer a.self-signed.jwt"}, "not known here"),
        ({"x-goog-api-key": "wrong"}, "not known here"),
    ],
)
def test_without_the_right_one(tokens: Path, headers: dict[str, str], what: str) -> None:
    with pytest.raises(PermissionDenied, match=what) as caught:
        Porter(tokens, FakeClock()).admit(headers, PEER, reads=True)
    assert caught.value.field == "authorization"


def test_rates_are_by_name_and_those_of_strangers_by_address(tokens: Path) -> None:
    clock = FakeClock()
    porter = Porter(tokens, clock)
    for _ in range(STRANGERS.burst):
        with pytest.raises(PermissionDenied):
            porter.admit({}, PEER, reads=True)
    with pytest.raises(ResourceExhausted):
        porter.admit({}, PEER, reads=True)
    with pytest.raises(PermissionDenied):
        porter.admit({}, "192.0.2.8", reads=True)
    for _ in range(WRITES.burst):
        porter.admit(bearer(WRITER), PEER, reads=False)
    with pytest.raises(ResourceExhausted):
        porter.admit(bearer(WRITER), PEER, reads=False)
    porter.admit(bearer(WRITER), PEER, reads=True)  # it may still look
    clock.advance(SECOND)
    porter.admit(bearer(WRITER), PEER, reads=False)


def test_reloading(tokens: Path) -> None:
    porter = Porter(tokens, FakeClock())
    tokens.write_text("nonsense\n")
    with pytest.raises(InvalidArgument):
        porter.reload()
    assert porter.admit(bearer(READER), PEER, reads=True) == "player"
    tokens.write_text(f"{WRITER} read new\n")
    porter.reload()
    assert porter.admit(bearer(WRITER), PEER, reads=True) == "new"
    with pytest.raises(PermissionDenied):
        porter.admit(bearer(READER), PEER, reads=True)

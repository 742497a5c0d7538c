from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.api.guard.tokens import Client, Tokens, read_tokens
from livedvr.resources.errors import InvalidArgument

READER, WRITER = "reader-0123456789abcdef", "writer/0123456789+abc=="


def token_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "tokens"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_who_has_which_token(tmp_path: Path) -> None:
    tokens = read_tokens(token_file(tmp_path, f"# people\n\n{READER} read\n  {WRITER}\twrite  studio # the truck\n"))
    assert tokens.find(READER) == Client("line-3", writes=False)
    assert tokens.find(WRITER) == Client("studio", writes=True)
    assert tokens.find(READER[:-1]) is None
    assert tokens.find("") is None


def test_tokens_are_not_kept(tmp_path: Path) -> None:
    tokens = read_tokens(token_file(tmp_path, f"{READER} read\n"))
    assert READER not in repr(vars(tokens))


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (f"{READER}\n", ":1", "TOKEN SCOPE"),
        (f"\n{READER} admin\n", ":2", "TOKEN SCOPE"),
        (f"{READER} read a b\n", ":1", "TOKEN SCOPE"),
        ("short read\n", ":1", "16 or more"),
        (f"{READER}%% read\n", ":1", "letters, digits"),
        (f"{READER} read a/b\n", ":1", "a name is"),
        (f"{READER} read\n{READER} write\n", ":2", "twice"),
        (f"{READER} read x\n{WRITER} write x\n", ":2", "another token is called 'x'"),
        ("# nothing\n", "--token-file", "no token"),
        ("\xfc", "--token-file", "ASCII"),
    ],
)
def test_a_wrong_file_is_refused_without_showing_a_token(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(InvalidArgument, match=what) as caught:
        read_tokens(token_file(tmp_path, text))
    assert where in (caught.value.field or "")
    assert READER not in str(caught.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_file_that_everybody_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(InvalidArgument, match="everybody on this machine") as caught:
        read_tokens(token_file(tmp_path, f"{READER} read\n", mode))
    assert "chmod 600" in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="No such file"):
        read_tokens(tmp_path / "none")
    with pytest.raises(InvalidArgument, match="no file of tokens"):
        read_tokens(tmp_path)


@given(st.text(max_size=60))
def test_no_text_is_a_client(text: str) -> None:
    assert _TOKENS.find(text) is None


_TOKENS = Tokens({hashlib.sha256(READER.encode()).digest(): Client("a", writes=True)})

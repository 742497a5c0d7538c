"""Object names: what is refused, and that an accepted one is a path below the root and no other's."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livedvr.resources.errors import InvalidArgument
from livedvr.storage.base import check_name


def accepted(name: str) -> bool:
    try:
        return check_name(name) == name
    except InvalidArgument:
        return False


@pytest.mark.parametrize(
    "name", ["", "/a", "a//b", "a/", ".", "..", "a/..", "../a", "a\\b", "a\x00b", "a\rb", "a\nb", "a\x1f", "a\x7f"]
)
def test_what_is_refused_says_the_name(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_name(name)
    assert repr(name) in caught.value.message


@pytest.mark.parametrize(
    "name",
    ["a", "main.m3u8", "av/20260101T000000Z-k3f9/segment-000000.m4s", "dvr/my-session/av/index-1.m3u8", "ü b/c..d"],
)
def test_names_that_are_used(name: str) -> None:
    assert check_name(name) == name


@given(st.text(st.sampled_from("ab.\\/-_ \x00\n\x7fé€\U0001f600"), max_size=8))
@example("a/./b")
@example("a/../../b")
def test_an_accepted_name_is_a_path_of_its_own_below_the_root(name: str) -> None:
    if accepted(name):
        path = PurePosixPath("/root", name)
        assert path.is_relative_to("/root")
        assert ".." not in path.parts
        assert str(path) == f"/root/{name}", "one name, one path"
        assert not any(ord(char) < 32 or char in "\\\x7f" for char in name)


@given(st.lists(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}", fullmatch=True), min_size=1, max_size=6))
def test_plain_parts_are_accepted(names: list[str]) -> None:
    assert accepted("/".join(names))

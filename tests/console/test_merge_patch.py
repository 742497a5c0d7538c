from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from livedvr.console.merge_patch import diff

_LEAVES = st.sampled_from([False, 0, 1, "", "x", [], [1, None]])
_STATES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(_LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8),
    max_size=3,
)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, as it is written there."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


@given(_STATES, _STATES)
def test_the_patch_leads_from_one_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert merge_patch(old, diff(old, new)) == new


@given(_STATES)
def test_nothing_is_told_of_what_stays(state: dict[str, Any]) -> None:
    assert diff(state, state) == {}


def test_what_changes_is_all_that_is_told() -> None:
    old = {"a": {"end": 1, "start": 0}, "b": {"x": [1]}}
    assert diff(old, {"a": {"end": 2, "start": 0}}) == {"a": {"end": 2}, "b": None}

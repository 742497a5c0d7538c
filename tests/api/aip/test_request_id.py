from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.api.aip.request_id import check_request_id
from livedvr.resources.errors import InvalidArgument


@given(st.uuids())
def test_any_uuid_names_a_request(name: uuid.UUID) -> None:
    check_request_id(str(name))
    check_request_id(str(name).upper())


def test_none_is_needed() -> None:
    check_request_id("")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("00000000-0000-0000-0000-000000000000", "the zero UUID names no request"),
        ("1", "it is no UUID"),
        ("6f1ed002ab7b4a5c8f3d3c1a2b3c4d5e", "it is no UUID"),
        ("{6f1ed002-ab7b-4a5c-8f3d-3c1a2b3c4d5e}", "it is no UUID"),
        ("6f1ed002-ab7b-4a5c-8f3d-3c1a2b3c4d5e\n", "it is no UUID"),
    ],
)
def test_others_are_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        check_request_id(text)
    assert refused.value.field == "request_id"

"""`Resource`: what all resources have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from livedvr.resources.errors import InvalidArgument


class Resource(BaseModel):
    """Base of all resources. A bad value raises InvalidArgument that names the field."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,  # a traceback shows what was wrong, not a key that stood beside it
    )

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or type(self).__name__
            raise InvalidArgument(first["msg"].removeprefix("Value error, "), field=field) from error

"""The vocabulary: frozen values that know no clock, file or network."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Base of every value: immutable, refuses unknown fields, sequences are tuples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

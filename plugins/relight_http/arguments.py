"""What a request takes and gives."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from relight.sdk import Arguments, Duration, Result, Secret, SecretOrText

Scalar: TypeAlias = str | int | float | bool


class HttpConfig(Arguments):
    """What a site says about one server."""

    base_url: Annotated[
        str, Field(description="What relative addresses begin with; absolute ones must lie on the same server")
    ] = ""
    headers: Annotated[
        dict[str, SecretOrText], Field(description="Sent with every request; a value may be a secret reference")
    ] = {}
    timeout: Annotated[Duration, Field(description="Longest wait for a whole answer")] = 10.0
    verify: Annotated[
        bool | str, Field(description="Whether certificates must hold, or the file of those that are trusted")
    ] = True

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("an address starts with http:// or https://")
        return value

    @model_validator(mode="after")
    def _headers_have_a_place(self) -> "HttpConfig":
        # A token that is sent wherever a runbook points is a token that is given away.
        if self.headers and not self.base_url:
            raise ValueError("headers are sent to base_url and nowhere else, so say base_url too")
        return self


class GetArgs(Arguments):
    """What is asked."""

    url: Annotated[
        str, Field(description="The address; with a base_url, what follows it; in a fan-out {target} in it is the host")
    ]
    query: Annotated[
        dict[str, Scalar | list[Scalar]], Field(description="Parameters, encoded and put behind the address")
    ] = {}
    headers: Annotated[
        dict[str, SecretOrText], Field(description="Sent with it; a value may be a secret reference")
    ] = {}
    secret_headers: Annotated[
        dict[str, Secret], Field(description="Sent with it: env:NAME, file:PATH, keyring:SERVICE/NAME")
    ] = {}
    expect_status: Annotated[list[int], Field(description="Statuses that are an answer; none: any of 200 to 299")] = []
    timeout: Annotated[Duration | None, Field(description="Longest wait for the answer; none: the provider's")] = None


class RequestArgs(GetArgs):
    """What is sent."""

    method: Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], Field(description="The method")]
    body: Annotated[Any, Field(description="A text is sent as it is, anything else as JSON")] = None
    idempotent: Annotated[bool, Field(description="Whether sending it again is harmless")] = False


class RequestResult(Result):
    """What was answered."""

    status: Annotated[int, Field(description="The HTTP status")]
    headers: Annotated[dict[str, str], Field(description="Some of its headers, by lower-case name")] = {}
    body: Annotated[Any, Field(description="The answer: parsed where it is JSON, else text, capped")] = None
    seconds: Annotated[float, Field(description="How long it took")] = 0.0
    truncated: Annotated[bool, Field(description="Whether some of the body was left out")] = False

"""The result of what gives none."""

from relight.sdk.plugin import Result


class Done(Result):
    """Nothing more to say than that it was done."""

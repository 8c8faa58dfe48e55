"""As much HTTP/1.1 as the parts of the practice site need to talk to each other, and no more.

Only bodies with a Content-Length, only kept-alive connections, only loopback.
"""

from relight_practice.wire.client import Client, Reply, Unreachable
from relight_practice.wire.fields import BadRequest, Fields
from relight_practice.wire.server import Request, Response, Server, json_response

__all__ = ["BadRequest", "Client", "Fields", "Reply", "Request", "Response", "Server", "Unreachable", "json_response"]

"""What a channel or a thread of our own Slack has said, a page at a time, as its Web API gives it."""

from collections.abc import Mapping
from typing import Any

PAGE, PAGE_MAX = 100, 999
Messages = Mapping[tuple[str, str], Mapping[str, Any]]


def history(messages: Messages, channel: str, args: Mapping[str, Any], *, by: str) -> dict[str, Any]:
    """Return what stands in a channel, threads left out, the newest first.

    Args:
        by: Who wrote it, as Slack calls them.
    """
    found = [each for each in _in(messages, channel, args, by) if "thread_ts" not in each]
    return _page(found[::-1], args)


def replies(messages: Messages, channel: str, args: Mapping[str, Any], *, by: str) -> dict[str, Any] | None:
    """Return a thread, its first message included, the oldest first; None where there is no such message."""
    if (channel, args["ts"]) not in messages:
        return None
    every = _in(messages, channel, args, by)
    return _page([each for each in every if args["ts"] in (each["ts"], each.get("thread_ts"))], args)


def _in(messages: Messages, channel: str, args: Mapping[str, Any], by: str) -> list[dict[str, Any]]:
    oldest = float(args.get("oldest", 0))
    tells_all = str(args.get("include_all_metadata", "")).lower() in ("1", "true")
    shows = ["text", "blocks", "thread_ts", *(["metadata"] if tells_all else [])]
    return [
        {"type": "message", "user": by, "ts": ts, **{name: sent[name] for name in shows if sent.get(name)}}
        for (room, ts), sent in sorted(messages.items())
        if room == channel and float(ts) > oldest
    ]


def _page(found: list[dict[str, Any]], args: Mapping[str, Any]) -> dict[str, Any]:
    begin, size = int(args.get("cursor") or 0), min(PAGE_MAX, int(args.get("limit", PAGE)))
    end = begin + size
    more = {"next_cursor": str(end)} if end < len(found) else {"next_cursor": ""}
    return {"messages": found[begin:end], "has_more": end < len(found), "response_metadata": more}

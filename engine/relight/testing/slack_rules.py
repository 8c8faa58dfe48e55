"""What Slack takes of an app, by its own reference, and what people see of it: for the Slack of our tests."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TEXT_MAX, BLOCKS_MAX, BLOCKS_CHARS_MAX = 4_000, 50, 13_200
METADATA_BYTES_MAX = 16_000
VIEW_BLOCKS_MAX, METADATA_MAX, SECTION_MAX = 100, 3_000, 3_000
MARKUP = re.compile(r"<[^>]*>")
_INLINE = {"text", "date"}
"""What our messages are made of: neither links, nor users, nor broadcasts."""


def breaches(sent: Mapping[str, Any]) -> list[str]:
    """Return what of a message or a view Slack would not take, or what would mean something that it must not."""
    return list(_breaches(sent))


def seen_text(sent: Mapping[str, Any]) -> str:
    """Return what people read of a message, a line each; buttons in brackets."""
    lines = []
    for block in sent.get("blocks") or ():
        if block["type"] == "rich_text":
            lines += ["".join(_inline(each) for each in section["elements"]) for section in block["elements"]]
        elif block["type"] == "actions":
            lines.append("  ".join(f"[{each['text']['text']}]" for each in block["elements"]))
        elif block["type"] == "section":
            lines.append(block["text"]["text"])
    return "\n".join(lines)


def _inline(element: Mapping[str, Any]) -> str:
    return str(element["fallback"] if element["type"] == "date" else element["text"])


def _breaches(sent: Mapping[str, Any]) -> Iterator[str]:
    text = sent.get("text", "")
    if isinstance(text, str):
        if len(text) > TEXT_MAX:
            yield f"text of {len(text)} characters"
        if MARKUP.search(text) or re.search(r"@(here|channel|everyone)", text):
            yield f"mark-up in the notice: {text[:80]}"
    yield from _metadata(sent.get("metadata"))
    blocks = sent.get("blocks") or []
    is_view = sent.get("type") == "modal"
    if len(blocks) > (VIEW_BLOCKS_MAX if is_view else BLOCKS_MAX):
        yield f"{len(blocks)} blocks"
    if len(str(blocks)) > 4 * BLOCKS_CHARS_MAX or sum(map(len, _texts(blocks))) > BLOCKS_CHARS_MAX:
        yield "the blocks are too long"
    for block in blocks:
        yield from _BLOCKS.get(block["type"], _strange)(block)
    if is_view:
        yield from _view(sent)


def _metadata(metadata: Any) -> Iterator[str]:
    if metadata is None:
        return
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not re.fullmatch(r"\w{1,255}", kind) or not isinstance(payload, Mapping):
        yield f"metadata without a type and a payload: {metadata}"
    elif len(str(payload)) > METADATA_BYTES_MAX:
        yield "the metadata is too large"


def _view(view: Mapping[str, Any]) -> Iterator[str]:
    if len(view["title"]["text"]) > 24:
        yield "a title of more than 24 characters"
    if len(view.get("private_metadata", "")) > METADATA_MAX:
        yield "private_metadata is too long"
    if any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
        yield "inputs without a button to send them"
    if not view["blocks"]:
        yield "a view without blocks"
    names = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if len(names) != len(set(names)):
        yield "two inputs of one name"


def _rich_text(block: Mapping[str, Any]) -> Iterator[str]:
    for section in block["elements"]:
        if section["type"] not in ("rich_text_section", "rich_text_preformatted") or not section["elements"]:
            yield f"a strange section: {section}"
        for element in section["elements"]:
            if element["type"] not in _INLINE:
                yield f"{element['type']} in a message"
            if element["type"] == "text" and (not element["text"] or not _is_clean(element["text"], section)):
                yield f"empty text, or signs that do something: {element['text'][:40]!r}"


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    names = [element["action_id"] for element in block["elements"]]
    if not names or len(names) != len(set(names)) or len(names) > 25:
        yield f"actions {names}"
    for element in block["elements"]:
        if len(element["text"]["text"]) > 75 or len(element["value"]) > 2_000 or len(element["action_id"]) > 255:
            yield f"a button that is too long: {element}"


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if block["text"]["type"] != "plain_text" or not 0 < len(block["text"]["text"]) <= SECTION_MAX:
        yield f"a section of {block['text']['type']}, {len(block['text']['text'])} characters"


def _input(block: Mapping[str, Any]) -> Iterator[str]:
    element = block["element"]
    if not 0 < len(block["label"]["text"]) <= 2_000 or not 0 < len(block["block_id"]) <= 255:
        yield f"a label of {len(block['label']['text'])} characters"
    if element["type"] == "static_select":
        options = element["options"]
        if not 0 < len(options) <= 100:
            yield f"{len(options)} options"
        if any(len(option["text"]["text"]) > 75 or len(option["value"]) > 150 for option in options):
            yield "an option that is too long"
        if element.get("initial_option") not in [None, *options]:
            yield "the first choice is none of the options"
    elif element["type"] not in ("plain_text_input", "number_input"):
        yield f"an input of {element['type']}"
    if element["type"] == "number_input" and not re.fullmatch(r"-?[0-9.]*", element.get("initial_value", "")):
        yield f"a number {element['initial_value']!r}"


def _strange(block: Mapping[str, Any]) -> Iterator[str]:
    yield f"a block of {block['type']}"


_BLOCKS = {"rich_text": _rich_text, "actions": _actions, "section": _section, "input": _input}


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for name, item in tree.items():
            if name == "text" and isinstance(item, str):
                yield item
            else:
                yield from _texts(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _texts(item)


def _is_clean(text: str, section: Mapping[str, Any]) -> bool:
    breaks = "\n" if section["type"] == "rich_text_preformatted" else ""
    return all(sign.isprintable() or sign in breaks for sign in text)

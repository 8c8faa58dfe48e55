"""Messages and forms as Slack's blocks.

Text from outside goes into ``text`` elements of rich text and ``plain_text`` objects alone: Slack reads no mark-up, no
link and no mention out of those. Only the line for notifications is mark-up, and there it is escaped.
"""

import json
from collections.abc import Mapping
from typing import Any

from relight.chat.channel import ROWS_MAX, Code, Field, Form, Message, Time, Word, Words, clean, said

PREFIX = "relight:"
BLOCK_CHARS_MAX = 9_000
"""Of all rich text in one message; Slack takes 13,000 and says nothing useful about more."""
PIECE_CHARS_MAX = 2_900
LABEL_MAX, TITLE_MAX, OPTION_MAX, VALUE_MAX, HINT_MAX = 75, 24, 75, 150, 150
OPTIONS_MAX = 100
STATE_CHARS_MAX = 2_900
NOTICE_MAX = 300


def blocks(message: Message) -> list[dict[str, Any]]:
    """Return a message as blocks."""
    left = BLOCK_CHARS_MAX
    lines: list[dict[str, Any]] = []
    if message.head or message.aside:
        elements = [_text(message.head, bold=True)] if message.head else []
        elements += [_text("   "), *_words(message.aside)] if message.aside else []
        lines.append(_section(elements))
    for row in message.rows[:ROWS_MAX]:
        elements = [_text(f"{row.label}  ", bold=True)] if row.label else []
        elements += _words(row.words)
        left -= sum(len(str(element.get("text", ""))) for element in elements)
        if left < 0:
            lines.append(_section([_text("..")]))
            break
        lines.append(_section(elements))
    found: list[dict[str, Any]] = [{"type": "rich_text", "elements": lines or [_section([_text(" ")])]}]
    if message.buttons:
        found.append({"type": "actions", "elements": [_button(each) for each in message.buttons]})
    return found


def notice(message: Message) -> str:
    """Return what a phone shows on its locked screen: mark-up, so it is escaped."""
    words = [message.head or said(message.rows[0].words if message.rows else ()), said(message.aside)]
    return escaped("  ".join(word for word in words if word)[:NOTICE_MAX])


def whispered(words: Words) -> tuple[str, list[dict[str, Any]]]:
    """Return words for one person, as a notice and as blocks."""
    sections = []
    line: list[Word] = []
    for word in words:
        if isinstance(word, Time | Code):
            line.append(word)
            continue
        first, *more = word.split("\n")
        line.append(first)
        for each in more:
            sections.append(_section(_words(tuple(line))))
            line = [each]
    sections.append(_section(_words(tuple(line))))
    return escaped(said(words)[:NOTICE_MAX]), [{"type": "rich_text", "elements": sections[: 2 * ROWS_MAX]}]


def escaped(text: str) -> str:
    """Return text that means nothing in Slack's mark-up."""
    safe = _flat(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Old clients complete a bare @here by themselves; a sign of no width keeps them from it.
    return safe.replace("@", "@\u200b")


def view(form: Form, room: str) -> dict[str, Any]:
    """Return a form as a view; it carries its room and its state along.

    Raises:
        ValueError: it carries more than Slack keeps.
    """
    carried = json.dumps({"room": room, "state": dict(form.state)}, separators=(",", ":"), ensure_ascii=False)
    if len(carried) > STATE_CHARS_MAX:
        raise ValueError("a form carries too much")
    found: dict[str, Any] = {
        "type": "modal",
        "callback_id": f"{PREFIX}{form.name}",
        "title": _plain(form.title, TITLE_MAX),
        "close": _plain("Cancel" if form.send else "Close", TITLE_MAX),
        "private_metadata": carried,
        "blocks": [
            *(_passage(text) for text in form.texts if text),
            *(_field(field) for field in form.fields),
        ],
    }
    if form.send:
        found["submit"] = _plain(form.send, TITLE_MAX)
    return found


def _passage(text: str | Code) -> dict[str, Any]:
    if isinstance(text, str):
        return {"type": "section", "text": _plain(text, PIECE_CHARS_MAX)}
    # As it stands, in a face whose letters are all as wide: its columns stay below each other.
    lines = {"type": "text", "text": clean(text.text[:PIECE_CHARS_MAX]) or " "}
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [lines]}]}


def _field(field: Field) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "input",
        "block_id": field.id,
        "label": _plain(field.label, LABEL_MAX),
        "element": {"action_id": "it", **_element(field)},
        "optional": not field.needed,
    }
    if field.hint:
        block["hint"] = _plain(field.hint, HINT_MAX)
    return block


def _element(field: Field) -> dict[str, Any]:
    match field.kind:
        case "integer" | "number":
            found: dict[str, Any] = {"type": "number_input", "is_decimal_allowed": field.kind == "number"}
            if field.default:
                found["initial_value"] = field.default
            if field.minimum is not None:
                found["min_value"] = f"{field.minimum:g}"
            if field.maximum is not None:
                found["max_value"] = f"{field.maximum:g}"
            return found
        case "boolean" | "choice":
            given = ("true", "false") if field.kind == "boolean" else field.choices[:OPTIONS_MAX]
            options = [_option(choice) for choice in given if len(choice) <= VALUE_MAX]
            found = {"type": "static_select", "options": options}
            if field.default in given:
                found["initial_option"] = _option(field.default)
            return found
        case _:
            found = {"type": "plain_text_input", "multiline": field.long, "max_length": 2_000 if field.long else 1_000}
            if field.default:
                found["initial_value"] = clean(field.default)[:1_000]
            return found


def _option(text: str) -> dict[str, Any]:
    return {"text": _plain(text, OPTION_MAX), "value": text}


def _button(button: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "button",
        "action_id": f"{PREFIX}{button.action}",
        "text": _plain(button.label, LABEL_MAX),
        "value": button.value,
    }
    style: Mapping[str, str] = {"go": "primary", "stop": "danger"}
    if button.style:
        found["style"] = style[button.style]
    return found


def _section(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": elements or [_text(" ")]}


def _words(words: Words) -> list[dict[str, Any]]:
    return [_word(word) for word in words if word != ""]


def _word(word: Word) -> dict[str, Any]:
    if isinstance(word, Time):
        fallback = said((word,))
        return {"type": "date", "timestamp": word.at_ms // 1_000, "format": "{time_secs}", "fallback": fallback}
    if isinstance(word, Code):
        return {"type": "text", "text": _flat(word.text), "style": {"code": True}}
    return _text(word)


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "text", "text": _flat(text)}
    return {**found, "style": {"bold": True}} if bold else found


def _plain(text: str, most: int) -> dict[str, Any]:
    short = text if len(text) <= most else text[: most - 2] + ".."
    return {"type": "plain_text", "text": clean(short) or " ", "emoji": False}


def _flat(text: str) -> str:
    return clean(text).replace("\n", " ") or " "

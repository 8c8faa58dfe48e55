"""A program that prints its secret in every form and in pieces gives nothing away (the canary of every test run)."""

import base64
import json
import re
import sys
from pathlib import Path

import pytest

from relight.sdk import Failed, Secrets
from relight.testing.calling import call_for
from relight_shell import plugin
from relight_shell.commands import Run

PRINTS = r"""
import base64, json, os, shlex, sys, time, urllib.parse
value = os.environ["CANARY"]
raw = value.encode()
forms = [
    raw, json.dumps({"v": value}).encode(), shlex.quote(value).encode(), urllib.parse.quote(value).encode(),
    raw.hex().encode(), raw.hex().upper().encode(), value.encode("utf-16-le"), value.encode("utf-16-be"),
    base64.b64encode(raw), base64.b64encode(b"x" + raw), base64.b64encode(b"xy" + raw), base64.encodebytes(raw * 3),
    repr(raw).encode(), f"postgresql://user:{value}@host/db".encode(), "".join(f"%{b:02x}" for b in raw).encode(),
]
width = int(sys.argv[1])
for form in forms:
    for stream in (1, 2):
        for start in range(0, len(form), width):
            os.write(stream, form[start:start + width])
        os.write(stream, b"\n")
sys.exit(int(sys.argv[2]))
"""


def decodings(text: str, value: str) -> list[str]:
    """Return the ways in which *value* can be had out of *text*."""
    found = [name for name, form in (("plain", value), ("hex", value.encode().hex())) if form in text.lower()]
    wide = text.replace("\0", "")
    found += ["wide"] if value in wide else []
    for piece in re.findall(r"[A-Za-z0-9+/]{8,}", text):
        for skip in range(4):
            part = piece[skip:]
            if value.encode() in base64.b64decode(part[: len(part) // 4 * 4]):
                found.append("base64")
    return found


@pytest.mark.parametrize("width", [1_000_000, 7, 1])
async def test_nothing_that_is_kept_gives_the_canary_away(width: int, canary: str, tmp_path: Path) -> None:
    """Neither the result, nor the failure, nor the progress; and a journal on disk would not either."""
    secrets, progress = Secrets(), list[str]()
    run = Run(plugin.provider("shell", plugin.provider.Config(), secrets))
    kept = []
    for code in ("0", "3"):
        args = {
            "argv": [sys.executable, "-c", PRINTS, str(width), code],
            "secret_env": {"CANARY": "env:RELIGHT_TEST_CANARY"},
        }
        call = call_for(Run.contract, args, secrets=secrets, progress=progress.append)
        try:
            kept.append((await run.perform(call)).model_dump_json())
        except Failed as failed:
            kept.append(str(failed))
    text = json.dumps([kept, progress], ensure_ascii=False)
    (tmp_path / "journal").write_text(text)
    assert "[secret]" in text
    assert decodings(text, canary) == []

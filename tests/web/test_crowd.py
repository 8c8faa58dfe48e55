"""A thousand people look at one run's page: it goes on as if nobody looked, and each of them sees what happens."""

from __future__ import annotations

import asyncio
import json
import resource
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from relight.control.wording import from_instant
from relight.testing.browser import Browser

if TYPE_CHECKING:
    from tests.web.conftest import Lab, Serve

VIEWERS, STEPS = 1_000, 20
FILES = 2 * VIEWERS
WITHIN_S = 120
SLOWER_MAX = 3.0
"""By how much a run may take longer with a crowd than without; a shared machine does worse by itself than we do."""
RUNBOOK = """\
runbook: stairs
schema: relight/v1
title: Many short steps
stages:
  - id: stairs
    gate: {{title: Go up?, approval: {{roles: [boss], allow_self_approval: true}}}}
    steps:
{steps}
"""
STEP = "      - {{id: step_{number}, action: shell.run, with: {{argv: [sleep, '0.1']}}}}"


class Viewer:
    """One open page: what it was told of so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._said = b""
        self.is_over = False

    async def until(self, words: bytes) -> None:
        """Read on until these words were said."""
        while words not in self._said:
            chunk = await self._reader.read(262_144)
            assert chunk, f"the stream ended without {words!r}"
            # As much of what was before as the words may begin in.
            self._said = self._said[-len(words) :] + chunk

    async def to_the_end(self) -> None:
        """Read on until the run is over."""
        await self.until(b"event: end")
        self.is_over = True

    def close(self) -> None:
        """Go away."""
        self._writer.close()


async def look(url: str, path: str, cookie: str) -> Viewer:
    """Return somebody who looks at the page of that run."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 20)
    writer.write(f"GET {path}/live HTTP/1.1\r\nhost: {place.netloc}\r\ncookie: {cookie}\r\n\r\n".encode())
    return Viewer(reader, writer)


def climbed(serve: Serve, secret: str, run: str) -> int:
    """Approve the gate and return how many milliseconds the steps took, by the run's own facts."""
    api = serve.client(secret)
    assert api.post(f"/runs/{run}/approve", api.gate(run)).status == 200
    api.until(run, lambda document: document["ended_at"])
    told: list[dict[str, Any]] = api.get(f"/runs/{run}/log").body["records"]
    at = {each["kind"]: from_instant(each["at"]) or 0 for each in told if each["kind"] in ("gate_opened", "run_ended")}
    return at["run_ended"] - at["gate_opened"]


@pytest.mark.bench
@pytest.mark.timeout(300)
def test_a_thousand_viewers_of_one_run(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is told of the approval and of the end, and the run's steps take about as long as without them."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most[1] < FILES:
        pytest.skip(f"this machine lets nobody open {FILES} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(most[0], FILES), most[1]))
    steps = "\n".join(STEP.format(number=number) for number in range(STEPS))
    (lab.folder / "stairs.runbook.yaml").write_text(RUNBOOK.format(steps=steps))
    site = lab.folder / "lab.site.yaml"
    document = json.loads(site.read_text())
    document["published"]["stairs"] = {"runbook": "stairs.runbook.yaml"}
    site.write_text(json.dumps(document))
    serve = lab.serve()
    api = serve.client(lab.secrets["ana"])
    alone = max(climbed(serve, lab.secrets["ana"], api.start("stairs")) for _ in range(3))
    cookies = []
    for name in ("ana", "bo", "cy"):
        browser = Browser(serve.url)
        assert browser.sign_in(lab.secrets[name]).status == 200
        cookies.append("; ".join(f"{key}={value}" for key, value in browser.cookies.items()))
    run = api.start("stairs")
    api.gate(run)

    async def crowd() -> int:
        viewers = [await look(serve.url, f"/runs/{run}", cookies[n % len(cookies)]) for n in range(VIEWERS)]
        try:
            await asyncio.gather(*(viewer.until(b"event: parts") for viewer in viewers))
            climbing = asyncio.create_task(asyncio.to_thread(climbed, serve, lab.secrets["ana"], run))
            await asyncio.gather(*(viewer.until(b"ana approved") for viewer in viewers))
            await asyncio.gather(*(viewer.to_the_end() for viewer in viewers))
            assert all(viewer.is_over for viewer in viewers)
            return await climbing
        finally:
            for viewer in viewers:
                viewer.close()

    with_crowd = asyncio.run(asyncio.wait_for(crowd(), WITHIN_S))
    with capsys.disabled():
        print(f"\n{STEPS} steps: {alone} ms alone, {with_crowd} ms before {VIEWERS} viewers")
    assert with_crowd < SLOWER_MAX * alone

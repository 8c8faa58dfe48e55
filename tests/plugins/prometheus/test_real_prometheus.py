"""``metric.query`` against a real Prometheus, and the conformance suite with it."""

import asyncio
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relight.sdk import Secrets
from relight.sdk.capabilities import MetricResult
from relight.testing.calling import call_for
from relight.testing.http_server import http_server, reply
from relight.testing.providers import ProviderConformance
from relight_prometheus import plugin
from relight_prometheus.provider import MetricQuery, PrometheusConfig

pytestmark = pytest.mark.real

CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - {job_name: fake, file_sd_configs: [{files: [TARGETS], refresh_interval: 1s}]}
"""


@pytest.fixture(scope="module")
def prometheus(binary: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run Prometheus on a free port; give its address and the file that names its targets."""
    folder = tmp_path_factory.mktemp("prometheus")
    targets = folder / "targets.json"
    targets.write_text("[]")
    (folder / "prometheus.yml").write_text(CONFIG.replace("TARGETS", str(targets)))
    port = _free_port()
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [
            binary("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/-/ready", process)
        yield f"http://127.0.0.1:{port}", targets
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"Prometheus is not ready (exit code {process.poll()})")


async def query(url: str, promql: str, **config: Any) -> MetricResult:
    """Ask as a driver would."""
    provider = plugin.provider("prom", PrometheusConfig(url=url, **config), Secrets())
    return await MetricQuery(provider).read(call_for(MetricQuery.contract, {"promql": promql}))


async def until(url: str, promql: str, kind: str, within_s: float = 40.0) -> MetricResult:
    """Ask again until the answer is of *kind*."""
    deadline = time.monotonic() + within_s
    while True:
        found = await query(url, promql)
        if found.kind == kind:
            return found
        assert time.monotonic() < deadline, f"still {found}"
        await asyncio.sleep(0.2)


async def test_a_real_server_tells_the_kinds_apart(prometheus: tuple[str, Path]) -> None:
    """Values, 0/0, 1/0, several series, a syntax error, a missing metric, and a target that dies."""
    url, targets = prometheus
    metrics = b'depth 7\nzero 0\nmany{a="1"} 1\nmany{a="2"} 2\nold 3 1000\n'
    plain = {"Content-Type": "text/plain; version=0.0.4"}
    async with http_server(lambda _heard: reply(200, metrics, plain)) as target:
        targets.write_text(f'[{{"targets": ["{target.url[7:]}"]}}]')
        found = await until(url, "depth", "value")
        assert found.value == 7
        assert found.at is not None
        assert abs(time.time() - found.at) < 10
        kinds = {
            promql: (await query(url, promql)).kind
            for promql in (
                "zero / zero",
                "depth / zero",
                "many",
                "sum(many)",
                "sum(",
                "no_such",
                "scalar(depth)",
                "depth[1m]",
            )
        }
        assert kinds == {
            "zero / zero": "nan",
            "depth / zero": "nan",
            "many": "error",
            "sum(many)": "value",
            "sum(": "error",
            "no_such": "empty",
            "scalar(depth)": "value",
            "depth[1m]": "error",
        }
    await until(url, "depth", "empty")


async def test_an_instant_query_hides_the_age_of_a_sample_and_the_plugin_does_not(prometheus: tuple[str, Path]) -> None:
    """A sample with a time of its own, three minutes ago, is shown by the server as of now."""
    url, targets = prometheus
    taken = time.time() - 180

    def scraped(_heard: object) -> bytes:
        return reply(200, f"aged 5 {int(taken * 1000)}\n", {"Content-Type": "text/plain; version=0.0.4"})

    async with http_server(scraped) as target:
        targets.write_text(f'[{{"targets": ["{target.url[7:]}"]}}]')
        found = await until(url, "aged", "value")
        assert found.at == pytest.approx(taken, abs=0.01)
        believed = await query(url, "aged", sample_times=False)
        assert believed.at == pytest.approx(time.time(), abs=5)
        assert (await query(url, "aged", max_age="2m")).kind == "stale"


class TestConformance(ProviderConformance):
    """What every provider does."""

    plugin = plugin
    url = ""

    @pytest.fixture(autouse=True)
    def _server(self, prometheus: tuple[str, Path]) -> None:
        self.url = prometheus[0]

    def config(self) -> dict[str, Any]:
        """Return where the server listens."""
        return {"url": self.url}

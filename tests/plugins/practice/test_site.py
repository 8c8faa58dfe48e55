"""A site of real processes: what can be read and ordered, and that nothing of it survives."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relight_practice import PracticeSite, SiteError, site_document
from relight_practice.__main__ import main
from relight_practice.document import practice_people

if TYPE_CHECKING:
    from tests.plugins.practice.conftest import Watch

pytestmark = [pytest.mark.drill, pytest.mark.timeout(180)]
PARTS = {"api", "control", "edge", "fallback", "node-1", "node-2", "origin", "people", "queue", "store"}


def processes(directory: Path) -> dict[int, str]:
    """Return the processes of the site in *directory*, those that only wait to be buried left out."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            orders = next((word for word in command if word.startswith(b'{"part"')), None)
            if orders is not None and json.loads(orders)["directory"] == str(directory.resolve()):
                found[int(entry.name)] = json.loads(orders)["name"]
    return found


def wait_until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


def raw(site: PracticeSite, method: str, path: str, **headers: str) -> tuple[int, Any]:
    """Send one request with headers of our choice."""
    connection = http.client.HTTPConnection("127.0.0.1", int(site.url.rpartition(":")[2]), timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


def query(site: PracticeSite, promql: str) -> Any:
    """Return the value that the query endpoint gives."""
    path = "/api/v1/query?" + "&".join(["query=" + promql.replace("+", "%2B").replace(" ", "%20")])
    return raw(site, "GET", path)[1]["data"]["result"]


# ---- beginnings and ends


def test_it_starts_whole_and_ends_whole(tmp_path: Path) -> None:
    """Ten processes answer when start returns, and none is left when stop returns."""
    site = PracticeSite(tmp_path)
    site.start()
    try:
        assert set(processes(tmp_path).values()) == PARTS
        assert site.state()["dead"] == []
        assert PracticeSite.attach(tmp_path).url == site.url
        with pytest.raises(SiteError, match=r"runs at http.* already"):
            PracticeSite(tmp_path).start()
    finally:
        site.stop()
    assert processes(tmp_path) == {}
    site.stop()
    with pytest.raises(SiteError, match="no practice site"):
        PracticeSite.attach(tmp_path)


def test_two_that_start_in_one_place_at_once_are_one(tmp_path: Path) -> None:
    """The second is refused before it starts anything, also while the first is still coming up."""
    with ThreadPoolExecutor(2) as pool:
        sites = [PracticeSite(tmp_path), PracticeSite(tmp_path)]
        ends = [pool.submit(site.start).exception for site in sites]
        errors = [error for end in ends if (error := end()) is not None]
    try:
        assert [type(error) for error in errors] == [SiteError]
        assert "already" in str(errors[0])
        assert set(processes(tmp_path).values()) == PARTS
    finally:
        for site in sites:
            site.stop()
    with PracticeSite(tmp_path) as again:  # the lock went with the site that held it
        assert again.state()["dead"] == []


OLD = '{"url": "http://127.0.0.1:1", "pid": 1, "pace": 10}'


@pytest.mark.parametrize("record", ["{}", "[1]", "nonsense", '{"url": "x", "pid": "y", "pace": 1}', OLD])
def test_a_record_that_is_broken_or_old_is_no_site(tmp_path: Path, record: str) -> None:
    """Neither a damaged record nor a number that another process has by now is taken for a site, or stopped."""
    (tmp_path / "site.json").write_text(record)
    with pytest.raises(SiteError, match="start one with `up`"):
        PracticeSite.attach(tmp_path)


def test_a_place_that_can_hold_no_site_is_refused(tmp_path: Path) -> None:
    """One sentence instead of a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SiteError, match="no practice site can be in"):
        PracticeSite(tmp_path / "file/site").start()


def test_it_dies_with_its_control(tmp_path: Path) -> None:
    """A control that is killed takes every part with it, and says so to whoever attaches."""
    site = PracticeSite(tmp_path)
    site.start()
    try:
        control = next(pid for pid, name in processes(tmp_path).items() if name == "control")
        os.kill(control, signal.SIGKILL)
        wait_until(lambda: set(processes(tmp_path)) <= {control})
        with pytest.raises(SiteError, match="has ended"):
            PracticeSite.attach(tmp_path)
    finally:
        site.stop()


def test_it_dies_with_whoever_started_it(tmp_path: Path) -> None:
    """A drill that is killed leaves no process behind."""
    program = (
        "import sys, time; from pathlib import Path; from relight_practice import PracticeSite;"
        "PracticeSite(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    try:
        assert starter.stdout.readline() == b"up\n"
        assert len(processes(tmp_path)) == len(PARTS)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()
    wait_until(lambda: not processes(tmp_path))


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that does not come up ends the others, and the message says where to look."""
    monkeypatch.setattr("relight_practice.site.environment", lambda: {**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(SiteError, match=r"did not come up; see .*control\.log"):
        PracticeSite(tmp_path).start()
    assert processes(tmp_path) == {}


def test_by_hand(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """``up`` leaves it running, ``fault``, ``status`` and ``calm`` find it, and ``down`` ends it."""
    folder = ["--dir", str(tmp_path / "site")]
    assert main(["status", *folder]) == 1
    assert "no practice site" in capfd.readouterr().err
    up = [sys.executable, "-m", "relight_practice", "up", *folder, "--pace", "20"]
    url = subprocess.run(up, check=True, capture_output=True, text=True).stdout.strip()
    try:
        assert main(["fault", *folder, "--kind", "surge"]) == 0
        assert main(["up", *folder]) == 1
        assert url in capfd.readouterr().err
        assert main(["status", *folder]) == 0
        shown = capfd.readouterr().out
        assert url in shown
        assert "pace 20" in shown
        assert "node-1 (40), node-2 (40)" in shown
        assert main(["calm", *folder]) == 0
    finally:
        assert main(["down", *folder]) == 0
    assert processes(tmp_path / "site") == {}
    assert main(["down", *folder]) == 1


@pytest.mark.parametrize("pace", [0.5, 61])
def test_a_pace_has_bounds(tmp_path: Path, pace: float) -> None:
    """Nobody waits for a slower one, and a faster one measures nothing."""
    with pytest.raises(SiteError, match="pace must be"):
        PracticeSite(tmp_path, pace=pace)


# ---- a calm site


def test_a_calm_site_is_well(site: PracticeSite, watch: type[Watch]) -> None:
    """Nobody is locked out, nothing fails, the caches are warm and everybody is admitted."""
    watch(site).until(
        lambda f: (
            f["edge_5xx_ratio"] == f["login_error_ratio"] == f["api_error_ratio"] == 0
            and f["corrupt_reads"] == f["corrupt_writes"] == 0
            and f["cache_hit_ratio"] > 0.95
            and f["admitted_over_asked"] == 1
            and f["users_locked_out"] < 5
            and f["queue_depth"] < 20
        ),
        for_s=1.0,
    )


def test_its_document_asks_what_it_can_answer(site: PracticeSite, watch: type[Watch]) -> None:
    """Every query and every volume gives exactly one number."""
    watch(site).until(lambda f: len(f) == 9)
    document = site_document(site.url, practice_people("ana"))
    for name, entry in document["queries"].items():
        for promql in (entry["promql"], entry.get("min_volume", {}).get("promql", "vector(1)")):
            assert len(query(site, promql)) == 1, (name, promql)
    assert document["pace"] == 10
    assert {person["id"] for person in document["people"]} == {"you", "deputy"}


def test_it_is_asked_as_prometheus_is(site: PracticeSite) -> None:
    """The query endpoint takes GET and a form, and words its answers and errors as Prometheus does."""
    wait_until(lambda: bool(query(site, 'up{job="edge"}')))  # a site has just started, and nothing was scraped yet
    status, body = raw(site, "GET", "/api/v1/query?query=up%7Bjob%3D%22edge%22%7D")
    (series,) = body["data"]["result"]
    assert (status, body["status"], series["value"][1]) == (200, "success", "1")
    assert series["metric"]["instance"].startswith("127.0.0.1:")
    connection = http.client.HTTPConnection("127.0.0.1", int(site.url.rpartition(":")[2]), timeout=10)
    connection.request("POST", "/api/v1/query", "query=1%2B1", {"Content-Type": "application/x-www-form-urlencoded"})
    assert json.loads(connection.getresponse().read())["data"]["result"][1] == "2"
    connection.close()
    status, body = raw(site, "GET", "/api/v1/query?query=sum(")
    assert (status, body["errorType"]) == (400, "bad_data")


def test_only_local_programs_may_ask(site: PracticeSite) -> None:
    """A page in a browser, or a name that was bent to this machine, gets nothing."""
    assert raw(site, "GET", "/state", Origin="https://example.org")[0] == 403
    assert raw(site, "POST", "/calm", Host="example.org:80")[0] == 403
    assert raw(site, "GET", "/nothing")[0] == 404


# ---- orders


def test_a_throttle_is_in_force_at_the_edge(site: PracticeSite, watch: type[Watch]) -> None:
    """What was ordered is read back from the edge, what was left out stays, and people feel it."""
    order = {"percent": 10, "max_rate": 2, "retry_after": {"min": 30, "max": 90}}
    site.request("PUT", "/throttle", order)
    try:
        assert site.request("PUT", "/throttle", {"percent": 25})["max_rate"] == 2
        watch(site).until(lambda f: f["admitted_over_asked"] < 0.5)
        now = site.state()["throttle"]
        assert (now["percent"], now["max_rate"], now["retry_after"]) == (25, 2, {"min": 30, "max": 90})
    finally:
        site.request("PUT", "/throttle", {"percent": 100, "max_rate": "none"})
    watch(site).until(lambda f: f["admitted_over_asked"] == 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PUT", "/throttle", {"percent": 101}, "percent must be a number from 0 to 100"),
        ("PUT", "/throttle", {"perzent": 10}, "unknown: perzent"),
        ("PUT", "/throttle", {"percent": 5, "surface": "api"}, "surface must be one of consumer"),
        ("PUT", "/throttle", {"retry_after": {"min": 9, "max": 3}}, "max must be a number from 9"),
        ("PUT", "/queue", {"max_rate": "much"}, "max_rate must be a number"),
        ("PUT", "/failover", {"percent": 50, "to": "moon"}, "to must be one of fallback, primary"),
        ("PUT", "/failover", {"percent": 33.3}, "must be a whole number"),
        ("PUT", "/status", {"state": "splendid"}, "state must be one of operational"),
        ("POST", "/fault", {"kind": "meteor"}, "kind must be one of brownout"),
        ("POST", "/deploy/rollback", {"to": "39"}, "reads sessions of format v0 only"),
        ("POST", "/deploy/rollback", {"to": "7"}, "to must be previous or one of 39, 40, 41"),
        ("POST", "/deploy/rollback", {"to": "previous"}, "release 39: it reads sessions of format v0"),
        ("POST", "/nodes/scale", {"add": 7}, "more than the ceiling of 8"),
        ("POST", "/nodes/scale", {"nodes": ["node-1"]}, "too few: the floor is 2"),
        ("POST", "/nodes/scale", {"nodes": ["node-1", "sofa"]}, "sofa: nodes are called node-1"),
        ("POST", "/nodes/scale", {"nodes": ["node-1", "node-3"], "serve": False}, "fewer than 2 nodes would take"),
        ("POST", "/nodes/serve", {"nodes": ["node-9"]}, "there is no node-9; there are node-1, node-2"),
        ("POST", "/nodes/serve", {"nodes": ["node-1"], "serve": False}, "fewer than the floor of 2"),
        ("POST", "/cache/warm", {"nodes": ["node-9"]}, "there is no node-9"),
    ],
)
def test_what_is_refused_changes_nothing(site: PracticeSite, method: str, path: str, body: Any, said: str) -> None:
    """One clear sentence, and everything is as it was."""

    def in_force() -> list[Any]:
        state = site.state()
        return [state[name] for name in ("throttle", "failover", "status", "deploy")] + [sorted(state["nodes"])]

    before = in_force()
    with pytest.raises(SiteError, match=said):
        site.request(method, path, body)
    assert in_force() == before


def test_nodes_are_added_once_under_a_key_and_removed_again(site: PracticeSite) -> None:
    """A repeated order adds nothing; a node that does not serve gets no traffic until it is told to."""
    first = site.request("POST", "/nodes/scale", {"add": 1, "serve": False}, key="k1")
    assert first == {"added": ["node-3"], "removed": [], "total": 3}
    assert site.request("POST", "/nodes/scale", {"add": 1, "serve": False}, key="k1") == first
    assert site.request("GET", "/operation?key=k1") == {"state": "done"}
    assert site.request("GET", "/operation?key=k2") == {"state": "unknown"}
    nodes = site.request("GET", "/nodes")
    assert (len(nodes), nodes["node-3"]["serving"], nodes["node-3"]["release"]) == (3, False, 40)
    warm = site.request("POST", "/cache/warm", {"nodes": ["node-3"], "max_rate": 200})
    assert warm["nodes"]["node-3"] == warm["hit_share"] == 1.0
    assert site.request("POST", "/nodes/serve", {"nodes": ["node-3"]})["serving"] == ["node-1", "node-2", "node-3"]
    gone = site.request("POST", "/nodes/scale", {"nodes": ["node-1", "node-2"]})
    assert gone == {"added": [], "removed": ["node-3"], "total": 2}


def test_a_frozen_service_is_not_deployed_and_can_be_rolled_back(site: PracticeSite) -> None:
    """A freeze stops what goes forward; going back is always possible, and ``previous`` never leads forward."""
    site.request("POST", "/deploy/release", {"release": 41})
    site.request("POST", "/deploy/freeze")
    try:
        with pytest.raises(SiteError, match="deploys are frozen"):
            site.request("POST", "/deploy/release", {"release": 41})
        now = site.request("GET", "/deploy")
        assert (now["release"], now["previous"], now["frozen"]) == (41, 40, True)
        assert site.request("GET", "/deploy/compatible?to=previous")["compatible"]
        assert site.request("POST", "/deploy/rollback", {"to": "previous"}) == {"release": 40, "instances": 2}
        now = site.request("GET", "/deploy")
        assert (now["release"], now["previous"]) == (40, 39)
        assert not site.request("GET", "/deploy/compatible?to=previous")["compatible"]
    finally:
        site.request("POST", "/deploy/unfreeze")
    site.request("POST", "/sessions/quarantine", {})


def test_people_are_moved_to_the_fallback_and_back(site: PracticeSite, watch: type[Watch]) -> None:
    """A broken primary is seen, left behind, gets well, and is returned to."""
    look = watch(site)
    assert site.request("GET", "/pool?pool=primary") == {"healthy": True, "nodes": 2, "breaker": "closed", "share": 100}
    site.fault("region", seconds=0)
    look.until(lambda f: f["edge_5xx_ratio"] > 0.3 and f["users_locked_out"] >= 20)
    assert site.request("GET", "/pool?pool=fallback") == {"healthy": True, "nodes": 1, "breaker": "closed", "share": 0}
    assert not site.request("GET", "/pool?pool=primary")["healthy"]
    weights = site.request("PUT", "/failover", {"to": "fallback", "percent": 100})["weights"]
    assert weights == {"primary": 0, "fallback": 100}
    look.until(lambda f: f["edge_5xx_ratio"] == 0 and f["users_locked_out"] < 5)
    site.fault("region", seconds=0.1)
    wait_until(lambda: bool(site.request("GET", "/pool?pool=primary")["healthy"]))
    assert site.request("PUT", "/failover", {"to": "primary", "percent": 100})["weights"]["fallback"] == 0
    look.until(lambda f: f["edge_5xx_ratio"] == 0 and f["login_error_ratio"] == 0, for_s=1.0)


def test_the_fallback_is_too_small_for_a_surge(site: PracticeSite, watch: type[Watch]) -> None:
    """Its breaker opens, and whoever asks is told."""
    site.fault("surge")
    site.request("PUT", "/failover", {"percent": 100})
    try:
        wait_until(lambda: site.request("GET", "/pool?pool=fallback")["breaker"] == "open", 30.0)
        assert not site.request("GET", "/pool?pool=fallback")["healthy"]
    finally:
        site.calm()
        site.request("PUT", "/failover", {"percent": 0})
    watch(site).until(lambda f: f["edge_5xx_ratio"] == 0 and f["users_locked_out"] < 5, within_s=40.0)


def test_status_and_notices_are_kept(site: PracticeSite) -> None:
    """What users and colleagues were told can be read."""
    site.request("PUT", "/status", {"state": "degraded", "retry": "wait", "advice": "Keep your cookies"})
    assert site.request("GET", "/status")["consumer"]["advice"] == "Keep your cookies"
    site.request("POST", "/notices", {"to": "duty-manager", "message": "come"}, key="n1")
    site.request("POST", "/notices", {"to": "duty-manager", "message": "come"}, key="n1")
    assert site.request("GET", "/notices") == [{"to": "duty-manager", "message": "come"}]


def test_a_part_that_dies_is_named(tmp_path: Path) -> None:
    """A dead node is reported, its numbers vanish, and a deploy brings it back."""
    with PracticeSite(tmp_path) as site:
        node = next(pid for pid, name in processes(tmp_path).items() if name == "node-2")
        os.kill(node, signal.SIGKILL)
        wait_until(lambda: site.state()["dead"] == ["node-2"])
        wait_until(lambda: len(query(site, 'node_working{job="node"}')) == 1)
        site.request("POST", "/deploy/rollback", {"to": "40"})
        assert site.state()["dead"] == []
        wait_until(lambda: len(query(site, 'node_working{job="node"}')) == 2)

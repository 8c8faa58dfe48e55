"""Numbers are counted, exposed, scraped and kept as Prometheus does it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight_practice.metrics.exposition import parse
from relight_practice.metrics.registry import Registry
from relight_practice.metrics.scrape import Scraper, Target
from relight_practice.metrics.series import SERIES_MAX, Database
from relight_practice.wire import Client, Request, Response, Server


def test_known_series_begin_at_zero() -> None:
    """A series that is born at its first event has hidden that event from every rate."""
    registry = Registry()
    counter = registry.counter("failed_total", "failures", reason=("busy", "corrupt"))
    counter.add(reason="busy")
    assert {labels: value for _, labels, value in parse(registry.render().decode())} == {
        (("reason", "busy"),): 1.0,
        (("reason", "corrupt"),): 0.0,
    }


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")),
    value=st.floats(),
)
def test_whatever_is_exposed_can_be_read_back(text: str, value: float) -> None:
    """Labels may hold any text, and a value may be any number."""
    registry = Registry()
    registry.gauge("depth", "how deep").set(value, queue=text)
    ((name, labels, found),) = parse(registry.render().decode())
    assert (name, labels) == ("depth", (("queue", text),))
    assert found == value or (math.isnan(found) and math.isnan(value))


@pytest.mark.parametrize("line", ["no value", 'depth{queue="open} 1', "depth{queue} 1", "9depth 1", "depth one"])
def test_what_is_no_sample_is_refused(line: str) -> None:
    """A page that cannot be read counts as a scrape that failed."""
    with pytest.raises(ValueError, match=r"not|could not"):
        list(parse(line))


def test_endless_labels_are_refused() -> None:
    """A label with a value for every user would eat the memory."""
    found = Database()
    for number in range(SERIES_MAX):
        found.append("logins_total", (("user", str(number)),), 1.0, 1.0)
    with pytest.raises(ValueError, match="series"):
        found.append("logins_total", (("user", "one more"),), 1.0, 1.0)


def test_old_samples_are_forgotten() -> None:
    """Only the last minutes are kept."""
    found = Database(keep_s=10.0)
    for second in range(100):
        found.append("depth", (), float(second), 1.0)
    (series,) = found.select("depth", [])
    assert len(series.times) == 11


async def test_a_scrape_marks_what_vanished() -> None:
    """A series that its target no longer shows ends at once, and so do all when the target is silent."""
    page = [b"a 1\nb 2\n"]

    async def show(_: Request) -> Response:
        return Response(200, page[0])

    server = Server(show)
    target = Target("edge", await server.start())
    now = [100.0]
    database = Database()
    scraper = Scraper(database, lambda: [target], 0.25, clock=lambda: now[0])
    client = Client(target.port, timeout_s=1.0)

    def there(name: str) -> float | None:
        return next((sample[1] for series in database.select(name, []) if (sample := series.at(now[0]))), None)

    await scraper.scrape(target, client)
    assert (there("a"), there("b"), there("up")) == (1.0, 2.0, 1.0)
    now[0], page[0] = 101.0, b"a 5\n"
    await scraper.scrape(target, client)
    assert (there("a"), there("b")) == (5.0, None)
    now[0] = 102.0
    await server.close()
    await scraper.scrape(target, client)
    assert (there("a"), there("up")) == (None, 0.0)
    client.close()

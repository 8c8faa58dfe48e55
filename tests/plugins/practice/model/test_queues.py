"""The queues of the model, one by one, against what theory says of them."""

from __future__ import annotations

import math
import statistics

import pytest

from relight_practice.dice import dice
from relight_practice.model.behind import Breaker, Jobs, Origin, Store
from relight_practice.model.chance import erlang_b, leaving, poisson
from relight_practice.model.people import Crowd, Residents
from relight_practice.model.pool import Node, Pool
from relight_practice.shape import BAD_RELEASE, GOOD_RELEASE, Shape

H = 0.125
SHAPE = Shape()


def pool(**nodes: float) -> Pool:
    """Return serving nodes, each with so many pages."""
    made = Pool(slots=3, cost_s=0.25, patience_s=0.8, workers=20, holds=87)
    made.nodes = {name: Node(name, GOOD_RELEASE, True, pages) for name, pages in nodes.items()}
    return made


@pytest.mark.parametrize("mean", [0.6, 3.75, 60.0])
def test_arrivals_are_poisson(mean: float) -> None:
    """Mean and variance are equal, whichever way they are thrown."""
    thrower = dice(1, "poisson")
    counts = [poisson(thrower, mean) for _ in range(4_000)]
    assert statistics.fmean(counts) == pytest.approx(mean, rel=0.06)
    assert statistics.variance(counts) == pytest.approx(mean, rel=0.12)
    assert poisson(thrower, 0.0) == 0.0


@pytest.mark.parametrize(
    ("servers", "offered", "lost"), [(1, 1.0, 0.5), (2, 1.0, 0.2), (10, 5.0, 0.0184), (20, 30.0, 0.3796)]
)
def test_the_loss_formula(servers: int, offered: float, lost: float) -> None:
    """Values from the tables."""
    assert erlang_b(servers, offered) == pytest.approx(lost, abs=5e-4)
    assert erlang_b(servers, 0.0) == 0.0


def test_staying_is_exponential() -> None:
    """After the mean a share of 1/e is left, however fine the steps."""
    left = 1.0
    for _ in range(8):
        left *= 1 - leaving(H, 1.0)
    assert left == pytest.approx(math.exp(-1))


# ---- people


def test_a_crowd_that_is_refused_grows_to_arrivals_times_patience() -> None:
    """Little's law: ten a second who stay fifteen seconds are about a hundred and fifty, and the others gave up."""
    crowd = Crowd(SHAPE)
    for _ in range(1_600):
        crowd.try_again(10 * H, 0.0, H, 6.0, 0.0)
        crowd.hear(1.0, 0.0)
    assert crowd.waiting == pytest.approx(10 * SHAPE.patience_s, rel=0.25)
    assert crowd.gave_up + crowd.waiting == pytest.approx(10 * 200, rel=1e-6), "nobody vanishes"


def test_who_is_told_to_wait_longer_asks_less_often() -> None:
    """The polite honour Retry-After, so that the same crowd makes fewer attempts."""

    def attempts(told_s: float) -> float:
        crowd = Crowd(SHAPE)
        asked = 0.0
        for _ in range(800):
            asked += crowd.try_again(10 * H, 0.0, H, told_s, 0.0).total
            crowd.hear(1.0, 0.0)
        return asked

    assert attempts(60.0) < 0.8 * attempts(1.0)


def test_the_cursed_cannot_get_in_until_their_session_is_set_aside() -> None:
    """However wide the door is."""
    crowd = Crowd(SHAPE)
    crowd.try_again(100.0, 0.3, H, 6.0, 0.0)
    crowd.hear(0.0, 1.0)
    assert crowd.waiting == crowd.cursed_waiting == pytest.approx(30.0)
    crowd.bless(0.5)
    assert crowd.cursed_waiting == pytest.approx(15.0)
    assert crowd.waiting == pytest.approx(30.0)


def test_no_more_wait_outside_than_there_is_room() -> None:
    """The others are counted as not even sent."""
    crowd = Crowd(Shape(waiting_max=50))
    for _ in range(200):
        crowd.try_again(10.0, 0.0, H, 6.0, 0.0)
        crowd.hear(1.0, 0.0)
    assert crowd.waiting <= 61
    assert crowd.turned_away > 0


def test_residents_are_spoiled_set_aside_and_back() -> None:
    """They are always as many, and only those without a session can sign in."""
    people = Residents(60.0)
    people.spoil(20.0)
    people.lose(0.5)
    people.hear(4.0, 0.25)
    assert (people.inside, people.spoiled, people.without) == (43.0, 11.0, 6.0)
    people.hear(100.0, 0.0)
    assert (people.inside, people.outside) == (49.0, 11.0)


# ---- nodes


def test_sign_ins_are_worked_on_up_to_capacity_and_then_refused() -> None:
    """Two nodes of three slots and a quarter second: twenty-four a second, with the queue as long as patience."""
    two = pool(a=87, b=87)
    done = sum(two.sign_in(40 * H, H) for _ in range(800))
    assert done / 100 == pytest.approx(24, rel=0.02)
    assert two.wait_s == pytest.approx(0.8, abs=0.01)
    assert pool().sign_in(10.0, H) == 0.0


def test_busy_workers_turn_everything_away() -> None:
    """Little's law fills the workers, and Erlang's formula says how many find none."""
    two = pool(a=87, b=87)
    for _ in range(100):
        two.hold(100 * H, 0.6, H)
        two.settle()
    assert two.blocked == pytest.approx(erlang_b(20, 30.0), rel=0.01)
    two.impaired = 1.0
    assert two.through == 0.0


def test_new_nodes_take_pages_from_the_others() -> None:
    """Cold ones halve the hits; warm ones lift them, because the old ones have less to hold."""
    cold, warm = pool(a=87, b=87), pool(a=87, b=87)
    assert cold.hits(240, None) == pytest.approx(87 / 120)
    for made, pages in ((cold, 0.0), (warm, 60.0)):
        for name in ("c", "d"):
            made.nodes[name] = Node(name, GOOD_RELEASE, False, pages)
        made.serve({"c", "d"}, 240, serving=True)
    assert cold.hits(240, None) == pytest.approx(87 / 240)
    assert warm.hits(240, None) == pytest.approx((87 / 120 + 1) / 2)
    warm.fill(1_000.0, 240, None)
    assert warm.hits(240, None) == 1.0
    assert warm.hits(240, 30.0) == 1.0


def test_on_ordinary_days_the_hottest_pages_are_enough() -> None:
    """Nearly everybody wants one of the first hundred."""
    assert pool(a=87, b=87).hits(240, 30.0) > 0.99
    assert pool().hits(240, None) == 0.0


def test_a_release_spoils_where_it_runs() -> None:
    """Half of the nodes, half of the writes."""
    two = pool(a=87, b=87)
    two.nodes["a"].release = BAD_RELEASE
    assert two.spoiling() == 0.5
    assert pool().spoiling() == 0.0


# ---- behind


def test_beyond_its_capacity_the_origin_works_in_vain() -> None:
    """Below it every page comes; above it none does, though it renders all the time."""
    calm, drowned = Origin(SHAPE), Origin(SHAPE)
    for _ in range(200):
        calm.render(20 * H, H)
        drowned.render(30 * H, H)
    assert calm.render(20 * H, H)[0] == pytest.approx(20 * H)
    assert drowned.render(30 * H, H)[0] == 0.0
    assert drowned.stay_s() == SHAPE.origin_patience_s


def test_machines_give_up_on_the_store_before_people_do() -> None:
    """Four hundred operations a second; above that the API is the first to feel it."""
    store = Store(SHAPE)
    for _ in range(200):
        store.serve(480 * H, H)
    assert store.serve(480 * H, H) == pytest.approx(400 / 480, rel=0.01)
    assert not store.serves_machines()
    for _ in range(80):
        store.serve(100 * H, H)
    assert store.serves_machines()


def jobs(rate: float | None = 200.0) -> Jobs:
    """Return a queue."""
    return Jobs(SHAPE, dice(7, "jobs"), rate)


def test_jobs_are_released_at_their_rate() -> None:
    """No faster, and nothing is lost."""
    queue = jobs(20.0)
    queue.add(300.0, 0.0)
    done = sum(queue.work(H) for _ in range(80))
    assert done == pytest.approx(200, abs=3)
    assert done + queue.depth == pytest.approx(300)
    queue.order(None, None)
    assert sum(queue.work(H) for _ in range(4)) == pytest.approx(100, abs=3)


def test_failing_jobs_open_the_breaker_and_only_an_order_closes_it() -> None:
    """Jobs of spoiled sessions fail; once these are set aside they can be done."""
    queue = jobs()
    queue.add(100.0, 0.3)
    for _ in range(40):
        queue.work(H)
    assert queue.tripped
    assert queue.rate == 0.0
    left = queue.depth
    assert queue.work(H) == 0.0
    queue.bless(1.0)
    queue.order(50.0, None)
    for _ in range(40):
        queue.work(H)
    assert not queue.tripped
    assert left > queue.depth == pytest.approx(0.0, abs=1.0)


def test_stale_greetings_are_set_aside_and_history_never_is() -> None:
    """They are a tenth of what follows a sign-in."""
    queue = jobs(50.0)
    queue.add(220.0, 0.0)
    queue.rate = 0.0
    queue.order(0.0, 5.0)
    queue._oldest_s = 60.0  # they have waited for a minute
    queue.order(50.0, 5.0)
    done = sum(queue.work(H) for _ in range(16))
    assert queue.set_aside > 0
    assert queue.set_aside < 0.15 * done
    assert done + queue.set_aside + queue.depth == pytest.approx(220)


def test_the_fallbacks_breaker_opens_waits_and_tries() -> None:
    """On a fifth of errors; after two seconds one answer decides."""
    breaker, thrower = Breaker(0.2), dice(7, "breaker")
    for _ in range(40):
        breaker.note(4.0, 0.4, H, thrower)
    assert breaker.state == "closed"
    while breaker.state == "closed":
        breaker.note(4.0, 2.0, H, thrower)
    for _ in range(16):
        assert breaker.state == "open"
        breaker.note(4.0, 4.0, H, thrower)
    assert breaker.state == "half-open"
    breaker.note(0.0, 0.0, H, thrower)
    assert breaker.state == "half-open", "nobody has asked"
    breaker.note(4.0, 0.0, H, thrower)
    assert breaker.state == "closed"

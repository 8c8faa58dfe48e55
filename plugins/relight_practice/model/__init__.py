"""The sign-in tier as numbers: a small queueing model that browns out, and comes back, as the practice site does.

Time goes in steps of an eighth of a second. In each, people arrive (Poisson, seeded), and everything behind them is
a flow through queues that are kept as sums: no person, request or page is an object, so the cost of a second does
not depend on how many people there are. What is modelled, and what it takes from whom:

- *Open arrivals.* Who comes depends on the day, not on how well the last one was served; closed-loop load would hide
  the collapse (Schroeder, Wierman and Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006).
- *Retry storms and impatience.* Those who fail come back, the impatient once a second, the polite when they were told
  to (``Retry-After``); patience is exponential, so abandonment has a rate (Erlang A; Garnett, Mandelbaum and Reiman,
  "Designing a call center with impatient customers", 2002). Work that fails adds load: the sustaining effect of
  Bronson, Aghayev, Charapko and Zhu, "Metastable failures in distributed systems", HotOS 2021.
- *Admission* by share and by rate at the edge, refused cheaply, before anything is queued: load shedding as in Beyer
  et al., "Site reliability engineering", 2016, chapters 21 and 22.
- *Node capacity.* Sign-ins wait for a slot, at most their patience (a fluid queue that overflows). Requests in hand
  are at most the workers of a node; by Little's law (L = λW) the load offered to the workers is rate times stay, and
  the share that finds none free is Erlang's loss formula, which holds whatever the distribution of the stay.
- *Cache warmth against a slow origin.* A node holds so many of its share of the pages; what it lacks is asked of the
  origin, which queues longer than nodes wait, so that beyond its capacity it works in vain and no cache fills: the
  look-aside cache of Bronson et al. and of Huang et al., "Metastable failures in the wild", OSDI 2022.
- *Sessions.* A bad release spoils a share of what it writes; whoever meets their spoiled session is locked out until
  it is set aside. Spoiled sessions keep failing after the release is gone: removing the trigger does not mend it.
- *The session store*, shared with a second surface (the API) that gives up on it sooner, so overload is seen there
  first, and stays well as long as the store does.
- *The queue behind*, released at a rate, with a breaker that stops it when too many jobs in a row fail.

It is driven by the plugin's own actions over :class:`~relight_practice.model.connection.PaperConnection` and read by
the site's own PromQL over the counters that the processes of the practice site would show. What it leaves out:
latency as users feel it, single slow nodes, the network, and everything that this list does not name.
"""

from relight_practice.model.simulation import SignIn

__all__ = ["SignIn"]

"""Tells people that a gate waits for them, through whichever of the site's providers can.

Best effort: a notice that cannot be given is logged, and neither delays nor stops anything.
"""

import asyncio
from collections.abc import Sequence

from relight.drivers.live.log import Log
from relight.drivers.live.outcomes import said_by
from relight.drivers.live.providers import Providers
from relight.drivers.live.tasks import Tasks
from relight.errors import PluginError
from relight.kernel.facts import AnyFact, GateEscalated
from relight.kernel.state import Run
from relight.sdk import Action, Call
from relight.sdk.capabilities import NOTIFY

NOTICE_S = 10.0
"""How long a notice may take; the next provider may be quicker."""


class Notices:
    """Gives the notices that follow from facts."""

    def __init__(self, run: str, providers: Providers, tasks: Tasks, log: Log) -> None:
        self._run = run
        self._providers = providers
        self._tasks = tasks
        self._log = log

    def tell(self, run: Run, facts: Sequence[AnyFact]) -> None:
        """Begin whatever notices these facts ask for."""
        for fact in facts:
            if isinstance(fact, GateEscalated):
                title = run.ticket.title if run.ticket is not None else "a gate"
                message = f"{run.plan.site}: {title} waits for an answer. relight approve {run.id} {fact.ticket}"
                self._tasks.begin(self._give(fact.notify, message))

    async def _give(self, to: str, message: str) -> None:
        for name in self._providers.names:
            try:
                kind = self._providers.find(name, NOTIFY.name)
                if not isinstance(kind, Action):
                    continue
                args = kind.contract.args.model_validate({"to": to, "message": message})
                call = Call(args=args, run=self._run, deadline_s=NOTICE_S, secrets=self._providers.secrets)
                async with asyncio.timeout(NOTICE_S):
                    await kind.perform(call)
                self._log.event("notified", to=to, through=name)
                return
            except PluginError:
                continue
            except Exception as error:  # noqa: BLE001 - a plugin may raise whatever it likes, and the next one may do
                self._log.event("could not notify", to=to, through=name, error=said_by(error))
        self._log.event("nobody could be notified", to=to)

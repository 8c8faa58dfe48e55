"""Tells people that a gate waits for them: as the site binds ``notify``, or through whichever provider can.

Best effort: a notice that cannot be given is logged, and neither delays nor stops anything. One that a dead driver may
not have given is given once more: twice is better than never.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from relight.drivers.live.log import Log
from relight.drivers.live.outcomes import said_by
from relight.drivers.live.providers import Providers
from relight.drivers.live.tasks import Tasks
from relight.errors import PluginError
from relight.kernel.facts import AnyFact, DriverTookOver, GateEscalated
from relight.kernel.plan import Escalation, ExpressionFailed
from relight.kernel.scope import resolve
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
        ticket, stage = run.ticket, run.current
        if ticket is None or stage is None or stage.gate is None:
            return
        for index in sorted({index for fact in facts for index in _told(run, fact)}):
            message = f"{run.plan.site}: {ticket.title} waits for an answer. relight approve {run.id} {ticket.id}"
            if ticket.status != "waiting":
                message = f"{run.plan.site}: {ticket.title} was not answered in time; it holds. relight ask {run.id}"
            self._tasks.begin(self._give(run, stage.gate.escalate[index], message))

    async def _give(self, run: Run, to: Escalation, message: str) -> None:
        for name, action, more in self._ways(run, to):
            try:
                kind = self._providers.find(name, action)
                if not isinstance(kind, Action):
                    continue
                args = kind.contract.args.model_validate({**more, "to": to.notify, "message": message})
                call = Call(args=args, run=self._run, deadline_s=NOTICE_S, secrets=self._providers.secrets)
                async with asyncio.timeout(NOTICE_S):
                    await kind.perform(call)
                self._log.event("notified", to=to.notify, through=name)
                return
            except PluginError:
                continue
            except Exception as error:  # noqa: BLE001 - a plugin may raise whatever it likes, and the next one may do
                self._log.event("could not notify", to=to.notify, through=name, error=said_by(error))
        self._log.event("nobody could be notified", to=to.notify)

    def _ways(self, run: Run, to: Escalation) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield who could tell them, the site's own choice first: provider, action and further arguments."""
        if to.use is not None:
            try:
                yield to.use.provider, to.use.action, resolve(run, to.use.args)
            except ExpressionFailed as error:
                self._log.event("could not notify", to=to.notify, through=to.use.provider, error=str(error))
        for name in self._providers.names:
            if to.use is None or name != to.use.provider:
                yield name, NOTIFY.name, {}


def _told(run: Run, fact: AnyFact) -> Iterator[int]:
    """Yield whom a fact says to tell, by their place in the gate's list."""
    ticket = run.ticket
    match fact:
        case GateEscalated(ticket=name, index=index) if ticket is not None and name == ticket.id:
            yield index
        case DriverTookOver() if ticket is not None and ticket.status == "waiting" and ticket.escalated:
            yield ticket.escalated - 1
        case _:
            pass

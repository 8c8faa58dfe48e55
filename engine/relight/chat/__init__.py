"""Chat: what runs look like there, and what people say there; README.md tells how to add another one.

``channel`` is the port and ``messages`` are what is shown; ``desk`` keeps it shown, and ``hearing`` does what is said.
What does not belong here: what may be done to a run and by whom (``control``). A chat's own client library stays in
the package of its channel.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relight.control.doors import Options, Part


def part(_options: "Options") -> "Part":
    """Return the chats as a part of a serve; the entry point ``chat`` of the group ``relight.parts``."""
    from relight.chat.part import Chats

    return Chats()

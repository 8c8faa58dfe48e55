"""Where corrupt sessions are kept aside, with the life that they had left, until somebody can mend them."""

import time
from dataclasses import dataclass, field

from relight_practice.parts.sessions import merge, salvage, seal, unseal, verifies


@dataclass(frozen=True, slots=True)
class Kept:
    """One session set aside."""

    user: str
    raw: bytes
    left_s: float


@dataclass(slots=True)
class Sessions:
    """The sessions by user, which of them are corrupt, and those in quarantine; nothing here deletes a live one."""

    live: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    corrupt: set[str] = field(default_factory=set)
    quarantined: list[Kept] = field(default_factory=list)

    def get(self, user: str) -> bytes | None:
        """Return the raw session, unless its time is over."""
        found = self.live.get(user)
        if found is None:
            return None
        if found[1] < time.monotonic():
            self._drop(user)
            return None
        return found[0]

    def put(self, user: str, raw: bytes, ttl_s: float) -> bool:
        """Store a session and say whether it verifies."""
        self.live[user] = (raw, time.monotonic() + ttl_s)
        valid = verifies(raw)
        if valid:
            self.corrupt.discard(user)
        else:
            self.corrupt.add(user)
        return valid

    def set_aside(self, limit: int) -> int:
        """Move at most *limit* corrupt sessions into quarantine and return how many were moved."""
        moved = 0
        for user in sorted(self.corrupt)[:limit]:
            raw, until = self.live[user]
            self.quarantined.append(Kept(user, raw, max(1.0, until - time.monotonic())))
            self._drop(user)
            moved += 1
        return moved

    def bring_back(self, *, valid_only: bool, after: int, limit: int) -> tuple[int, int]:
        """Go through *limit* quarantined sessions from the place *after* and bring back what can be.

        Only those that can be mended if *valid_only*: their history goes before that of a session begun since.
        Otherwise as they were, except where their user has a new session by now.
        Returns how many came back and the place to go on from.
        """
        kept: list[Kept] = self.quarantined[:after]
        restored = 0
        for one in self.quarantined[after : after + limit]:
            back = self._mended(one) if valid_only else (one.raw if one.user not in self.live else None)
            if back is None:
                kept.append(one)
            else:
                self.put(one.user, back, one.left_s)
                restored += 1
        place = len(kept)
        self.quarantined = kept + self.quarantined[after + limit :]
        return restored, place

    def _mended(self, one: Kept) -> bytes | None:
        older = unseal(one.raw) if verifies(one.raw) else salvage(one.raw)
        if older is None:
            return None
        now = self.live.get(one.user)
        if now is None:
            return seal(older)
        return seal(merge(older, unseal(now[0]))) if one.user not in self.corrupt else None

    def _drop(self, user: str) -> None:
        del self.live[user]
        self.corrupt.discard(user)

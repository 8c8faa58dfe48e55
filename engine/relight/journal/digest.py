"""The digest of a plan: what was approved is what runs."""

import hashlib
import json

from relight.journal.leaves import escaped
from relight.journal.shapes import shape_of
from relight.kernel.plan import Plan

BESIDE_THE_DIGEST = ("people", "solo", "sources", "digest")
"""Who may approve and where the documents lie is not what is approved, and a digest cannot hold itself."""


def canonical_plan(plan: Plan) -> bytes:
    """Return the JSON that the digest is of: sorted keys, no blanks, ASCII, expressions as their text."""
    tree = shape_of(Plan).write(plan)
    for name in BESIDE_THE_DIGEST:
        tree.pop(name, None)
    return json.dumps(escaped(tree), sort_keys=True, separators=(",", ":")).encode("ascii")


def plan_digest(plan: Plan) -> str:
    """Return the SHA-256 of the canonical plan, in hex."""
    return hashlib.sha256(canonical_plan(plan)).hexdigest()

"""Where the runbooks that come with relight are on this machine.

A wheel carries them inside the package; a checkout has them beside the source roots.
What a runbook says, and whether it is any good, is not known here.
"""

from pathlib import Path

from relight.errors import RelightError, UsageError

__all__ = ["runbook", "runbook_names", "runbooks"]

_PACKAGE = Path(__file__).resolve().parent
_IN_A_WHEEL = _PACKAGE / "_runbooks"
_IN_A_CHECKOUT = _PACKAGE.parents[1] / "runbooks"
_SUFFIX = ".runbook.yaml"


def runbooks() -> Path:
    """Return the folder of shipped runbooks: ``<name>/<name>.runbook.yaml``."""
    # A checkout is known by its pyproject.toml: site-packages may have a neighbour called "runbooks" that is not ours.
    if _IN_A_WHEEL.is_dir():
        return _IN_A_WHEEL
    if _IN_A_CHECKOUT.is_dir() and (_IN_A_CHECKOUT.parent / "pyproject.toml").is_file():
        return _IN_A_CHECKOUT
    raise RelightError(
        f"This installation has no shipped runbooks: neither {_IN_A_WHEEL} nor {_IN_A_CHECKOUT} is there.",
        hint="Install relight again.",
    )


def runbook_names() -> tuple[str, ...]:
    """Return the names of the shipped runbooks, sorted."""
    folder = runbooks()
    return tuple(sorted(p.name for p in folder.iterdir() if (p / f"{p.name}{_SUFFIX}").is_file()))


def runbook(name: str) -> Path:
    """Return the document of the shipped runbook *name*."""
    if name not in runbook_names():
        known = ", ".join(runbook_names()) or "none"
        raise UsageError(f"relight ships no runbook called {name!r}.", hint=f"Shipped runbooks: {known}.")
    return runbooks() / name / f"{name}{_SUFFIX}"

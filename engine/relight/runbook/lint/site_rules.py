"""What a site says, held against itself: names that refer to each other, people, secrets, the pace."""

import re
from typing import Any

from relight.runbook.cel_text import read_cel
from relight.runbook.complaints import Complaints, did_you_mean
from relight.runbook.expressions import problem_with
from relight.runbook.lint.naming import texts
from relight.runbook.parts import Part
from relight.runbook.places import place_inside
from relight.runbook.secrecy import SAID, is_secret_name, mend_for, secret_code
from relight.runbook.site_document import Site
from relight.runbook.source import Mark
from relight.runbook.template import Unterminated, is_template, parts_of
from relight.runbook.yaml12 import Map

_PATTERN = re.compile(r"\*|[a-z][a-z0-9_-]*(\.(\*|[a-z][a-z0-9_-]*))?")
_DOORS = ("os", "slack", "matrix", "key")


def check_providers(site: Site, complaints: Complaints) -> None:
    """Complain about bindings and queries that name no provider, and about secrets written out."""
    known = list(_keys(site, "providers"))
    for pattern, binding in site.bind.items():
        if not _PATTERN.fullmatch(pattern):
            at = _keys(site, "bind").get(pattern, binding.place())
            hint = "write FAMILY.VERB, FAMILY.* or *"
            complaints.add("RL205", at, f"{pattern!r} cannot be bound", hint)
        if binding.provider not in known:
            hint = did_you_mean(binding.provider, known)
            complaints.add("RL602", binding.place("provider"), f"there is no provider {binding.provider!r}", hint)
    for query in site.queries.values():
        for index, source in enumerate(query.sources):
            if source not in known:
                at = query.place("sources", index)
                complaints.add("RL602", at, f"there is no provider {source!r}", did_you_mean(source, known))
    for provider in site.providers.values():
        _secrets(provider, complaints)


def _secrets(provider: Part, complaints: Complaints) -> None:
    for key, tree in (provider.model_extra or {}).items():
        for text, path in texts(tree):
            last = path[-1] if path else key
            code = secret_code(text, named=isinstance(last, str) and is_secret_name(last))
            if code:
                complaints.mask(text)
                complaints.add(code, provider.place(key, *path), SAID[code], mend_for(text))


def check_surfaces(site: Site, complaints: Complaints) -> None:
    """Complain about surfaces that name no query, and objectives that were meant otherwise."""
    known = list(_keys(site, "queries"))
    for surface in site.surfaces.values():
        if surface.objective <= 1:
            message = f"{surface.objective:g} is {surface.objective:g} %: nearly everything may fail"
            complaints.add("RL519", surface.place("objective"), message, "write 99.9 for 99.9 %")
        if surface.error_ratio not in known:
            hint = did_you_mean(surface.error_ratio, known)
            complaints.add("RL606", surface.place("error_ratio"), f"there is no query {surface.error_ratio!r}", hint)


def check_people(site: Site, complaints: Complaints) -> None:
    """Complain about one person twice, one identity of two people, and roles that nobody holds."""
    seen: dict[tuple[str, str], str] = {}
    for person in site.people:
        for door in ("id", *_DOORS):
            identity = getattr(person, door)
            if identity is None:
                continue
            if (door, identity) in seen:
                at = person.place(door)
                message = f"two people have the {door} {identity!r}; {seen[door, identity]!r} was first"
                complaints.add("RL401", at, message, "an id or identity belongs to one person")
            seen.setdefault((door, identity), person.id)
    held = {role for person in site.people for role in person.roles}
    for index, role in enumerate(site.solo.roles if site.solo else ()):
        if role not in held:
            assert site.solo is not None
            hint = did_you_mean(role, held)
            complaints.add("RL608", site.solo.place("roles", index), f"nobody here is {role!r}", hint)


def check_pace(site: Site, complaints: Complaints) -> None:
    """Complain about a pace where real people wait."""
    if site.pace != 1 and site.environment != "practice":
        hint = "delete it, or write environment: practice if nobody's service is behind it"
        complaints.add("RL615", site.place("pace"), "only a practice site may have a pace", hint)


def check_site_expressions(site: Site, complaints: Complaints) -> None:
    """Complain about embedded expressions that read more than a site knows."""
    for binding in site.bind.values():
        _tree(binding, "with", {"site", "args", "inputs"}, complaints)
    for provider in site.providers.values():
        for key in provider.model_extra or {}:
            _tree(provider, key, {"site"}, complaints)
    for query in site.queries.values():
        _tree(query, "promql", {"site"}, complaints)
        if query.min_volume is not None:
            _tree(query.min_volume, "promql", {"site"}, complaints)


def _tree(part: Part, key: str, roots: set[str], complaints: Complaints) -> None:
    for text, path in texts(part.raw(key)):
        if is_template(text):
            _template(text, part.place(key, *path), roots, complaints)


def _template(text: str, at: Mark, roots: set[str], complaints: Complaints) -> None:
    try:
        parts = [part for part in parts_of(text) if part.is_cel]
    except Unterminated as error:
        place = place_inside(complaints.source, at, text, error.at)
        complaints.add("RL307", place, "this ${{ has no }}", "close it with }}")
        return
    for part in parts:
        problem = problem_with(part.text)
        if problem is not None:
            place = place_inside(complaints.source, at, text, part.at + problem.at)
            complaints.add("RL301", place, problem.message, problem.hint)
            continue
        for name in read_cel(part.text).names:
            root = name.path.split(".")[0]
            if root not in roots:
                place = place_inside(complaints.source, at, text, part.at + name.at)
                complaints.add("RL308", place, f"{root!r} is not known here", f"known are: {', '.join(sorted(roots))}")


def _keys(site: Site, section: str) -> dict[str, Any]:
    raw = site.raw(section)
    return raw.keys_at if isinstance(raw, Map) else {}

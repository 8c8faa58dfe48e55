"""What a site says about its doors, held against itself: bots, tokens, published runbooks and alerts."""

from relight.runbook.complaints import Complaints, did_you_mean
from relight.runbook.site_document import Person, Site


def check_doors(site: Site, complaints: Complaints) -> None:
    """Complain about bots with roles, one secret of two people, and alerts that propose nothing."""
    seen: dict[str, str] = {}
    for person in site.people:
        _bot(person, complaints)
        places: list[tuple[str, tuple[str | int, ...]]] = []
        if person.oidc is not None:
            places.append((f"oidc {person.oidc}", ("oidc",)))
        places += [(digest, ("sign_in", index)) for index, digest in enumerate(person.sign_in)]
        places += [(token.digest, ("tokens", index, "digest")) for index, token in enumerate(person.tokens)]
        for identity, path in places:
            if identity in seen:
                message = f"{identity[:24]}… is here twice; {seen[identity]!r} has it first"
                complaints.add("RL401", person.place(*path), message, "an identity belongs to one person and one use")
            seen.setdefault(identity, person.id)
    _published(site, complaints)
    room = site.chat.slack if site.chat is not None else None
    if room is not None and room.app_token is None and not room.signing:
        hint = "add app_token: env:NAME for Socket Mode, or signing: [env:NAME] for requests over HTTP"
        complaints.add("RL522", room.place("channel"), "nothing would be heard from this channel", hint)


def _bot(person: Person, complaints: Complaints) -> None:
    if person.kind == "person":
        return
    for key in ("roles", "sign_in"):
        if getattr(person, key):
            message = f"{person.id} is no person, and {key} are for people: nothing else ever decides"
            complaints.add("RL520", person.place(key), message, f"delete {key}; give it tokens")


def _published(site: Site, complaints: Complaints) -> None:
    held = {role for person in site.people for role in person.roles}
    for entry in site.published.values():
        for index, role in enumerate(entry.roles):
            if role not in held:
                hint = did_you_mean(role, held, otherwise="give it to somebody in people")
                complaints.add("RL608", entry.place("roles", index), f"nobody here is {role!r}", hint)
    for alert in site.alerts:
        if alert.propose not in site.published:
            hint = did_you_mean(alert.propose, site.published, otherwise="add it to published")
            complaints.add("RL521", alert.place("propose"), f"no runbook is published as {alert.propose!r}", hint)
            continue
        entry = site.published[alert.propose]
        for name in sorted({*alert.inputs, *alert.labels}):
            section = "inputs" if name in alert.inputs else "labels"
            if name in entry.inputs or (name in alert.inputs and name in alert.labels):
                message = f"{name!r} has a value already"
                complaints.add("RL521", alert.place(section, name), message, "say it in one place")

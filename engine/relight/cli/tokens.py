"""The command that makes a secret for the API: shown once, kept nowhere but as its digest in the site's document."""

import click

from relight.cli.door import Door, with_door
from relight.cli.terminal import Span, line
from relight.errors import UsageError

MAY = ("read", "propose", "start", "stop")


@click.command()
@click.argument("person")
@click.option("--site", required=True, metavar="SITE", help="The site's document, or its name in your configuration.")
@click.option("--may", multiple=True, type=click.Choice(MAY), help="What the token may do; again for more. [read]")
@click.option("--sign-in", is_flag=True, help="A secret for the person in person, who may approve with it.")
@with_door
def token(door: Door, person: str, site: str, may: tuple[str, ...], sign_in: bool) -> None:
    """Make a token for the API, and print it once.

    A token of PERSON is for a program: it reads, starts and stops as the site says, and never approves. With --sign-in
    it is a secret for the person in person. Its digest is printed too, and belongs into the site's people.
    """
    from relight.cli.configuration import find_site
    from relight.control.identities import digest_of, new_secret
    from relight.control.sites import Sites

    found = next(iter(Sites([find_site(site)])))
    known = {each.id: each for each in found.document.people}
    if person not in known:
        raise UsageError(f"{person} is nobody of {found.name}", hint=f"its people are: {', '.join(known)}")
    if sign_in and known[person].kind != "person":
        raise UsageError(f"{person} is no person, and only people sign in", hint="leave --sign-in out")
    if sign_in and may:
        raise UsageError("whoever signs in may what their roles allow", hint="leave --may out")
    secret = new_secret(sign_in=sign_in)
    digest = digest_of(secret)
    allowed = list(dict.fromkeys(may)) or ["read"]
    entry = f'sign_in: ["{digest}"]' if sign_in else f'tokens: [{{digest: "{digest}", may: [{", ".join(allowed)}]}}]'
    document = {
        "schema": "relight.token/v1",
        "site": found.name,
        "person": person,
        "token": secret,
        "digest": digest,
        "may": None if sign_in else allowed,
        "entry": entry,
    }
    door.show(document, lambda: [secret])
    door.tell(
        line("Shown once. In ", Span(str(found.path), "bold"), f", give {person} in people:"),
        f"  {entry}",
        "Until that is written, nobody is known by it; delete it there, and nobody is any more.",
    )

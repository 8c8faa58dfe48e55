"""A browser without scripts: cookies, links and forms, and nothing that is not in the page."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

HOPS_MAX = 5


class Form(NamedTuple):
    """A form of a page: where it goes, its fields, and what its buttons say."""

    method: str
    action: str
    fields: dict[str, str]
    buttons: list[str]


class Element(NamedTuple):
    """One element as it was opened."""

    tag: str
    attributes: dict[str, str]


class Page(HTMLParser):
    """What came back."""

    def __init__(self, url: str, status: int, headers: Mapping[str, str], html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url, self.status, self.headers, self.html = url, status, headers, html
        self.forms: list[Form] = []
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self._open: Form | None = None
        self._button: list[str] | None = None
        self.feed(html)

    @property
    def text(self) -> str:
        """What a reader sees, on one line."""
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append(Element(tag, given))
        if tag == "form":
            self._open = Form(given.get("method", "get"), given.get("action", ""), {}, [])
            self.forms.append(self._open)
        if self._open is not None and tag in ("input", "textarea", "select") and "name" in given:
            self._open.fields[given["name"]] = given.get("value", "")
        if tag == "button":
            self._button = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self._open is not None:
            self._open.buttons.append(" ".join("".join(self._button).split()))
            self._button = None
        if tag == "form":
            self._open = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._button is not None:
            self._button.append(data)

    def form(self, button: str) -> Form:
        """Return the form that has that button."""
        found = [form for form in self.forms if button in form.buttons]
        assert found, f"no button {button!r} among {[form.buttons for form in self.forms]}"
        return found[0]


class Browser:
    """One person's."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self.set: list[str] = []

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> Page:
        """Send one request and return what comes back, whatever it is."""
        url = urljoin(self.url, path)
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=40)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies and url.startswith(self.url):
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body is not None:
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        try:
            connection.request(method, f"{place.path}?{place.query}" if place.query else place.path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
            for line in answer.headers.get_all("set-cookie") or ():
                self.set.append(line)
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
                    if morsel["max-age"] == "0":
                        del self.cookies[name]
            return Page(url, answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Page:
        """Go somewhere, and wherever that leads."""
        page = self.send("GET", path, **headers)
        for _ in range(HOPS_MAX):
            if page.status not in (302, 303):
                break
            page = self.send("GET", urljoin(page.url, page.headers["location"]))
        return page

    def submit(self, form: Form, *, follow: bool = True, **fields: str) -> Page:
        """Fill in a form and send it."""
        filled = urlencode({**form.fields, **fields})
        if form.method.lower() == "get":
            return self.get(f"{form.action}?{filled}")
        page = self.send("POST", form.action, filled, origin=self.url)
        return self.get(urljoin(page.url, page.headers["location"])) if follow and page.status == 303 else page

    def sign_in(self, secret: str, to: str = "/") -> Page:
        """Sign in with a secret."""
        return self.submit(self.get(f"/sign-in?next={to}").form("Sign in"), secret=secret)

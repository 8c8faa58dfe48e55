"""Counters and gauges, and the text format that Prometheus scrapes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

Labels = tuple[tuple[str, str], ...]
"""Sorted pairs; the identity of a series together with its name."""


def format_value(value: float) -> str:
    """Return *value* the way Prometheus writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def escape(text: str) -> str:
    """Escape a label's value."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@dataclass(slots=True)
class Family:
    """All series of one name.

    Label values known beforehand are declared, so that every series starts at 0 and not at its first event:
    ``rate`` of a series that is born at 1 has missed that 1.
    """

    name: str
    kind: str
    text: str
    values: dict[Labels, float] = field(default_factory=dict)
    source: Callable[[], float] | None = None

    def add(self, amount: float = 1.0, **labels: str) -> None:
        """Count."""
        key = tuple(sorted(labels.items()))
        self.values[key] = self.values.get(key, 0.0) + amount

    def set(self, value: float, **labels: str) -> None:
        """Set a gauge."""
        self.values[tuple(sorted(labels.items()))] = value

    def get(self, **labels: str) -> float:
        """Return the value now."""
        return self.values.get(tuple(sorted(labels.items())), 0.0)

    def render(self) -> str:
        """Return the family in the text format."""
        if self.source is not None:
            self.values[()] = self.source()
        lines = [f"# HELP {self.name} {self.text}", f"# TYPE {self.name} {self.kind}"]
        for labels, value in self.values.items():
            inner = ",".join(f'{name}="{escape(text)}"' for name, text in labels)
            lines.append(
                f"{self.name}{{{inner}}} {format_value(value)}" if inner else f"{self.name} {format_value(value)}"
            )
        return "\n".join(lines) + "\n"


@dataclass(slots=True)
class Registry:
    """Everything one process counts."""

    families: dict[str, Family] = field(default_factory=dict)

    def counter(self, name: str, text: str, **known: tuple[str, ...]) -> Family:
        """Declare a counter; *known* names one label and the values that are known."""
        return self._declare(name, "counter", text, known)

    def gauge(self, name: str, text: str, source: Callable[[], float] | None = None) -> Family:
        """Declare a gauge, read from *source* at each scrape if that is given."""
        family = self._declare(name, "gauge", text, {})
        family.source = source
        return family

    def _declare(self, name: str, kind: str, text: str, known: dict[str, tuple[str, ...]]) -> Family:
        family = self.families[name] = Family(name, kind, text)
        for label, values in known.items():
            for value in values:
                family.add(0.0, **{label: value})
        if kind == "counter" and not known:
            family.add(0.0)
        return family

    def render(self) -> bytes:
        """Return the page that is scraped."""
        return "".join(family.render() for family in self.families.values()).encode()

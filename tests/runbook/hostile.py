"""Documents that mean harm: each a name and bytes of at most a little over the cap."""

from __future__ import annotations

from collections.abc import Iterator

CAP = 256 * 1024
HEAD = b"runbook: x\nschema: relight/v1\n"
STAGE = b"stages: [{id: a, verify: [{probe: deploy.current, pass_when: value.frozen}]}]\n"


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield every bomb."""
    yield from _nests()
    yield from _floods()
    yield from _tricks()
    yield from _expressions()


def _nests() -> Iterator[tuple[str, bytes]]:
    for name, unit in {"brackets": b"[", "braces": b"{", "dashes": b"- ", "questions": b"? ", "colons": b"a: "}.items():
        yield f"nested {name}", unit * (CAP // len(unit))
    yield "nested and closed", b"[" * 100_000 + b"]" * 100_000
    yield "nested by indentation", b"\n".join(b" " * depth + b"a:" for depth in range(700))
    yield "nested in arguments", HEAD + b"stages: [{id: a, steps: [{id: b, action: x.y, with: " + b"{a: " * 60_000
    yield "nested just below the cap", HEAD + b"title: " + b"[" * 31 + b"]" * 31


def _floods() -> Iterator[tuple[str, bytes]]:
    yield "too large", b"#" * (CAP + 1)
    yield "exactly as large as allowed", HEAD + STAGE + b"#" * (CAP - len(HEAD + STAGE))
    yield "one long line", HEAD + b"title: " + b"a" * 250_000
    yield "one long key", b"a" * 250_000 + b": b"
    yield "one long quoted text", HEAD + b'title: "' + b"\\x41" * 60_000 + b'"'
    yield "digits", HEAD + b"owner: " + b"9" * 250_000
    yield "a float of many digits", HEAD + b"owner: 1." + b"9" * 250_000
    yield "many items", b"- a\n" * 65_000
    yield "many keys", HEAD + b"".join(b"k%d: 1\n" % n for n in range(22_000))
    yield "many unknown keys below the cap", HEAD + b"".join(b"k%d: 1\n" % n for n in range(9_000))
    yield "one key many times", HEAD + b"title: a\n" * 9_000
    yield "many documents", b"---\n" * 60_000
    yield "many blank lines", HEAD + b"title: |\n" + b" \n" * 100_000
    yield "many anchors", HEAD + b"".join(b"k%d: &a%d x\n" % (n, n) for n in range(9_000))
    yield "many tags", HEAD + b"".join(b"k%d: !t%d x\n" % (n, n) for n in range(9_000))
    yield "many wrong stages", HEAD + b"stages:\n" + b"- {id: 1, x: 2}\n" * 3_000
    yield "many wrong checks", HEAD + STAGE + b"checks:\n" + b"".join(b" c%d: {query: q}\n" % n for n in range(3_000))
    steps = b"".join(b"  - {id: s%d, action: admission.throttel}\n" % n for n in range(99))
    yield "many wrong steps", HEAD + b"stages:\n" + b"".join(b"- id: a%d\n  steps:\n" % n + steps for n in range(30))


def _tricks() -> Iterator[tuple[str, bytes]]:
    laughs = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 12):
        laughs += b"a%d: &a%d [" % (n, n) + b", ".join([b"*a%d" % (n - 1)] * 4) + b"]\n"
    yield "a billion laughs", laughs
    yield "an anchor in itself", b"a: &a {b: *a}"
    yield "merge keys", HEAD + b"a: &a {b: c}\n" + b"d:\n  <<: *a\n" * 1_000
    yield "nothing but zeros", bytes(CAP)
    yield "every byte", bytes(range(256)) * 1_000
    yield "UTF-16", "runbook: x\n".encode("utf-16")
    yield "UTF-16 without a mark", "runbook: x\n".encode("utf-16-le")
    yield "UTF-32", "runbook: x\n".encode("utf-32")
    yield "half a letter", b"title: \xc3"
    yield "a surrogate", b"title: \xed\xa0\x80"
    yield "controls", HEAD + b"title: \x1b]0;owned\x07\n" + STAGE
    yield "escaped controls", HEAD + b'title: "\\e]0;owned\\a\\u202e\\x9b"\nowner: [3]\n' + STAGE
    yield "a key of controls", HEAD + b'"\\e[31m\\u202e": 1\n' + STAGE
    yield "a directive of the future", b"%YAML 9.9\n---\na: b"
    yield "a tag directive", b"%TAG ! tag:x,2000:\n---\n!a b"
    yield "python", HEAD + b"title: !!python/object/apply:os.system ['id']"


def _expressions() -> Iterator[tuple[str, bytes]]:
    def check(cel: str) -> bytes:
        return (
            HEAD
            + b"checks: {a: {query: q, pass_when: '"
            + cel.encode()
            + b"'}}\nstages: [{id: a, verify: [{check: a}]}]"
        )

    ten = "[1,2,3,4,5,6,7,8,9,0]"
    yield "macros in macros", check(f"{ten}.all(a, {ten}.all(b, {ten}.all(c, {ten}.all(d, value < a + b + c + d))))")
    yield "two macros", check("[" + "1," * 200 + "1].all(a, [" + "1," * 200 + "1].all(b, value < a + b))")
    yield "brackets in an expression", check("(" * 3_000 + "value" + ")" * 3_000)
    yield "members in an expression", check("value" + ".a" * 120_000)
    yield "signs in an expression", check("!" * 100_000 + "value")
    yield "a sum in an expression", check("value < 1" + "+1" * 50_000)
    yield "a choice in an expression", check("value < 1 ? " * 100 + "true" + " : false" * 100)
    yield "a pattern in an expression", check('("a" + "b").matches("(x{1000}){1000}") || value < 1')
    yield (
        "many expressions",
        HEAD
        + STAGE
        + b"checks:\n"
        + b"".join(
            b" c%d: {query: q, pass_when: value < %d && value > 0.%d, fail_when: value > %d}\n"
            % (n, n + 9, n + 1, n + 9)
            for n in range(300)
        ),
    )
    inputs = b"".join(b" i%d: {type: string, pattern: '(?i)%s', default: a}\n" % (n, b"\\w" * 48) for n in range(50))
    yield "many patterns", HEAD + STAGE + b"inputs:\n" + inputs
    patterns = b"".join(
        b" c%d: {query: q, pass_when: 'string(value).matches(\"(x{1000}){1000}\")'}\n" % n for n in range(300)
    )
    yield "many patterns in expressions", HEAD + STAGE + b"checks:\n" + patterns
    yield "many embeddings", HEAD + b"lock: ['" + b"${{ site.id }}" * 18_000 + b"']\n" + STAGE
    yield "an embedding of braces", HEAD + b"lock: ['${{ " + b"{" * 250_000 + b"']\n" + STAGE
    yield "unclosed embeddings", HEAD + b"lock: ['" + b"${{ " * 60_000 + b"']\n" + STAGE
    yield (
        "a pattern that backtracks",
        (HEAD + b"inputs: {a: {type: string, pattern: '(a+)+b', default: " + b"a" * 900 + b"}}\n" + STAGE),
    )
    yield "a name nobody meant", HEAD + STAGE + b"on_abort: " + b"leaveundo" * 20_000

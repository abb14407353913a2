"""Rules on who may do what: stores, commits, the clock, the terminal, sleeping."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator

from tests.house.tree import Source

ROOM = re.compile(r"hookyard\.(?:core|features)\.\w+")
STORE = re.compile(r"(hookyard\.(?:core|features)\.\w+)\.(?:\w+\.)*(?:store|store_\w+|\w+_store)\b")
# why: these two put the tables of every room on one MetaData for migrations.
KNOW_EVERY_TABLE = ("src/hookyard/registry/__init__.py", "src/hookyard/bootstrap/yard.py")
TRANSACTION_CALLS = frozenset({"commit", "rollback", "begin", "begin_nested", "savepoint"})
TRANSACTION_SQL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|END)\b[ A-Z]*;?\s*")
CLOCK_CALLS = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
    }
)
SLEEP_CALLS = frozenset({"time.sleep", "asyncio.sleep"})


def foreign_stores(sources: Iterable[Source]) -> list[str]:
    """Imports of a room's store from outside that room."""
    return [
        f"{source.path}:{line} imports {name}"
        for source in sources
        if not source.under(*KNOW_EVERY_TABLE)
        for line, name in source.imports()
        if (match := STORE.match(name)) and room_of(source) != match[1]
    ]


def entries_without_tenant(sources: Iterable[Source]) -> list[str]:
    """Entries of the audit trail that do not say whose trail they belong to."""
    return [
        f"{source.path}:{node.lineno} names no tenant"
        for source in sources
        if not source.under("src/hookyard/core/audit")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and _needs_tenant(node) > len(node.args)
        and not any(keyword.arg == "tenant" for keyword in node.keywords)
    ]


def _needs_tenant(call: ast.Call) -> int:
    """How many arguments in order include the tenant; 0 where none is needed."""
    name = ast.unparse(call.func)
    if name == "AuditEntry":
        return 7
    return 6 if name.endswith("audit.done") else 0


def room_of(source: Source) -> str | None:
    """The room of `core` or `features` a module lives in."""
    match = ROOM.match(source.dotted)
    return match[0] if match else None


def commits_below_the_edge(sources: Iterable[Source]) -> list[str]:
    """Transactions begun or ended anywhere but in the database adapter."""
    return [
        f"{source.path}:{node.lineno} {what}"
        for source in sources
        if not source.under("src/hookyard/adapters/database")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        for what in transaction_words(node)
    ]


def transaction_words(call: ast.Call) -> Iterator[str]:
    """What a call says that only the database adapter may say."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in TRANSACTION_CALLS:
        yield f"calls {call.func.attr}()"
    for value in call.args:
        text = value.value if isinstance(value, ast.Constant) else None
        if isinstance(text, str) and TRANSACTION_SQL.fullmatch(text):
            yield f"sends {text.strip()}"


def prints(sources: Iterable[Source]) -> list[str]:
    """Calls of print outside the command line and the sandbox."""
    allowed = ("src/hookyard/entrypoints/cli", "src/hookyard_sandbox", "benchmarks")
    return calls(sources, frozenset({"print"}), allowed)


def own_clocks(sources: Iterable[Source]) -> list[str]:
    """The machine's time read anywhere but in the kit's clock."""
    return calls(sources, CLOCK_CALLS, ("src/hookyard/kit/clock.py",))


def own_sleeps(sources: Iterable[Source]) -> list[str]:
    """Waiting by other means than the kit's clock."""
    return calls(sources, SLEEP_CALLS, ("src/hookyard/kit/clock.py",))


def calls(sources: Iterable[Source], names: frozenset[str], allowed: tuple[str, ...]) -> list[str]:
    """Calls of functions by their full names, seen through import aliases.

    A pause of nothing (`sleep(0)`) is no waiting. A line that gives its reason (`# why:` on it or
    on the line above) is let through.
    """
    return [
        f"{source.path}:{node.lineno} calls {name}"
        for source in sources
        if not source.under(*allowed)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and (name := full_name(node.func, source.aliases)) in names
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
        and not gives_reason(source, node.lineno)
    ]


LAZY_DECODERS = frozenset({"msgspec.json.decode", "msgspec.convert"})
PLAIN_TYPES = frozenset({"dict", "list", "tuple", "str", "int", "float", "bool", "bytes"})


def lazy_decoders(sources: Iterable[Source]) -> list[str]:
    """Decoding into a class of ours whose decoder was not made when its module was imported.

    # why: msgspec fills in what it knows of a class at its first use, and a second thread that
    # uses it meanwhile reads half of that: the process ends with a segmentation fault.
    """
    return [
        f"{source.path}:{node.lineno} decodes into a class without a decoder of the module"
        for source in sources
        if source.under("src/hookyard/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and full_name(node.func, source.aliases) in LAZY_DECODERS
        and any(not _is_plain(kind) for kind in _wanted_types(node))
    ]


def _wanted_types(call: ast.Call) -> list[ast.expr]:
    return [word.value for word in call.keywords if word.arg == "type"] + call.args[1:2]


def _is_plain(kind: ast.expr) -> bool:
    names = {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}
    return names <= PLAIN_TYPES and not any(isinstance(n, ast.Attribute) for n in ast.walk(kind))


def full_name(node: ast.expr, known: dict[str, str]) -> str:
    """`dt.now` as `datetime.datetime.now`, by the file's imports; "" when it is no plain name."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, known)
        return f"{base}.{node.attr}" if base else ""
    return ""


def gives_reason(source: Source, line: int) -> bool:
    """Whether the line, or the one above it, carries a `# why:`."""
    return any("# why:" in text for text in source.text.splitlines()[max(0, line - 2) : line])


def kit_strangers(sources: Iterable[Source]) -> list[str]:
    """Imports of the kit that are neither standard library nor kit."""
    return [
        f"{source.path}:{line} imports {name}"
        for source in sources
        if source.under("src/hookyard/kit")
        for line, name in source.imports()
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("hookyard.kit")
    ]

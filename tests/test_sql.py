"""Every SQL statement of the program is understood by PostgreSQL with the schema of this version."""

import ast
import re
from collections.abc import Iterator

import asyncpg

from tests.source import PRODUCT, Module, modules

_COMMENTS = r"(\s*--[^\n]*\n)*\s*"
_STATEMENT = re.compile(_COMMENTS + r"(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|LOCK|NOTIFY|LISTEN)\b")
_RUNS_SQL = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"}


def statements(module: Module) -> Iterator[tuple[str, str]]:
    """The statements of a module, each with its place: constants, and texts given straight to a connection."""
    for line in module.tree.body:
        value = line.value if isinstance(line, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and _STATEMENT.match(value.value):
            yield module.at(line), value.value
    for node in module.nodes():
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _RUNS_SQL
            and node.args
        ):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _STATEMENT.match(first.value):
                yield module.at(node), first.value


async def test_every_statement_prepares(database: str) -> None:
    conn = await asyncpg.connect(database)
    tried, wrong = 0, []
    for module in modules(*PRODUCT):
        for place, statement in statements(module):
            tried += 1
            try:
                await conn.prepare(statement)
            except asyncpg.PostgresError as error:
                wrong.append(f"{place} {type(error).__name__}: {error}")
    await conn.close()
    assert wrong == []
    assert tried > 50  # else they are no longer found


def test_no_statement_is_pasted_together() -> None:
    pasted = [
        module.at(node)
        for module in modules(*PRODUCT)
        for node in module.nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _RUNS_SQL
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]
    # The one name in it is our own constant: PostgreSQL takes no parameter for the name of a database.
    assert [place for place in pasted if not place.startswith("bot/store/embedded_postgres.py:")] == []

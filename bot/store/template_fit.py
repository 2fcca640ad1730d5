"""The longest values on record that a template may have to hold."""

from typing import Any

from flows.wording import VALUE, Texts, cut, plain

LONGEST = """
SELECT (SELECT description FROM debt WHERE state IN ('open', 'agreed')
        ORDER BY length(description) DESC LIMIT 1) AS description,
       (SELECT k.name FROM customer k ORDER BY length(k.name) DESC LIMIT 1) AS name,
       (SELECT max(principal_cents) FROM debt WHERE state IN ('open', 'agreed'))::bigint AS cents
"""
_ANY: Texts = Texts("pt_BR", str)


async def longest(conn: Any) -> dict[str, str]:
    """Return the longest value of each parameter, written as a reminder writes it."""
    row = await conn.fetchrow(LONGEST)
    found = {"quando": "quarta-feira, 30/11", "vencimento": "30/11/2026", "quantidade": "100"}
    if row["name"]:
        found["nome"] = cut(plain(row["name"].split()[0]), VALUE)
    if row["description"]:
        found["descricao"] = cut(plain(row["description"]), VALUE)
    if row["cents"]:
        found["valor"] = _ANY.money(int(row["cents"]) * 2)
    return found

"""The databases that tests are given: whatever an earlier test did to one, the next finds what the migrations leave."""

import asyncpg
import pytest

from tests.databases import Databases, on_database

A_CUSTOMER = """
INSERT INTO customer (external_id, name, document, created_at, updated_at)
VALUES ('c1', 'Maria da Silva', '52998224725', now(), now()) RETURNING id
"""
OF_A_CUSTOMER = """
INSERT INTO debt (external_id, customer_id, description, principal_cents, open_principal_cents, due_on, created_at,
                  updated_at)
VALUES ('d1', 1, 'Mensalidade', 100, 100, '2026-10-01', now(), now())
"""
THAT_STAYS = """
INSERT INTO channel_event (at, kind, by) VALUES (now(), 'paused', 'Clara')
"""


async def after(databases: Databases, *statements: str) -> bool:
    """Do this in a database and give it back; whether the next is given the same one."""
    name = await databases.take()
    conn = await asyncpg.connect(on_database(databases.dsn, name))
    for statement in statements:
        await conn.execute(statement)
    await conn.close()
    await databases.give_back(name)
    following = await databases.take()
    await databases.give_back(following)
    return following == name


async def test_rows_are_gone_with_their_numbers_even_those_that_nobody_may_delete(databases: Databases) -> None:
    assert await after(databases, A_CUSTOMER, OF_A_CUSTOMER, THAT_STAYS)
    name = await databases.take()
    conn = await asyncpg.connect(on_database(databases.dsn, name))
    for nothing in ("customer", "debt", "channel_event", "ladder_plan"):
        assert await conn.fetchval(f"SELECT count(*) FROM {nothing}") == 0
    assert await conn.fetchval(A_CUSTOMER) == 1
    with pytest.raises(asyncpg.RestrictViolationError):  # the guards are there again
        await conn.execute(f"{THAT_STAYS}; DELETE FROM channel_event")
    await conn.close()
    await databases.give_back(name)


CHANGES = """
CREATE TABLE more (n int)
DROP TABLE schema_migration
ALTER TABLE debt ADD COLUMN more text
ALTER TABLE debt DISABLE TRIGGER ALL
ALTER TABLE debt DROP CONSTRAINT debt_pkey CASCADE
CREATE INDEX more ON debt (due_on)
CREATE OR REPLACE FUNCTION active_messages_flow(at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'
CREATE VIEW more AS SELECT 1
ANALYZE schema_migration
TRUNCATE debt CASCADE
UPDATE channel_state SET daily_limit = 250
DELETE FROM schema_migration WHERE number = 1
SELECT lo_create(0)
DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET search_path = public'; END $$
"""


@pytest.mark.parametrize("change", CHANGES.strip().splitlines())
async def test_a_database_that_was_changed_otherwise_is_given_to_nobody(databases: Databases, change: str) -> None:
    assert not await after(databases, change)


async def test_a_database_that_somebody_is_still_in_is_given_to_nobody(databases: Databases) -> None:
    name = await databases.take()
    inside = await asyncpg.connect(on_database(databases.dsn, name))
    await databases.give_back(name)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await inside.execute(A_CUSTOMER)
    await inside.close()

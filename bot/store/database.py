"""What it looks like when the database is away or too slow: for whoever waits for it, or says so politely."""

import asyncpg

# The connection is gone, through nobody's statement: what was being done can be done again.
GONE: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg's word for a connection that broke between two messages
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    OSError,
)
AWAY: tuple[type[Exception], ...] = (
    *GONE,
    asyncpg.OperatorInterventionError,  # a statement timed out
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    TimeoutError,
)
ANY_TROUBLE: tuple[type[Exception], ...] = (asyncpg.PostgresError, *AWAY)  # a loop outlives all of it

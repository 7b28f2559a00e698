"""The whole surface of the web role: every route of every page, in one table."""

from web.pages import (
    account,
    agent,
    callbacks,
    calls,
    duty,
    incidents,
    ledger,
    machines,
    messages,
    numbers,
    orders,
    recordings,
    seats,
    signin,
    stream,
    system,
    units,
    users,
)
from web.route import Table

TABLE: Table = (
    *signin.ROUTES,
    *account.ROUTES,
    *agent.ROUTES,
    *calls.ROUTES,
    *callbacks.ROUTES,
    *orders.ROUTES,
    *messages.ROUTES,
    *recordings.ROUTES,
    *incidents.ROUTES,
    *numbers.ROUTES,
    *duty.ROUTES,
    *seats.ROUTES,
    *users.ROUTES,
    *units.ROUTES,
    *ledger.ROUTES,
    *system.ROUTES,
    *stream.ROUTES,
    *machines.ROUTES,
)

"""The whole surface of the web role: every route of every page, in one table."""

from web.pages import (
    account,
    agent,
    callbacks,
    calls,
    incidents,
    machines,
    messages,
    orders,
    people,
    recordings,
    signin,
    stream,
    system,
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
    *people.ROUTES,
    *system.ROUTES,
    *stream.ROUTES,
    *machines.ROUTES,
)

"""The whole surface of the web role: every route of every page, in one table."""

from web.api import acts, describe, query
from web.api import orders as api_orders
from web.pages import (
    account,
    agent,
    calendar,
    callbacks,
    calls,
    duty,
    incidents,
    jobs,
    ledger,
    machines,
    messages,
    numbers,
    order_list,
    orders,
    policy,
    recordings,
    seats,
    signin,
    stream,
    system,
    tokens,
    units,
    users,
)
from web.route import Table

API: Table = (*api_orders.ROUTES, *acts.ROUTES, *query.ROUTES)
TABLE: Table = (
    *signin.ROUTES,
    *account.ROUTES,
    *agent.ROUTES,
    *calls.ROUTES,
    *callbacks.ROUTES,
    *order_list.ROUTES,
    *orders.ROUTES,
    *messages.ROUTES,
    *recordings.ROUTES,
    *incidents.ROUTES,
    *numbers.ROUTES,
    *duty.ROUTES,
    *seats.ROUTES,
    *policy.ROUTES,
    *calendar.ROUTES,
    *users.ROUTES,
    *units.ROUTES,
    *tokens.ROUTES,
    *ledger.ROUTES,
    *jobs.ROUTES,
    *system.ROUTES,
    *stream.ROUTES,
    *machines.ROUTES,
    *API,
    *describe.routes(API),
)

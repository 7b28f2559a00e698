"""The whole surface of the web role: every route of every page, in one table."""

from web.pages import account, machines, signin, stream
from web.route import Table

TABLE: Table = (
    *signin.ROUTES,
    *account.ROUTES,
    *stream.ROUTES,
    *machines.ROUTES,
)

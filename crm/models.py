"""All tables of this package."""

from crm.citizens import models as citizens
from crm.search import models as search
from crm.sms import models as sms
from crm.tickets import models as tickets

__all__ = ["citizens", "search", "sms", "tickets"]

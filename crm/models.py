"""All tables of this package."""

from crm.accuracy import models as accuracy
from crm.channels import models as channels
from crm.citizens import models as citizens
from crm.city import models as city
from crm.datarequests import models as datarequests
from crm.dossiers import models as dossiers
from crm.emergencies import models as emergencies
from crm.escalations import models as escalations
from crm.linkages import models as linkages
from crm.members import models as members
from crm.notices import models as notices
from crm.operations import models as operations
from crm.referrals import models as referrals
from crm.regulations import models as regulations
from crm.retention import models as retention
from crm.scoring import models as scoring
from crm.search import models as search
from crm.sms import models as sms
from crm.tickets import models as tickets
from crm.timers import models as timers

__all__ = [
    "accuracy",
    "channels",
    "citizens",
    "city",
    "datarequests",
    "dossiers",
    "emergencies",
    "escalations",
    "linkages",
    "members",
    "notices",
    "operations",
    "referrals",
    "regulations",
    "retention",
    "scoring",
    "search",
    "sms",
    "tickets",
    "timers",
]

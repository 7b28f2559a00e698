"""三员分立: system, security and audit administrators are three people, and none of them has a hand in orders."""

from itertools import combinations
from uuid import UUID

import pytest

from core.errors import Invalid
from core.identity.roles import require_fitting
from core.permissions import ADMINISTRATORS, GRANTS, PRIVILEGED, Permission, Role, granted

P = Permission
UNIT = UUID(int=1)
OF_ADMINISTRATORS = {
    Role.SYSTEM_ADMIN: {P.SYSTEM_VIEW, P.SYSTEM_ADMIN, P.LINE_ADMIN, P.UNIT_ADMIN, P.INCIDENT_VIEW, P.ROSTER_EDIT},
    Role.SECURITY_ADMIN: {P.USER_ADMIN, P.SYSTEM_VIEW},
    Role.AUDIT_ADMIN: {P.AUDIT_VIEW, P.POLICY_VIEW, P.SYSTEM_VIEW},
}
"""Settings, health and jobs; users; trails, the rules' versions among them: nothing that a citizen said or is."""


def test_whatever_roles_are_combined_an_administrator_is_nothing_else() -> None:
    for size in range(1, len(Role) + 1):
        for combined in map(frozenset, combinations(Role, size)):
            apart = not combined & ADMINISTRATORS or len(combined) == 1
            unit = UNIT if combined & {Role.UNIT_CLERK, Role.SECRECY_REVIEWER} else None
            if apart:
                require_fitting(combined, unit)
            else:
                with pytest.raises(Invalid, match="administrators-apart") as refused:
                    require_fitting(combined, unit)
                assert "三员分立" in refused.value.fields["roles"]


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_an_administrator_holds_what_administers_and_no_more(role: Role) -> None:
    assert GRANTS[role] == OF_ADMINISTRATORS[role]
    assert role in PRIVILEGED, "an administrator signs in with a second factor"
    with pytest.raises(Invalid, match="administrators-apart"):
        require_fitting(frozenset({role}), UNIT)


def test_what_one_administers_no_other_does() -> None:
    looks = {P.SELF, P.SYSTEM_VIEW}
    for one, other in combinations(ADMINISTRATORS, 2):
        assert granted(frozenset({one})) & granted(frozenset({other})) <= looks


@pytest.mark.parametrize("role", sorted(set(Role) - ADMINISTRATORS))
def test_nobody_else_makes_users_reads_the_ledger_or_administers_the_machine(role: Role) -> None:
    assert not GRANTS[role] & {P.USER_ADMIN, P.AUDIT_VIEW, P.SYSTEM_ADMIN, P.LINE_ADMIN}

"""Which roles one person may hold together, and whether that person needs a unit for them."""

from uuid import UUID

from core.errors import Invalid
from core.permissions import ADMINISTRATORS, Role


def misfit(roles: frozenset[Role], unit_id: UUID | None) -> str:
    """Why an account that was made before these rules does not hold with them; empty where it does."""
    try:
        require_fitting(roles, unit_id)
    except Invalid as error:
        return error.message
    return ""


def require_fitting(roles: frozenset[Role], unit_id: UUID | None) -> None:
    """Raise `Invalid` unless there is a role, administrators are nothing else (三员分立), and who works for a unit
    has one."""
    if not roles:
        raise Invalid("no-role", "请至少选择一个岗位。", fields={"roles": "请至少选择一个岗位。"})
    if roles & ADMINISTRATORS:
        if len(roles) > 1:
            sentence = (
                "系统管理员、安全管理员、审计管理员三员分立：一人只能担任其中一个，不能相互兼任，也不能兼任其他岗位。"
            )
            raise Invalid("administrators-apart", sentence, fields={"roles": sentence})
        if unit_id is not None:
            # else a colleague of the unit could make an administrator the B角 of its leader
            sentence = "系统管理员、安全管理员、审计管理员不参与办件，不属于任何成员单位。"
            raise Invalid("administrators-apart", sentence, fields={"unit_id": sentence})
    for role in (Role.UNIT_CLERK, Role.SECRECY_REVIEWER):
        if role in roles and unit_id is None:
            raise Invalid("no-unit", f"{role.label}必须属于一个单位。", fields={"unit_id": "请选择单位。"})

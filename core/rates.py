"""Rates 比率 as people read them, the same on every page and sheet. Pure."""


def per_cent(part: int, whole: int, mark: int = 100) -> str:
    """`66.7%`: one decimal, rounded half up; a dash where there is nothing to divide.

    What does not reach `mark` per cent is not rounded up to it, and what is not all is never `100.0%`.
    """
    if not whole:
        return "—"
    tenths = (2000 * part + whole) // (2 * whole)
    for missed in (mark, 100):
        if 100 * part < missed * whole and tenths >= 10 * missed:
            tenths = 10 * missed - 1
    return f"{tenths // 10}.{tenths % 10}%"

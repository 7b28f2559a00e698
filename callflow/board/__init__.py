"""The shift lead's board 班长看板: the line's service level, notes to the desks, and agents who ask for help."""

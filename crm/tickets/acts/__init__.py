"""What each act does: its input, the guards of its own, its effect; one file for each theme."""

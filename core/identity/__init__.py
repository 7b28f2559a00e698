"""People, their units, and how they prove who they are."""

"""From words to a draft order: what a machine proposes and a person confirms."""

"""Rules that the bureau decides: versions of the policy and of the calendar, proposed by one person and confirmed by
another; all that was ever in force stays readable (F06-1, D35)."""

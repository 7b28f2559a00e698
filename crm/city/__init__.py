"""City round trip 市级工单: orders that come down from the city centre as spreadsheets, and what goes back (D33)."""

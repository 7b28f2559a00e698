"""The work order 工单: its tables, its rules, its commands and queries."""

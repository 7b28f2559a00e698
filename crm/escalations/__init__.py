"""逐级汇报: who cannot tell whether a demand is to be accepted asks up the line, level by level (第十一条)."""

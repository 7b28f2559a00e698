"""知识库: items in versions from draft to retirement, found while one types, cited by answers (第十七条、第十八条)."""

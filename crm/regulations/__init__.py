"""依据库: the documents behind the rules, version by version, and which rule cites which article (第一条)."""

"""The rule console's side of the rules: previews, proposals and the import of notices (第六条(一), 第三十一条)."""

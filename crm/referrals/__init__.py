"""The referral directory 转接去向: who is to be turned to for what 12345 does not handle (第十一条)."""

"""What is done about it: citizens, work orders, drafts, dispatch, SMS."""

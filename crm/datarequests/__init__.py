"""个人信息申请: what a citizen may ask about the data held on him, within a state organ's limits."""

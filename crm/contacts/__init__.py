"""Duty contacts 值班联系人: whom of a unit to reach at any hour, checked, tried by test calls, gaps shown ahead."""

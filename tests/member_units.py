"""What a member unit's profile must hold, so that orders go to it without an override (第八条(一))."""

PROFILE = {
    "office": "办公室",
    "leader_name": "方建平",
    "leader_phone": "+8613000000001",
    "duty_phone": "+867935900001",
}

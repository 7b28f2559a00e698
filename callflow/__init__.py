"""Where the call goes: AMI, calls, queue, agents, numbers, call-backs."""

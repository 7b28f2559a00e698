"""What the caller hears: FastAGI flows, menus, prompts."""

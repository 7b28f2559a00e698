"""The program: command line, process roles, settings composed, subscribers wired."""

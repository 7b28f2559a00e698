"""Commands that live beside what they do, gathered for the command line."""

import typer

from hotline.setup import command as setup


def register(app: typer.Typer) -> None:
    """Add each module's commands to the program."""
    for module in (setup,):
        module.register(app)

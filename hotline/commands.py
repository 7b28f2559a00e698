"""Commands that live beside what they do, gathered for the command line."""

import typer

from hotline.setup import command as setup
from hotline.setup import doctor
from hotline.tools import demo_agent, healthy, place_call, speech_model


def register(app: typer.Typer) -> None:
    """Add each module's commands to the program."""
    for module in (setup, doctor, demo_agent, place_call, speech_model, healthy):
        module.register(app)

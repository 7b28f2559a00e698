"""The Asterisk Manager Interface: a small client of our own (docs/decisions/0006-own-ami-client.md)."""

from callflow.ami.client import AmiClient, State
from callflow.ami.wire import Message

__all__ = ["AmiClient", "Message", "State"]

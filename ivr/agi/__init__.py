"""FastAGI: Asterisk asks, a flow answers. A peer can be as hostile as it likes and harms only its own call."""

"""Builds the tiny test model from synthetic speech; needs requirements-speech-train.txt and libespeak-ng.

The model proves the path from audio to words. It says nothing of accuracy on real callers.
"""

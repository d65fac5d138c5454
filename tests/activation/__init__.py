"""Activation, tested against the sandbox platform: what it has at the end decides."""

"""The other end of a webhook: somebody's endpoint that keeps lists by what signed messages tell it."""

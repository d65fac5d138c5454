"""The pseudonym key of the tests. It is no secret: nothing real was ever hashed with it."""

from audience.core.masked import Secret

KEY = Secret("a-pseudonym-key-for-tests-only-0123456789")

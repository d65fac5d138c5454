"""What a row says of the currency of its amounts."""


def priced(currency: str | None, **moment: str) -> dict[str, str | None]:
    """Columns beside amounts: none where they are EUR; else `currency`, and `moment`, the instant of their rate, where
    the entity has none of its own. The columns `..._eur` then hold amounts in that currency: they are converted when the
    row is published.
    """
    return {} if currency == "EUR" else {"currency": currency, **moment}

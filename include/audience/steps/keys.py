"""Under which pseudonym keys the warehouse stands, and how it is brought under the newest."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audience.house import House
    from audience.privacy.keys import KeyState


def key_states(house: "House") -> "list[KeyState]":
    """Every key of the setting, in order, with the rows that need it."""
    from audience.privacy.keys import states

    with house.warehouse.vault.begin() as connection:
        return states(connection, house.settings.pseudonym_key)


def rotate_keys(house: "House") -> int:
    """Takes the keys that were added to the setting into every contact key. Gives the number of rows that changed."""
    from audience.activation import destinations
    from audience.privacy.keys import rotate

    named = destinations.knowing_by_key()
    with house.warehouse.vault.begin() as connection:
        return rotate(connection, house.settings.pseudonym_key, named_by_key=named)

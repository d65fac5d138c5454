"""The rules for people. Each block was kept because it finds pairs that the others miss (docs/identity.md)."""

from audience.identity.fuzzy.declaration import Block, Comparison, Rules

PEOPLE = Rules(
    blocks=(
        Block(("email",)),
        Block(("phone",)),
        Block(("reference",)),
        Block(("names",), then=("birth_year", "postal_code")),
        Block(("birth_date",), then=("last_sound", "first_letter", "postal_code")),
        Block(("postal_code",), then=("last_sound", "first_letter", "birth_year")),
        Block(("last_sound",), then=("first_letter", "birth_year", "postal_code")),
        Block(("first_sound",), then=("last_letter", "birth_year", "postal_code")),
        Block(("street",), then=("postal_code", "first_letter")),
        Block(("mailbox",), then=("first_letter",)),
    ),
    comparisons=(
        Comparison("first_name", how="first_name", common_values=True),
        Comparison("last_name", how="last_name", common_values=True),
        Comparison("birth_date", how="date", common_values=True, no_relative_from="close"),
        Comparison("address", how="address", common_values=True),
        Comparison("town", how="town", common_values=True),
        Comparison("email", how="email", common_values=True, no_relative_from="same mailbox name"),
        Comparison("phone", how="code", common_values=True),
        Comparison("reference", how="code", common_values=True, no_relative_from="close"),
    ),
)

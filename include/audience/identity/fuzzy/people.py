"""The rules for people. Each block was kept because it finds pairs that the others miss (docs/identity.md)."""

from audience.identity.fuzzy.declaration import Block, Comparison, Rules

PEOPLE = Rules(
    blocks=(
        Block(("email",), most_records=50),
        Block(("phone",), most_records=20),
        Block(("reference",), most_records=20),
        Block(("names",)),
        Block(("birth_date", "last_sound")),
        Block(("birth_date", "first_sound")),
        Block(("birth_date", "postal_code")),
        Block(("last_sound", "first_letter", "postal_code")),
        Block(("street", "postal_code"), most_records=50),
        Block(("mailbox",), most_records=20),
    ),
    comparisons=(
        Comparison("first_name", how="first_name", common_values=True),
        Comparison("last_name", how="last_name", common_values=True),
        Comparison("birth_date", how="date", common_values=True),
        Comparison("address", how="text"),
        Comparison("postal_code", how="place", common_values=True),
        Comparison("city", how="text", common_values=True),
        Comparison("email", how="email"),
        Comparison("phone", how="code"),
        Comparison("reference", how="code"),
    ),
)

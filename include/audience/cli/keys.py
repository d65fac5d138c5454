"""Commands about the keys of pseudonyms."""

import typer

from audience.cli.app import app, house
from audience.cli.screen import say, table

commands = typer.Typer(help="The keys of pseudonyms.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(commands, name="keys")


@commands.command()
def status() -> None:
    """Which keys there are, by their ids, and how many rows cannot be found again without each."""
    from audience import steps

    with house() as stores:
        found = steps.key_states(stores)
    table("Keys of pseudonyms", ("key", "in use for", "rows"), [(k.key_id, k.place, f"{k.rows:,}") for k in found])


@commands.command()
def rotate() -> None:
    """Take the keys that were added to AUDIENCE_PSEUDONYM_KEY into every contact key of the warehouse, at once.

    Give all processes the longer setting first. A push that runs stops, and the next one goes on. Doing it again changes
    nothing. Nobody's person_id changes, and nobody who was refused is written to, before, meanwhile or after.
    """
    from audience import steps

    with house() as stores:
        rows = steps.rotate_keys(stores)
    say(f"{rows:,} rows have new keys" if rows else "the warehouse has all keys of AUDIENCE_PSEUDONYM_KEY")

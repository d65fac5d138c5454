"""What statistics say of where people live: figures of a commune, which are nobody's own."""

from datetime import datetime

import ibis
import ibis.expr.types as ir
from ibis import _

FRENCH = ("FR", "BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "WF", "YT")
"""Countries of ISO 3166 whose postal codes are La Poste's. Of any other country the same digits are another place."""


def areas(addresses: ir.Table, places: ir.Table, postal_places: ir.Table, *, as_of: datetime) -> ir.Table:
    """Income and poverty around each person, by postal code, from the newest vintage that is known.

    Takes  addresses (`person_id`, `postal_code`, `country`), the entities `place` (its communes are used; a quarter cannot
           be told from a postal code) and `postal_place`.
    Gives  one row per person whose postal code is known to serve a commune: `area_median_income_eur`,
           `area_poverty_percent`. Unknown in every country that is not French, and where the figure is suppressed or
           missing for communes with more than half of the code's people.

    A code that serves several communes has the mean of their figures, weighted by their people. Of the medians that is an
    approximation: the median of several communes cannot be had from theirs. All figures are of one vintage, because INSEE
    advises against comparing two; a vintage describes a year and is not used for days of that year or before.
    """
    communes = places.filter((_.level == "commune") & (_.vintage < as_of.year))
    newest = communes.filter(communes.vintage == communes.vintage.max())
    served = postal_places.select("postal_code", "commune").distinct().join(newest, "commune")
    people = served.people.fill_null(1)

    def weighted(figure: ir.NumericValue) -> ir.FloatingValue:
        known = people.sum(where=figure.notnull())
        mean = (figure.cast("float64") * people).sum() / known
        return (known * 2 >= people.sum()).ifelse(mean, ibis.null("float64"))

    figures = served.group_by("postal_code").agg(
        area_median_income_eur=weighted(served.median_income_eur).round(2),
        area_poverty_percent=weighted(served.poverty_percent).round(2),
    )
    # "75 011" is 75011; spreadsheets take the zero off 01000.
    code = addresses.postal_code.re_replace(r"\s", "").lpad(5, "0")
    french = addresses.filter(addresses.country.isin(FRENCH)).select("person_id", postal_code=code)
    return french.join(figures, "postal_code").drop("postal_code")


def nowhere() -> ir.Table:
    """No person's area: what `areas` gives where there are no statistics."""
    return ibis.memtable(
        [], schema={"person_id": "string", "area_median_income_eur": "float64", "area_poverty_percent": "float64"}
    )

"""Tables computed from the entities: each partition holds the whole state as of its end, keyed by person."""

from audience.core.table import Column, Table

PERSON = Column("person_id", "text", "pseudonym of the person, the same for ever", required=True)

PERSON_KEY = Table(
    name="person_key",
    grain="one identifier of a person",
    key=("kind", "key"),
    columns=(
        Column("kind", "text", "record: '<source>:<record_id>'; email: keyed hash", required=True,
               one_of=("record", "email")),
        Column("key", "text", "the identifier, never in clear when it is personal", required=True),
        PERSON,
    ),
)  # fmt: skip

CUSTOMERS = Table(
    name="customers",
    grain="one person",
    key=("person_id",),
    columns=(
        PERSON,
        Column("email_key", "text", "keyed hash of the address to write to; null when there is none"),
        Column("first_seen_at", "instant", "when the earliest record of the person was made"),
        Column("records", "integer", "source records that are this person", required=True, at_least=1),
        Column("birth_year", "integer", "year of birth", at_least=1900, at_most=2100),
        Column("gender", "text", "as declared", one_of=("f", "m", "x")),
        Column("country", "text", "ISO 3166 alpha-2 code"),
        Column("region", "text", "first two characters of the postal code"),
        Column("household_size", "text", "people in the household: 1, 2, 3, 4, 5+"),
        Column("kids", "text", "children in the household: 0, 1, 2, 3+"),
        Column("income_band", "text", "yearly household income in thousands, as a band"),
        Column("nps", "integer", "latest answer to 'would you recommend us', points", at_least=0, at_most=10),
    ),
)

GOLDEN_SOURCE = Table(
    name="golden_source",
    grain="one attribute of a person of several records; a person of one record has everything from it",
    key=("person_id", "attribute"),
    columns=(
        PERSON,
        Column("attribute", "text", "column of the contact that the value comes from", required=True),
        Column("record_key", "text", "the record that told it: '<source>:<record_id>'", required=True),
        Column("source", "text", "the source of the record", required=True),
        Column("updated_at", "instant", "when the source last changed the record", required=True),
    ),
)

IDENTITY_CHANGE = Table(
    name="identity_change",
    grain="one person of the day before whose records are another person's now",
    key=("person_before", "person_after"),
    columns=(
        Column("person_before", "text", "whose the records were at the end of the day before", required=True),
        Column("person_after", "text", "whose they are now", required=True),
        Column(
            "what",
            "text",
            "merged into a person of the day before; moved to one, while others stayed; split off as a new person;"
            " renamed: everybody is there, and the record that gave the pseudonym is gone",
            required=True,
            one_of=("merged", "moved", "split", "renamed"),
        ),
        Column("records", "integer", "source records that moved", required=True, at_least=1),
        Column(
            "evidence", "text", "what connects them now, or what parted them: its kind, never a value", required=True
        ),
        Column("left_key", "text", "the record on one side of the evidence, where it is between two"),
        Column("right_key", "text", "the record on the other side"),
        Column("bits", "real", "how much speaks for one person, bits, where a model says so"),
    ),
)
"""Merges and splits of one day."""

MATCH_PAIR = Table(
    name="match_pair",
    grain="one pair of records that a trained model finds worth a look",
    key=("left_key", "right_key"),
    columns=(
        Column("left_key", "text", "the lower record key: '<source>:<record_id>'", required=True),
        Column("right_key", "text", "the higher record key", required=True),
        Column("match_weight", "real", "how much speaks for one person, bits", required=True),
        Column("match_probability", "real", "probability of one person, 0..1", required=True, at_least=0, at_most=1),
        Column(
            "may_be_relative",
            "boolean",
            "other first names, and nothing that relatives do not share: a person is asked, however probable",
            required=True,
        ),
        Column("said", "text", "JSON: of each comparison the level (-1: not known) and its bits", required=True),
    ),
)

_HASHED = (
    "first_name", "last_name", "birth_date", "address", "postal_code", "city", "email", "phone", "reference", "names",
    "last_sound", "first_sound", "first_letter", "last_letter", "birth_year", "mailbox", "street",
)  # fmt: skip

MATCH_STATE = Table(
    name="match_state",
    grain="one record that was compared",
    key=("record_key",),
    columns=(
        Column("record_key", "text", "the record: '<source>:<record_id>'", required=True),
        Column("told_hash", "integer", "keyed hash of all that it was compared by, 64 bits", required=True),
        *(
            Column(f"{part}_hash", "integer", f"keyed hash of its {part}, 64 bits; 0: not known; null: not asked for")
            for part in _HASHED
        ),
    ),
)
"""Which records changed since another day, and whom they may be: only their pairs are scored again. Written from 50,000
contacts on, on the days that are scored as a whole; it is needed until another day's is written.

Pseudonymous, as every keyed hash: without the key no value can be tried out, but equal values can be told, and of a hash with few
values (a first letter, a year of birth) their shares."""

FEATURES = Table(
    name="features",
    grain="one person",
    key=("person_id",),
    columns=(
        PERSON,
        Column("age_years", "integer", "age reached in the year of the partition, years"),
        Column("gender", "text", "as declared: f, m, x"),
        Column("country", "text", "ISO 3166 alpha-2 code"),
        Column("region", "text", "first two characters of the postal code"),
        Column("income_band", "text", "yearly household income in thousands, as a band"),
        Column("kids", "text", "children in the household: 0, 1, 2, 3+"),
        Column("nps", "integer", "latest answer to 'would you recommend us', points"),
        Column("area_median_income_eur", "real",
               "median disposable income per consumption unit and year around the postal code (INSEE), EUR"),
        Column("area_poverty_percent", "real", "people below 60 % of the national median around the postal code, percent"),
        Column("known_days", "integer", "whole days since the earliest record of the person"),
        Column("is_customer", "boolean", "has at least one paid order", required=True),
        Column("recency_days", "integer", "whole days since the last paid order"),
        Column("recency_hours", "integer", "whole hours since the last paid order"),
        Column("first_order_days", "integer", "whole days since the first paid order"),
        Column("orders_7d", "integer", "paid orders in the last 7 days", required=True),
        Column("orders_30d", "integer", "paid orders in the last 30 days", required=True),
        Column("orders_90d", "integer", "paid orders in the last 90 days", required=True),
        Column("orders_365d", "integer", "paid orders in the last 365 days (frequency)", required=True),
        Column("spend_30d_eur", "decimal", "paid in the last 30 days, EUR", required=True),
        Column("spend_90d_eur", "decimal", "paid in the last 90 days, EUR", required=True),
        Column("spend_365d_eur", "decimal", "paid in the last 365 days (monetary value), EUR", required=True),
        Column("basket_365d_eur", "real", "mean paid order of the last 365 days, EUR"),
        Column("discount_share_90d", "real", "discount / (paid + discount) of the last 90 days, 0..1"),
        Column("coupon_orders_365d", "integer", "paid orders with a coupon in the last 365 days", required=True),
        Column("favourite_category", "text", "category with most spend in the last 90 days"),
        Column("categories_90d", "integer", "distinct categories bought in the last 90 days", required=True),
        Column("recency_score", "integer", "quintile of recency among customers, 5 = most recent"),
        Column("frequency_score", "integer", "quintile of orders_365d among customers, 5 = most orders"),
        Column("monetary_score", "integer", "quintile of spend_365d_eur among customers, 5 = most spend"),
        Column("sent_90d", "integer", "e-mails sent to the person in the last 90 days", required=True),
        Column("opens_90d", "integer", "opens by people (not machines) in the last 90 days", required=True),
        Column("clicks_90d", "integer", "clicks by people (not bots) in the last 90 days", required=True),
        Column("last_open_days", "integer", "whole days since the last open by a person"),
        Column("last_click_days", "integer", "whole days since the last click by a person"),
    ),
)  # fmt: skip

IMPUTED = Table(
    name="imputed",
    grain="one person",
    key=("person_id",),
    columns=(
        PERSON,
        Column("filled_age_years", "integer", "age_years, or a guess where it is unknown, years"),
        Column("age_years_is_imputed", "boolean", "true when filled_age_years is a guess", required=True),
        Column("filled_income_band", "text", "income_band, or a guess where it is unknown"),
        Column("income_band_is_imputed", "boolean", "true when filled_income_band is a guess", required=True),
        Column("filled_kids", "text", "kids, or a guess where it is unknown: 0, 1, 2, 3+"),
        Column("kids_is_imputed", "boolean", "true when filled_kids is a guess", required=True),
        Column("imputed_by", "text", "version of the imputers: the day they were learned on, and a hash of them"),
    ),
)
"""Beside FEATURES, which keeps what is known: a rule that asks for `age_years` is never answered by a guess."""

SCORES = Table(
    name="scores",
    grain="one person",
    key=("person_id",),
    columns=(
        PERSON,
        Column("p_buy_30d", "real", "probability of a paid order in the next 30 days, 0..1", at_least=0, at_most=1),
        Column("cluster", "text", "name of the behavioural cluster"),
        Column("p_buy_30d_model", "text", "registered model version that gave p_buy_30d"),
        Column("cluster_model", "text", "registered model version that gave cluster"),
    ),
)

"""Canonical entities, one row per record of a source. Instants are UTC, amounts are in EUR, texts in their normal forms."""

from dataclasses import replace

from audience.core.table import Column, Table

EMAIL_KEY = Column("email_key", "text", "keyed hash of the canonical e-mail address", keyed_hash_of="email")
"""Only contacts keep an address in clear; everything else is told apart by its keyed hash."""

COUNTRY = Column("country", "text", "ISO 3166 alpha-2 code", matches=r"^[A-Z]{2}$", form="country", if_unusable="null")

CURRENCY = Column("currency", "text", "ISO 4217 code that the amounts came in; EUR when null", form="currency")
"""Amounts are in EUR all the same: at the reference rate of their day, see `audience.core.normal.currency`."""

GENDERS = (("female", "f"), ("woman", "f"), ("w", "f"), ("male", "m"), ("man", "m"), ("h", "m"), ("other", "x"),
           ("diverse", "x"), ("d", "x"), ("non_binary", "x"))  # fmt: skip
"""As forms write it in English, French and German."""

EXTRA = Column("extra", "text", "JSON of the fields that the source sent and its file does not know", personal=True)
"""Kept so that a field can be used later for the past too; personal, because nobody knows yet what it holds."""

PURPOSES = ("email_marketing", "profiling", "open_tracking", "click_tracking")
"""What a person can consent to, each on its own (EDPB 05/2020, paragraphs 42-45)."""

EVENT_TYPES = ("sent", "delivered", "open", "click", "soft_bounce", "hard_bounce", "complaint", "unsubscribe")
"""What can happen to one e-mail."""

CONTACT = Table(
    name="contact",
    grain="one person record of the source",
    key=("record_id",),
    columns=(
        Column("record_id", "text", "the source's own identifier of the record", required=True),
        Column("email", "text", "e-mail address as the source has it", personal=True),
        EMAIL_KEY,
        Column("phone", "text", "telephone as the source has it", personal=True),
        Column(
            "phone_e164",
            "text",
            "the same in E.164; a number without a country code is one of `country`",
            personal=True,
            form="e164",
            normal_of="phone",
            if_unusable="null",
        ),
        Column("first_name", "text", "given name", personal=True, form="words"),
        Column("last_name", "text", "family name", personal=True, form="words"),
        Column("birth_date", "day", "date of birth", personal=True, if_unusable="null"),
        Column(
            "gender", "text", "as declared by the person", form="category", one_of=("f", "m", "x"), synonyms=GENDERS
        ),
        Column("city", "text", "city of the postal address", personal=True, form="words"),
        Column("postal_code", "text", "postal code of the postal address", personal=True),
        COUNTRY,
        Column("customer_ref", "text", "identifier shared between systems: loyalty card, customer number"),
        Column("household_size", "text", "people in the household: 1, 2, 3, 4, 5+"),
        Column("kids", "text", "children in the household: 0, 1, 2, 3+"),
        Column("income_band", "text", "yearly household income in thousands, as a band: 50-74K"),
        Column("nps", "integer", "answer to 'would you recommend us', points", at_least=0, at_most=10),
        Column("created_at", "instant", "when the source made the record"),
        Column("updated_at", "instant", "when the source last changed the record", required=True),
        Column("is_deleted", "boolean", "true when the source says that the record is gone", required=True),
        EXTRA,
    ),
)

CONSENT = Table(
    name="consent",
    grain="one answer of one person for one purpose",
    key=("consent_id",),
    columns=(
        Column("consent_id", "text", "the source's own identifier of the answer", required=True),
        Column("record_id", "text", "the contact record of the same source, where there is one"),
        replace(EMAIL_KEY, required=True),
        Column("channel", "text", "what may be used", required=True, one_of=("email", "sms")),
        Column("purpose", "text", "what for", required=True, one_of=PURPOSES),
        Column("status", "text", "the answer", required=True, form="category", one_of=("granted", "withdrawn")),
        Column("captured_at", "instant", "when the person answered", required=True),
        Column("proof", "text", "reference of the evidence kept by the source (GDPR article 7(1))", required=True),
        Column("text_version", "text", "which wording the person saw"),
        EXTRA,
    ),
)

ORDER = Table(
    name="order",
    grain="one order",
    key=("order_id",),
    columns=(
        Column("order_id", "text", "the source's own identifier of the order", required=True),
        Column("record_id", "text", "the contact record of the same source; null for a guest"),
        EMAIL_KEY,
        Column("ordered_at", "instant", "when the order was placed", required=True),
        Column(
            "status",
            "text",
            "paid counts as a purchase",
            required=True,
            form="category",
            one_of=("paid", "cancelled", "refunded"),
        ),
        CURRENCY,
        Column(
            "total_eur",
            "decimal",
            "what was paid, EUR",
            required=True,
            at_least=-10_000,
            at_most=100_000,
            priced_on="ordered_at",
        ),
        Column(
            "discount_eur",
            "decimal",
            "reductions already taken off the total, EUR",
            required=True,
            at_least=0,
            priced_on="ordered_at",
        ),
        Column("has_coupon", "boolean", "true when a coupon was redeemed", required=True),
        Column("updated_at", "instant", "when the source last changed the order", required=True),
        EXTRA,
    ),
)

ORDER_LINE = Table(
    name="order_line",
    grain="one product of one order",
    key=("order_id", "line"),
    version_of=("order_id",),
    columns=(
        Column("order_id", "text", "the order", required=True),
        Column("line", "integer", "position in the order, from 1", required=True, at_least=1),
        Column("product_id", "text", "the product", required=True),
        Column("quantity", "integer", "pieces", required=True, at_least=0),
        Column("ordered_at", "instant", "when the order was placed, where the amounts came in another currency"),
        CURRENCY,
        Column(
            "amount_eur",
            "decimal",
            "what was paid for the line, EUR",
            required=True,
            at_least=-10_000,
            priced_on="ordered_at",
        ),
        Column(
            "discount_eur",
            "decimal",
            "reductions already taken off the amount, EUR",
            required=True,
            at_least=0,
            priced_on="ordered_at",
        ),
        EXTRA,
    ),
)

PRODUCT = Table(
    name="product",
    grain="one product",
    key=("product_id",),
    columns=(
        Column("product_id", "text", "the source's own identifier of the product", required=True),
        Column("title", "text", "what a customer reads", form="words"),
        Column("category", "text", "the shop's department", form="words"),
        Column("brand", "text", "brand or private label", form="words"),
        Column("updated_at", "instant", "when the source last changed the product", required=True),
        EXTRA,
    ),
)

EVENT = Table(
    name="event",
    grain="one event of one e-mail",
    key=("event_id",),
    columns=(
        Column("event_id", "text", "the source's own identifier of the event", required=True),
        Column("type", "text", "what happened", required=True, one_of=EVENT_TYPES),
        replace(EMAIL_KEY, required=True),
        Column("campaign_id", "text", "the campaign, where there is one"),
        Column("occurred_at", "instant", "when it happened", required=True),
        Column("received_at", "instant", "when the source knew of it", required=True),
        Column("is_machine", "boolean", "true for opens by mail privacy proxies, clicks by bots", required=True),
        EXTRA,
    ),
)

CAMPAIGN = Table(
    name="campaign",
    grain="one campaign",
    key=("campaign_id",),
    columns=(
        Column("campaign_id", "text", "the source's own identifier of the campaign", required=True),
        Column("title", "text", "name of the campaign"),
        Column("sent_at", "instant", "when it was sent", required=True),
        EXTRA,
    ),
)

WEB_EVENTS = (
    "page_view",
    "product_view",
    "search",
    "scroll",
    "time_on_page",
    "click",
    "add_to_cart",
    "remove_from_cart",
    "cart_abandoned",
    "checkout",
    "purchase",
    "download",
    "form",
    "login",
    "other",
)
"""What a visitor can do on the site or in the app."""

WEB_EVENT = Table(
    name="web_event",
    grain="one event of one visitor on the site or in the app",
    key=("event_id",),
    columns=(
        Column("event_id", "text", "the source's own identifier of the event", required=True),
        Column("type", "text", "what happened", required=True, one_of=WEB_EVENTS),
        Column("channel", "text", "where", required=True, one_of=("web", "app")),
        Column("visitor_id", "text", "cookie or installation identifier of the source", personal=True),
        Column("record_id", "text", "the person's record in the same source, when signed in"),
        EMAIL_KEY,
        Column("session_id", "text", "visit of the source"),
        Column("occurred_at", "instant", "when it happened", required=True),
        Column("path", "text", "path of the page, without query (which can hold personal data)"),
        Column("product_id", "text", "the product seen or put into the cart"),
        Column("category", "text", "category of the product or page", form="words"),
        Column("quantity", "integer", "pieces", at_least=0),
        CURRENCY,
        Column("value_eur", "decimal", "value of what was put into the cart or bought, EUR", priced_on="occurred_at"),
        Column("seconds", "integer", "time on the page, seconds", at_least=0, form="seconds"),
        Column(
            "scroll_percent",
            "integer",
            "how far the page was scrolled, percent",
            at_least=0,
            at_most=100,
            form="percent",
        ),
        Column(
            "device", "text", "kind of device", form="category", one_of=("desktop", "mobile", "tablet", "tv", "other")
        ),
        COUNTRY,
        Column("utm_source", "text", "where the visit came from, as tagged"),
        Column("utm_campaign", "text", "campaign the visit came from, as tagged"),
        Column("is_machine", "boolean", "true for robots", required=True),
        EXTRA,
    ),
)

SURVEY_ANSWER = Table(
    name="survey_answer",
    grain="one answer of one person to one question",
    key=("answer_id",),
    columns=(
        Column("answer_id", "text", "the source's own identifier: response and question", required=True),
        Column("survey_id", "text", "the survey", required=True),
        Column("survey_title", "text", "name of the survey"),
        Column("question_id", "text", "the question", required=True),
        Column("question", "text", "what was asked"),
        Column("record_id", "text", "the person's record in another system, where the survey was told"),
        EMAIL_KEY,
        Column("answer", "text", "what was answered", personal=True),
        Column("score", "real", "the answer where it is a number: points of the question's own scale"),
        Column("answered_at", "instant", "when the response was handed in", required=True),
        Column("is_deleted", "boolean", "true when the source says that the answer is gone", required=True),
        EXTRA,
    ),
)

PLACE = Table(
    name="place",
    grain="one area of one vintage of the statistics",
    key=("level", "code", "vintage"),
    columns=(
        Column("level", "text", "kind of area", required=True, one_of=("commune", "iris")),
        Column("code", "text", "INSEE code of the area", required=True),
        Column("vintage", "integer", "year that the figures describe", required=True, at_least=1990, at_most=2100),
        Column("commune", "text", "INSEE code of the commune the area lies in", required=True),
        Column("title", "text", "name of the area"),
        Column("households", "integer", "households of the area", at_least=0),
        Column("people", "real", "people in these households; a child in shared custody counts half in each", at_least=0),
        Column("median_income_eur", "decimal", "median disposable income per consumption unit and year, EUR"),
        Column("first_decile_eur", "decimal", "first decile of the same income, EUR"),
        Column("ninth_decile_eur", "decimal", "ninth decile of the same income, EUR"),
        Column("poverty_percent", "real", "people below 60 % of the national median, percent", at_least=0, at_most=100),
        Column("is_suppressed", "boolean", "true where a figure is null because it is not published: few people live there",
               required=True),
        EXTRA,
    ),
)  # fmt: skip

POSTAL_PLACE = Table(
    name="postal_place",
    grain="one postal code of one commune",
    key=("postal_code", "commune"),
    columns=(
        Column("postal_code", "text", "postal code", required=True),
        Column("commune", "text", "INSEE code of the commune", required=True),
        Column("title", "text", "name of the commune"),
        EXTRA,
    ),
)

EXCHANGE_RATE = Table(
    name="exchange_rate",
    grain="one currency on one day",
    key=("currency", "day"),
    columns=(
        Column("currency", "text", "ISO 4217 code", required=True, matches=r"^[A-Z]{3}$", form="currency"),
        Column("day", "day", "day of the rate", required=True),
        Column("per_eur", "real", "units of the currency for one EUR", required=True, at_least=0),
        EXTRA,
    ),
)

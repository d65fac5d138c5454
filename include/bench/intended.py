"""What is meant to catch each of the sandbox's corruptions: declared here, measured by `bench.faults`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["rejected", "blocked", "warned", "mended", "noted"]
"""Its rows wait in quarantine; nothing of the source is published; it is published and shown; what is published is what
would have been without it, and it is shown where a check is named; the field is kept and named."""


@dataclass(frozen=True)
class Intended:
    """The check that has to catch a corruption.

    Args:
        table: the entity whose check it is; empty where the extraction stops.
        check: the expectation in its own words, or what the error says.
        also: other checks of the source that are right to fail too.
    """

    outcome: Outcome
    table: str = ""
    check: str = ""
    also: tuple[str, ...] = ()


_STABLE = "is distributed as over 28 days: index below 0.25"
_VOLUME = "rows are at least 0.5 and at most 2 times the weekday's median"
_NEARLY_NONE = "rows are at least 0.01 times the weekday's median"
_SUM = "total_eur is the sum of order_line.amount_eur within 0.05 or 25% in 0.95 of the rows"
_LEFT = "order_id is a known order"
_CONTACT = "record_id is a known contact in 0.99 of the rows"
_REFUSED = "refused rows are at most 5%"

INTENDED: Mapping[str, Intended] = {
    "wrong_type": Intended("rejected", "order", "total_eur is of type decimal", (_LEFT,)),
    "missing_field": Intended("rejected", "order", "no row is refused: orders: no field 'coupon_used'"),
    "null_key": Intended("rejected", "order", "no row is refused: orders: id: expected text, found null"),
    "null_required": Intended("rejected", "order", "ordered_at is known", (_LEFT,)),
    "unknown_status": Intended("rejected", "order", "status is one of paid, cancelled, refunded", (_LEFT,)),
    "out_of_range": Intended("rejected", "contact", "nps is at least 0 and at most 10", (_CONTACT,)),
    "negative_quantity": Intended("rejected", "order_line", "quantity is at least 0"),
    "future_date": Intended("rejected", "order", "ordered_at is neither in the future nor before 1970-01-02", (_LEFT,)),
    "ancient_date": Intended(
        "rejected", "order", "ordered_at is neither in the future nor before 1970-01-02", (_LEFT,)
    ),
    "no_currency": Intended("rejected", "order", "currency is of type text, in the form of currency"),
    "unpriced_currency": Intended(
        "rejected", "order", "no row is refused: currency: no rate for JPY on the day or 7 days before"
    ),
    "huge_total": Intended("rejected", "order", "total_eur is at least -10000 and at most 100000", (_LEFT,)),
    "control_signs": Intended("rejected", "contact", "first_name is of type text, in the form of words", (_CONTACT,)),
    "anonymous_event": Intended("rejected", "event", "email_key is known"),
    "unknown_answer": Intended("rejected", "consent", "status is one of granted, withdrawn"),
    "orphan_line": Intended("warned", "order_line", _LEFT, ("total_eur is of type decimal",)),
    "broken_email": Intended("warned", "contact", "email_key is usable in 0.95 of the rows"),
    "wrong_country": Intended(
        "warned",
        "contact",
        "country is usable in 0.95 of the rows",
        # A number without a country code is one of its country.
        (f"country {_STABLE}", "phone_e164 is usable in 0.8 of the rows"),
    ),
    "impossible_birth": Intended("warned", "contact", "birth_date is usable in 0.95 of the rows"),
    "lost_letters": Intended("warned", "contact", "first_name matches ^[^\ufffd]*$ in 0.99 of the rows"),
    "null_column": Intended("warned", "contact", "email_key is known in 0.5 of the rows"),
    "orphan_order": Intended("warned", "order", "record_id is a known contact in 0.99 of the rows"),
    "orphan_consent": Intended("warned", "consent", "record_id is a known contact in 0.99 of the rows"),
    "unknown_product": Intended("warned", "order_line", "product_id is a known product in 0.99 of the rows"),
    "wrong_total": Intended("warned", "order", _SUM),
    "negative_price": Intended(
        "warned", "order", "total_eur is at least 0 in 0.9 of the rows", (f"amount_eur {_STABLE}",)
    ),
    "shifted_clock": Intended("warned", "order", "ordered_at is not in the future"),
    "retyped_field": Intended("blocked", "", "the system has changed"),
    "renamed_field": Intended("blocked", "", "the system has changed"),
    "cents_for_euros": Intended("warned", "order_line", f"amount_eur {_STABLE}"),
    "shifted_distribution": Intended("warned", "order_line", f"quantity {_STABLE}", (f"amount_eur {_STABLE}",)),
    "orphan_lines": Intended(
        "blocked",
        "order_line",
        "order_id is a known order in 0.5 of the rows",
        (_REFUSED, _LEFT, _VOLUME, "total_eur is of type decimal"),
    ),
    "reused_key": Intended("warned", "order", "order_id keeps its ordered_at in 0.99 of the rows"),
    "doubled_record": Intended("mended"),
    "looping_page": Intended(
        "mended",
        "order",
        "(order_id) comes once a day in 0.5 of the rows",
        ("(order_id, line) comes once a day in 0.5 of the rows",),
    ),
    "volume_drop": Intended("warned", "order", _VOLUME),
    "volume_spike": Intended("warned", "order", _VOLUME),
    "empty_reply": Intended("blocked", "order", _NEARLY_NONE, (_VOLUME,)),
    "stale_feed": Intended("blocked", "order", _NEARLY_NONE, (_VOLUME,)),
    "truncated_page": Intended("blocked", "", "the records changed while they were read"),
    "mojibake": Intended("mended"),
    "new_field": Intended("noted", "", "gift_wrap"),
}

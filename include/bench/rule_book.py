"""50 nested rules, each written twice: as a segment file has them, and by hand as SQL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audience.segments.parse_rule import RuleReader
from audience.segments.rule import Rule


@dataclass(frozen=True)
class Written:
    """One rule in both languages."""

    name: str
    members: Mapping[str, object]
    sql: str

    @property
    def rule(self) -> Rule:
        reader = RuleReader()
        found = reader.rule(dict(self.members), self.name)
        assert found is not None, reader.problems
        return found


def fifty_rules() -> list[Written]:
    """Ten forms with five thresholds each; unknown values are answered in every way a file can answer them."""
    return [form(step) for form in _FORMS for step in range(5)]


def _best_going_quiet(n: int) -> Written:
    members = {
        "all": [
            {"monetary_score": {"at_least": 5 - n % 3}},
            {"recency_days": {"between": [7 + n, 60 + n]}},
            {"not": {"nps": {"at_most": 6}, "if_unknown": "keep"}},
        ]
    }
    sql = f"monetary_score >= {5 - n % 3} and recency_days between {7 + n} and {60 + n} and coalesce(nps > 6, true)"
    return Written(f"best_going_quiet_{n}", members, sql)


def _coupons(n: int) -> Written:
    members = {
        "any": [
            {"coupon_orders_365d": {"above": n}},
            {"all": [{"discount_share_90d": {"at_least": n / 20}}, {"orders_90d": {"at_least": 3}}]},
        ]
    }
    return Written(
        f"coupons_{n}", members, f"coupon_orders_365d > {n} or (discount_share_90d >= {n / 20} and orders_90d >= 3)"
    )


def _countries(n: int) -> Written:
    some = ["DE", "AT", "CH", "FR", "BE"][: n + 1]
    members = {
        "all": [
            {"not": {"country": {"one_of": some}, "if_unknown": "keep"}},
            {"any": [{"gender": {"is": "f"}}, {"age_years": {"below": 40 + n}}]},
        ]
    }
    listed = ", ".join(f"'{c}'" for c in some)
    sql = f"coalesce(country not in ({listed}), true) and (gender = 'f' or age_years < {40 + n})"
    return Written(f"countries_{n}", members, sql)


def _likely(n: int) -> Written:
    share = (n + 3) / 10
    members = {
        "any": [
            {"p_buy_30d": {"at_least": share}},
            {"all": [{"p_buy_30d": {"known": False}}, {"orders_30d": {"above": n}}]},
        ]
    }
    return Written(f"likely_{n}", members, f"p_buy_30d >= {share} or (p_buy_30d is null and orders_30d > {n})")


def _opened(n: int) -> Written:
    members = {
        "all": [
            {"sent_90d": {"at_least": 1}},
            {"any": [{"opens_90d": {"at_least": n + 1}}, {"clicks_90d": {"at_least": 1}}]},
            {"not": {"last_open_days": {"above": 60 + 5 * n}, "if_unknown": "drop"}},
        ]
    }
    sql = f"sent_90d >= 1 and (opens_90d >= {n + 1} or clicks_90d >= 1) and last_open_days <= {60 + 5 * n}"
    return Written(f"opened_{n}", members, sql)


def _spenders(n: int) -> Written:
    low, high = 100 * (n + 1), 400 * (n + 1)
    members = {
        "all": [
            {"spend_365d_eur": {"between": [low, high]}},
            {"basket_365d_eur": {"above": 10 + n}},
            {"is_customer": {"is": True}},
        ]
    }
    sql = f"spend_365d_eur between {low} and {high} and basket_365d_eur > {10 + n} and is_customer"
    return Written(f"spenders_{n}", members, sql)


def _categories(n: int) -> Written:
    some = ["GROCERY", "DRUG GM", "PRODUCE", "MEAT", "COSMETICS"][: n + 1]
    members = {
        "any": [
            {"favourite_category": {"none_of": some, "if_unknown": "drop"}},
            {"all": [{"categories_90d": {"at_least": 5}}, {"kids": {"one_of": ["1", "2", "3+"]}}]},
        ]
    }
    listed = ", ".join(f"'{c}'" for c in some)
    sql = f"favourite_category not in ({listed}) or (categories_90d >= 5 and kids in ('1', '2', '3+'))"
    return Written(f"categories_{n}", members, sql)


def _newcomers(n: int) -> Written:
    days = 100 + 60 * n
    members = {
        "all": [
            {"known_days": {"at_most": days}},
            {"any": [{"first_order_days": {"known": False}}, {"first_order_days": {"below": days}}]},
            {"region": {"known": True}},
        ]
    }
    sql = f"known_days <= {days} and (first_order_days is null or first_order_days < {days}) and region is not null"
    return Written(f"newcomers_{n}", members, sql)


def _clusters(n: int) -> Written:
    kind = ["regular", "occasional", "bargain"][n % 3]
    members = {
        "all": [
            {"cluster": {"is": kind}},
            {"not": {"any": [{"frequency_score": {"at_most": n, "if_unknown": "drop"}}, {"orders_7d": {"above": 3}}]}},
        ]
    }
    sql = f"cluster = '{kind}' and not (coalesce(frequency_score <= {n}, false) or orders_7d > 3)"
    return Written(f"clusters_{n}", members, sql)


def _deep(n: int) -> Written:
    inner: dict[str, object] = {
        "any": [
            {"all": [{"recency_score": {"at_least": 4}}, {"recency_hours": {"below": 24 * (n + 2)}}]},
            {"not": {"all": [{"orders_90d": {"at_least": 10}}, {"spend_30d_eur": {"at_least": 50 + n}}]}},
        ]
    }
    members = {"all": [inner, {"not": {"income_band": {"is": "Under 15K"}, "if_unknown": "drop"}}]}
    sql = (
        f"((recency_score >= 4 and recency_hours < {24 * (n + 2)}) or not (orders_90d >= 10 and spend_30d_eur"
        f" >= {50 + n})) and income_band <> 'Under 15K'"
    )
    return Written(f"deep_{n}", members, sql)


_FORMS: tuple[Callable[[int], Written], ...] = (
    _best_going_quiet, _coupons, _countries, _likely, _opened, _spenders, _categories, _newcomers, _clusters, _deep,
)  # fmt: skip

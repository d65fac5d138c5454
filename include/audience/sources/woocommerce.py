"""WooCommerce: customer accounts, orders with their lines, products.

API     REST v3, `GET /orders` and `/products`, window on the time of change in UTC, oldest first; `GET /customers`
        cannot be asked for changes (woocommerce/woocommerce#41371), so it is read whole every day.
Grain   contact: one account, or the buyer of one order without an account; order: one order; order_line: one line item
        as it was sold; product: one product.
Units   amounts are in the order's currency with taxes; an order's total is what is left after refunds, its lines are
        not; times are UTC.
Limits  100 records a page; no limit of the API, the host's own applies.
Quirks  bounds are exclusive, and text is taken for the shop's local time even where the dates are in UTC, so an offset
        would move them; orders in the trash are cancelled and must be asked for by name, deleted ones are never told;
        an order that is not paid yet comes once it is; pages may lack records that the shop cannot load, so the totals
        of X-WP-TotalPages are not counted on; WooCommerce itself keeps no consent.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from typing_extensions import TypedDict

from audience.sources.contract import Field, Iso, Rest, Row, Source, Stream, Window, basic, priced, rest


class Billing(TypedDict):
    first_name: str
    last_name: str
    city: str
    postcode: str
    country: str
    email: str
    phone: str


class Customer(TypedDict):
    id: int
    email: str
    first_name: str
    last_name: str
    billing: Billing
    date_created_gmt: str
    date_modified_gmt: str | None


class LineItem(TypedDict):
    product_id: int
    quantity: int
    subtotal: str
    subtotal_tax: str
    total: str
    total_tax: str


class CouponLine(TypedDict):
    code: str


class Refund(TypedDict):
    total: str


class Order(TypedDict):
    id: int
    customer_id: int
    status: str
    currency: str
    total: str
    discount_total: str
    discount_tax: str
    date_created_gmt: str
    date_modified_gmt: str
    date_paid_gmt: str | None
    billing: Billing
    line_items: list[LineItem]
    coupon_lines: list[CouponLine]
    refunds: list[Refund]


class Category(TypedDict):
    name: str


class Product(TypedDict):
    id: int
    name: str
    categories: list[Category]
    date_modified_gmt: str


PAGE = 100

ORDER_STATUS = {
    "processing": "paid",
    "completed": "paid",
    "refunded": "refunded",
    "cancelled": "cancelled",
    "failed": "cancelled",
    "trash": "cancelled",
}
"""Shops add their own; those count as paid once there is a time of payment."""


def fetch_customers(api: Rest, _: Window) -> Iterator[Customer]:
    asked = {"role": "customer", "orderby": "id", "order": "asc", **_fields(Customer)}
    return api.by_overlap("wp-json/wc/v3/customers", "", lambda n: {**asked, **_page(n)}, limit=PAGE)


def fetch_orders(api: Rest, window: Window) -> Iterator[Order]:
    # "any" leaves out what is in the trash.
    for status in ("any", "trash"):
        yield from _changed(api, "orders", window, {"status": status, **_fields(Order)})


def fetch_products(api: Rest, window: Window) -> Iterator[Product]:
    return _changed(api, "products", window, {"status": "any", **_fields(Product)})


def _changed(api: Rest, kind: str, window: Window, wanted: dict[str, str]) -> Iterator[Any]:
    # An hour earlier: the shop reads the digits as local time and moves those of an hour that spring leaves out.
    after = window.start - timedelta(hours=1, seconds=1)
    asked = {
        "modified_after": after.replace(tzinfo=None).isoformat(),
        "modified_before": window.end.replace(tzinfo=None).isoformat(),
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        **wanted,
    }
    return api.by_overlap(f"wp-json/wc/v3/{kind}", "", lambda n: {**asked, **_page(n)}, limit=PAGE)


def _page(n: int) -> dict[str, int]:
    return {"offset": n, "per_page": PAGE}


def _fields(record: Any) -> dict[str, str]:
    return {"_fields": ",".join(record.__annotations__)}


def tidy_customer(record: Customer) -> Iterator[Row]:
    billing = record["billing"]
    yield (
        "contact",
        {
            "record_id": str(record["id"]),
            "email": record["email"] or None,
            "first_name": record["first_name"] or billing["first_name"] or None,
            "last_name": record["last_name"] or billing["last_name"] or None,
            **_address(billing),
            "created_at": _utc(record["date_created_gmt"]),
            "updated_at": _utc(record["date_modified_gmt"] or record["date_created_gmt"]),
            "is_deleted": False,
        },
    )


def tidy_order(record: Order) -> Iterator[Row]:
    status = ORDER_STATUS.get(record["status"], "paid" if record["date_paid_gmt"] else None)
    if status is None:
        return
    billing, is_guest = record["billing"], record["customer_id"] == 0
    yield (
        "order",
        {
            "order_id": str(record["id"]),
            "record_id": None if is_guest else str(record["customer_id"]),
            "email": billing["email"] or None,
            "ordered_at": _utc(record["date_created_gmt"]),
            "status": status,
            **priced(record["currency"]),
            "total_eur": str(
                Decimal(record["total"]) + sum((Decimal(r["total"]) for r in record["refunds"]), Decimal())
            ),
            "discount_eur": str(Decimal(record["discount_total"]) + Decimal(record["discount_tax"])),
            "has_coupon": bool(record["coupon_lines"]),
            "updated_at": _utc(record["date_modified_gmt"]),
        },
    )
    for position, line in enumerate(record["line_items"], start=1):
        paid = Decimal(line["total"]) + Decimal(line["total_tax"])
        yield (
            "order_line",
            {
                "order_id": str(record["id"]),
                "line": position,
                "product_id": str(line["product_id"]),
                "quantity": line["quantity"],
                **priced(record["currency"], ordered_at=_utc(record["date_created_gmt"])),
                "amount_eur": str(paid),
                "discount_eur": str(Decimal(line["subtotal"]) + Decimal(line["subtotal_tax"]) - paid),
            },
        )
    if is_guest:
        yield (
            "contact",
            {
                "record_id": f"order-{record['id']}",
                "email": billing["email"] or None,
                "first_name": billing["first_name"] or None,
                "last_name": billing["last_name"] or None,
                **_address(billing),
                "created_at": _utc(record["date_created_gmt"]),
                "updated_at": _utc(record["date_modified_gmt"]),
                "is_deleted": False,
            },
        )


def _address(billing: Billing) -> dict[str, str | None]:
    return {
        "phone": billing["phone"] or None,
        "city": billing["city"] or None,
        "postal_code": billing["postcode"] or None,
        "country": billing["country"] or None,
    }


def tidy_product(record: Product) -> Iterator[Row]:
    yield (
        "product",
        {
            "product_id": str(record["id"]),
            "title": record["name"],
            "category": record["categories"][0]["name"] if record["categories"] else None,
            "updated_at": _utc(record["date_modified_gmt"]),
        },
    )


def _utc(text: str) -> str:
    return f"{text}Z"


CHANGED = Iso("date_modified_gmt", zone="UTC")

SOURCE = Source(
    name="woocommerce",
    title="WooCommerce",
    system=rest(
        "woocommerce", "WooCommerce", auth=basic, check="wp-json/wc/v3/orders?per_page=1&_fields=id",
        fields=(
            Field("host", "Address of the shop", "https://shop.example", "With https: over http keys are refused."),
            Field("login", "Consumer key", "ck_...", "WooCommerce > Settings > Advanced > REST API, permission Read"),
            Field("password", "Consumer secret", is_secret=True),
        ),
    ),
    streams=(
        Stream(
            "customers", fetch_customers, tidy_customer, entities=("contact",), cursor=None,
            personal=("email", "first_name", "last_name", "billing.first_name", "billing.last_name", "billing.city",
                      "billing.postcode", "billing.email", "billing.phone"),
        ),
        Stream(
            "orders", fetch_orders, tidy_order, entities=("order", "order_line", "contact"), cursor=CHANGED,
            personal=("billing.first_name", "billing.last_name", "billing.city", "billing.postcode", "billing.email",
                      "billing.phone"),
        ),
        Stream("products", fetch_products, tidy_product, entities=("product",), cursor=CHANGED),
    ),
)  # fmt: skip

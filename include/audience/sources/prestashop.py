"""PrestaShop: customers with their answer to the newsletter, orders with their lines, products.

API     web service (`/api`), `GET /customers`, `/orders` and `/products`, both bounds of `date_upd` included, oldest
        first; `/currencies` and `/categories` for names. The key needs GET on these five.
Grain   contact: one customer, guests included; consent: a customer's present answer to the newsletter; order: one
        order; order_line: one row of an order as it was sold; product: one product.
Units   amounts are in the order's currency with taxes; reductions of catalogue prices are in the prices, so a line has
        none of its own; times are the shop's local ones, read in the time zone of the connection; in the hour that
        autumn repeats, its first pass is meant.
Limits  100 records a page; no limit of the API, the host's own applies.
Quirks  dates cannot be filtered without `date=1`; a reply without records is `[]`; numbers are texts or numbers, by the
        versions of PHP and PrestaShop (PrestaShop/PrestaShop#36836); states 6 and 7 are those that PrestaShop installs;
        an order that is not valid yet comes once it is; refunds are not taken off a total; a voucher and an automatic
        cart rule look alike; subscribers without an account are in a module's table, which the web service lacks.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import Field, Iso, Rest, Row, Source, Stream, Unusable, Window, priced, rest

Number = int | str
Amount = int | float | str
Flag = bool | int | str


class Customer(TypedDict):
    id: Number
    email: str
    firstname: str
    lastname: str
    birthday: str | None
    newsletter: Flag
    newsletter_date_add: str | None
    deleted: Flag
    date_add: str
    date_upd: str


class OrderRow(TypedDict):
    product_id: Number
    product_quantity: Number
    unit_price_tax_incl: Amount


class Rows(TypedDict):
    order_rows: NotRequired[list[OrderRow]]


class Order(TypedDict):
    id: Number
    id_customer: Number
    currency: str | None
    current_state: Number
    valid: Flag
    total_paid_tax_incl: Amount
    total_paid_real: Amount
    total_discounts_tax_incl: Amount
    date_add: str
    date_upd: str
    associations: NotRequired[Rows]


class Product(TypedDict):
    id: Number
    name: str
    category: str | None
    manufacturer_name: str | bool | None
    date_upd: str


PAGE = 100

CUSTOMER_FIELDS = "id,email,firstname,lastname,birthday,newsletter,newsletter_date_add,deleted,date_add,date_upd"
ORDER_FIELDS = (
    "id,id_customer,id_currency,current_state,valid,total_paid_tax_incl,total_paid_real,total_discounts_tax_incl,"
    "date_add,date_upd,order_rows[product_id,product_quantity,unit_price_tax_incl]"
)
PRODUCT_FIELDS = "id,name,id_category_default,manufacturer_name,date_upd"

STATES = {"6": "cancelled", "7": "refunded"}
"""`PS_OS_CANCELED` and `PS_OS_REFUND` as PrestaShop installs them."""


def fetch_customers(api: Rest, window: Window) -> Iterator[Customer]:
    return _changed(api, "customers", CUSTOMER_FIELDS, window)


def fetch_orders(api: Rest, window: Window) -> Iterator[Order]:
    currencies = _named(api, "currencies", "iso_code")
    for order in _changed(api, "orders", ORDER_FIELDS, window):
        order["currency"] = currencies.get(str(order.get("id_currency")))
        yield order


def fetch_products(api: Rest, window: Window) -> Iterator[Product]:
    categories = _named(api, "categories", "name")
    for product in _changed(api, "products", PRODUCT_FIELDS, window):
        product["category"] = categories.get(str(product.get("id_category_default")))
        yield product


def _changed(api: Rest, kind: str, fields: str, window: Window) -> Iterator[Any]:
    zone = api.connection.zone("time_zone")
    # An hour more: where the window ends in the second pass of a repeated hour, its records are dated to the first.
    bounds = [
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" for moment in (window.start, window.end + timedelta(hours=1))
    ]
    asked = {"filter[date_upd]": f"[{bounds[0]},{bounds[1]}]", "date": 1, "sort": "[date_upd_ASC,id_ASC]"}
    for record in _read(api, kind, fields, asked):
        yield {name: in_utc(value, zone.key) if "date" in name else value for name, value in record.items()}


def _named(api: Rest, kind: str, name: str) -> dict[str, str]:
    """What each identifier of this kind stands for."""
    return {str(r["id"]): r[name] for r in _read(api, kind, f"id,{name}", {"sort": "[id_ASC]"})}


def _read(api: Rest, kind: str, fields: str, asked: dict[str, Any]) -> Iterator[Any]:
    language = api.connection.extra.get("language") or 1
    asked = {"output_format": "JSON", "language": language, "display": f"[{fields}]", **asked}
    return api.by_overlap(f"api/{kind}", kind, lambda n: {**asked, "limit": f"{n},{PAGE}"}, limit=PAGE)


def in_utc(value: Any, zone: str) -> Any:
    """A local time as an instant; anything else as it came, such as the zeros that stand for no date."""
    try:
        return Iso("at", zone)({"at": value}).isoformat()
    except (ValueError, TypeError):
        return value


def tidy_customer(record: Customer) -> Iterator[Row]:
    identifier, is_deleted = str(record["id"]), _is_set(record["deleted"])
    yield (
        "contact",
        {
            "record_id": identifier,
            "email": record["email"],
            "first_name": record["firstname"],
            "last_name": record["lastname"],
            "birth_date": _date(record["birthday"]),
            "created_at": record["date_add"],
            "updated_at": record["date_upd"],
            "is_deleted": is_deleted,
        },
    )
    subscribed_at = _date(record["newsletter_date_add"])
    if subscribed_at and not is_deleted:
        # The date stays when somebody unsubscribes; then, it is known that the answer is not younger than the record.
        is_subscribed = _is_set(record["newsletter"])
        yield (
            "consent",
            {
                "consent_id": f"{identifier}:email_marketing",
                "record_id": identifier,
                "email": record["email"],
                "channel": "email",
                "purpose": "email_marketing",
                "status": "granted" if is_subscribed else "withdrawn",
                "captured_at": subscribed_at if is_subscribed else record["date_upd"],
                "proof": f"customer {identifier}: newsletter",
            },
        )


def tidy_order(record: Order) -> Iterator[Row]:
    if record["currency"] is None:
        raise Unusable("currency is not known")
    discount = Decimal(str(record["total_discounts_tax_incl"]))
    status = _status(record)
    if status is None:
        return
    yield (
        "order",
        {
            "order_id": str(record["id"]),
            "record_id": str(record["id_customer"]),
            "ordered_at": record["date_add"],
            "status": status,
            **priced(record["currency"]),
            "total_eur": str(record["total_paid_tax_incl"]),
            "discount_eur": str(discount),
            "has_coupon": discount > 0,
            "updated_at": record["date_upd"],
        },
    )
    for position, row in enumerate(record.get("associations", {}).get("order_rows", []), start=1):
        amount = Decimal(row["product_quantity"]) * Decimal(str(row["unit_price_tax_incl"]))
        yield (
            "order_line",
            {
                "order_id": str(record["id"]),
                "line": position,
                "product_id": str(row["product_id"]),
                "quantity": int(row["product_quantity"]),
                **priced(record["currency"], ordered_at=record["date_add"]),
                "amount_eur": str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP)),  # prices have six decimals
                "discount_eur": "0",
            },
        )


def _status(record: Order) -> str | None:
    """None while nothing was paid. An order that was, and is not valid any more, is in a state that a shop made."""
    if installed := STATES.get(str(record["current_state"])):
        return installed
    if _is_set(record["valid"]):
        return "paid"
    return "cancelled" if Decimal(str(record["total_paid_real"])) > 0 else None


def tidy_product(record: Product) -> Iterator[Row]:
    yield (
        "product",
        {
            "product_id": str(record["id"]),
            "title": record["name"],
            "category": record["category"],
            "brand": record["manufacturer_name"] or None,
            "updated_at": record["date_upd"],
        },
    )


def _is_set(flag: Flag) -> bool:
    return int(flag) == 1


def _date(text: str | None) -> str | None:
    return None if not text or text.startswith("0000") else text


def key_as_user(connection: Any, _: object) -> Any:
    """Basic authentication with the key as user and no password."""
    from requests.auth import HTTPBasicAuth

    return HTTPBasicAuth(connection.password.reveal(), "")


SOURCE = Source(
    name="prestashop",
    title="PrestaShop",
    system=rest(
        "prestashop", "PrestaShop", auth=key_as_user, check="api/orders?output_format=JSON&display=[id]&limit=1",
        fields=(
            Field("host", "Address of the shop", "https://shop.example"),
            Field("password", "Key", help="Advanced Parameters > Webservice; 32 characters", is_secret=True),
            Field("time_zone", "Time zone", "Europe/Paris", "International > Localization > Configuration"),
            Field("language", "Language of names", "1", "its ID in International > Localization > Languages; 1 if empty"),
        ),
    ),
    streams=(
        Stream(
            "customers", fetch_customers, tidy_customer, entities=("contact", "consent"), cursor="date_upd",
            personal=("email", "firstname", "lastname", "birthday"), deletions="in the record",
        ),
        Stream("orders", fetch_orders, tidy_order, entities=("order", "order_line"), cursor="date_upd",
               ignores=("id_currency",)),
        Stream("products", fetch_products, tidy_product, entities=("product",), cursor="date_upd",
               ignores=("id_category_default",)),
    ),
)  # fmt: skip

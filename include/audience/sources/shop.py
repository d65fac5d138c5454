"""The sandbox shop: customer accounts, orders with their lines, products.

API     REST, `GET /customers`, `/orders`, `/products`, half-open window on `updated_at`, numbered pages.
Grain   contact: one account; order: one order; order_line: one product of an order; product: one product.
Units   amounts have two decimals, in the currency of the order, reductions already taken off; times are UTC.
Limits  1,000 records a page, 100 requests a second, 429 with Retry-After beyond.
Quirks  an order that changes moves to the window of its change and leaves the old one; guests have no customer_id.
"""

from collections.abc import Iterator

from typing_extensions import TypedDict

from audience.sources.contract import Rest, Row, Source, Stream, Trust, Window, key, priced, rest


class Customer(TypedDict):
    id: str
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    city: str | None
    zip: str | None
    country_code: str | None
    customer_ref: str | None
    created_at: str
    updated_at: str


class Line(TypedDict):
    line: int
    product_id: str
    quantity: int
    amount: str
    discount: str


class Order(TypedDict):
    id: str
    customer_id: str | None
    email: str | None
    created_at: str
    status: str
    currency: str
    total: str
    discount: str
    coupon_used: bool
    lines: list[Line]
    updated_at: str


class Product(TypedDict):
    id: str
    title: str | None
    department: str | None
    brand: str | None
    updated_at: str


def fetch_customers(api: Rest, window: Window) -> Iterator[Customer]:
    return api.by_page("customers", "customers", _between(window))


def fetch_orders(api: Rest, window: Window) -> Iterator[Order]:
    return api.by_page("orders", "orders", _between(window))


def fetch_products(api: Rest, window: Window) -> Iterator[Product]:
    return api.by_page("products", "products", _between(window))


def tidy_customer(record: Customer) -> Iterator[Row]:
    yield (
        "contact",
        {
            "record_id": record["id"],
            "email": record["email"],
            "phone": record["phone"],
            "first_name": record["first_name"],
            "last_name": record["last_name"],
            "city": record["city"],
            "postal_code": record["zip"],
            "country": record["country_code"],
            "customer_ref": record["customer_ref"],
            "created_at": record["created_at"],
            "updated_at": record["updated_at"],
            "is_deleted": False,
        },
    )


def tidy_order(record: Order) -> Iterator[Row]:
    yield (
        "order",
        {
            "order_id": record["id"],
            "record_id": record["customer_id"],
            "email": record["email"],
            "ordered_at": record["created_at"],
            "status": record["status"],
            **priced(record["currency"]),
            "total_eur": record["total"],
            "discount_eur": record["discount"],
            "has_coupon": record["coupon_used"],
            "updated_at": record["updated_at"],
        },
    )
    for line in record["lines"]:
        yield (
            "order_line",
            {
                "order_id": record["id"],
                "line": line["line"],
                "product_id": line["product_id"],
                "quantity": line["quantity"],
                **priced(record["currency"], ordered_at=record["created_at"]),
                "amount_eur": line["amount"],
                "discount_eur": line["discount"],
            },
        )


def tidy_product(record: Product) -> Iterator[Row]:
    yield (
        "product",
        {
            "product_id": record["id"],
            "title": record["title"],
            "category": record["department"],
            "brand": record["brand"],
            "updated_at": record["updated_at"],
        },
    )


def _between(window: Window) -> dict[str, str | int]:
    return {"updated_from": window.start.isoformat(), "updated_to": window.end.isoformat(), "per_page": 1000}


SOURCE = Source(
    name="shop",
    title="Web shop",
    system=rest(
        "shop", "Web shop", auth=key("X-Api-Key"), requests_per_second=100,
        check="products?updated_from=2020-01-01T00:00:00Z&updated_to=2020-01-02T00:00:00Z",
    ),
    required=True,
    trust=Trust(rank=1),
    streams=(
        Stream(
            "customers", fetch_customers, tidy_customer, entities=("contact",), cursor="updated_at",
            personal=("email", "phone", "first_name", "last_name", "city", "zip"),
        ),
        Stream(
            "orders", fetch_orders, tidy_order, entities=("order", "order_line"), cursor="updated_at",
            personal=("email",),
        ),
        Stream(
            "products", fetch_products, tidy_product, entities=("product",), cursor="updated_at",
            ignores=("category", "created_at"),
        ),
    ),
)  # fmt: skip

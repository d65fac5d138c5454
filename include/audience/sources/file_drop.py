"""Files that other tools (NiFi, Talend, a database job) drop into a folder: contacts, consents, orders, products.

API     CSV, JSON lines or Parquet, plain or gzip, in UTF-8; the connection's extra names the files of each stream, such
        as `contacts-{day:%Y-%m-%d}*.csv`. Columns are named as those of the entity in docs/tables.md, with `email` for
        `email_key`; those that the entity requires are required, `is_deleted` aside.
Grain   contact, consent, order, order_line, product: one row of a file.
Units   amounts with a decimal point, in EUR or the row's `currency`; instants in ISO 8601 with their offset from UTC:
        2026-11-20T08:00:00+01:00.
Limits  1 MiB a line.
Quirks  a row is of the day in the name of its file, or of the file's last change in UTC where the name has none. A
        stream without a name is not read; one whose name has a day must have a file each day, a header alone where
        nothing changed. Lines of an order come again whole when one of them changes: the newest day's are the order's.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NotRequired, get_type_hints

from typing_extensions import TypedDict

from audience.sources.contract import Field, Files, Iso, Row, Source, Stream, Unusable, Window, files

Id = str | int
Text = str | None
Number = int | float | str
Flag = bool | str


class Placed(TypedDict):
    _file: str
    _day: str
    _offset: int


class Contact(Placed):
    record_id: Id
    email: NotRequired[Text]
    phone: NotRequired[Text]
    first_name: NotRequired[Text]
    last_name: NotRequired[Text]
    birth_date: NotRequired[Text]
    gender: NotRequired[Text]
    city: NotRequired[Text]
    postal_code: NotRequired[Id | None]
    country: NotRequired[Text]
    customer_ref: NotRequired[Id | None]
    household_size: NotRequired[Id | None]
    kids: NotRequired[Id | None]
    income_band: NotRequired[Text]
    nps: NotRequired[Number | None]
    created_at: NotRequired[Text]
    updated_at: str
    is_deleted: NotRequired[Flag | None]


class Consent(Placed):
    consent_id: Id
    record_id: NotRequired[Id | None]
    email: str
    channel: str
    purpose: str
    status: str
    captured_at: str
    proof: str
    text_version: NotRequired[Id | None]


class Order(Placed):
    order_id: Id
    record_id: NotRequired[Id | None]
    email: NotRequired[Text]
    ordered_at: str
    status: str
    currency: NotRequired[Text]
    total_eur: Number
    discount_eur: Number
    has_coupon: Flag
    updated_at: str


class OrderLine(Placed):
    order_id: Id
    line: Number
    product_id: Id
    quantity: Number
    ordered_at: NotRequired[Text]
    currency: NotRequired[Text]
    amount_eur: Number
    discount_eur: Number


class Product(Placed):
    product_id: Id
    title: NotRequired[Text]
    category: NotRequired[Text]
    brand: NotRequired[Text]
    updated_at: str


NAMED = ("contacts", "consents", "orders", "order_lines", "products")


def fetch_contacts(folder: Files, window: Window) -> Iterator[Contact]:
    return _records(folder, "contacts", window)


def fetch_consents(folder: Files, window: Window) -> Iterator[Consent]:
    return _records(folder, "consents", window)


def fetch_orders(folder: Files, window: Window) -> Iterator[Order]:
    return _records(folder, "orders", window)


def fetch_order_lines(folder: Files, window: Window) -> Iterator[OrderLine]:
    return _records(folder, "order_lines", window)


def fetch_products(folder: Files, window: Window) -> Iterator[Product]:
    return _records(folder, "products", window)


def _records(folder: Files, stream: str, window: Window) -> Iterator[Any]:
    extra = folder.connection.extra
    if not any(extra.get(name) for name in NAMED):
        folder.connection.setting(stream)  # raises: a folder of which nothing is read is a mistake
    if name := extra.get(stream):
        yield from folder.records(name, window, required="{day" in name)


def tidy_contact(record: Contact) -> Iterator[Row]:
    row = _columns(Contact, record, "created_at", "updated_at")
    yield "contact", row | {"is_deleted": row.get("is_deleted") or False}


def tidy_consent(record: Consent) -> Iterator[Row]:
    yield "consent", _columns(Consent, record, "captured_at")


def tidy_order(record: Order) -> Iterator[Row]:
    yield "order", _columns(Order, record, "ordered_at", "updated_at")


def tidy_order_line(record: OrderLine) -> Iterator[Row]:
    yield "order_line", _columns(OrderLine, record, "ordered_at")


def tidy_product(record: Product) -> Iterator[Row]:
    yield "product", _columns(Product, record, "updated_at")


def _columns(kind: type, record: Any, *instants: str) -> dict[str, Any]:
    """The record's columns that are the entity's. Raises Unusable for an instant of no time zone."""
    for name in instants:
        if record.get(name) and datetime.fromisoformat(record[name]).tzinfo is None:
            raise Unusable(f"{name} has no time zone")
    names = get_type_hints(kind).keys() - get_type_hints(Placed).keys()
    return {name: value for name, value in record.items() if name in names}


DAY_OF_FILE = Iso("_day", zone="UTC")

SOURCE = Source(
    name="file_drop",
    title="Files of other tools",
    system=files(
        "file_drop",
        "Files of other tools",
        fields=tuple(Field(name, f"Names of the files of {name}", f"{name}-{{day:%Y-%m-%d}}*.csv") for name in NAMED),
    ),
    streams=(
        Stream(
            "contacts", fetch_contacts, tidy_contact, entities=("contact",), cursor=DAY_OF_FILE, reread_days=1,
            personal=("email", "phone", "first_name", "last_name", "birth_date", "city", "postal_code"),
            deletions="in the record",
        ),
        Stream("consents", fetch_consents, tidy_consent, entities=("consent",), cursor=DAY_OF_FILE, reread_days=1,
               personal=("email",)),
        Stream("orders", fetch_orders, tidy_order, entities=("order",), cursor=DAY_OF_FILE, reread_days=1,
               personal=("email",)),
        Stream("order_lines", fetch_order_lines, tidy_order_line, entities=("order_line",), cursor=DAY_OF_FILE,
               reread_days=1),
        Stream("products", fetch_products, tidy_product, entities=("product",), cursor=DAY_OF_FILE, reread_days=1),
    ),
)  # fmt: skip

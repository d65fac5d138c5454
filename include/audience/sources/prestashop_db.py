"""PrestaShop's own database, for shops too large for its web service: the same rows, and the postal addresses.

API     MySQL or MariaDB, tables of PrestaShop 1.7 to 9: customer, address, country, orders, order_detail, currency,
        configuration, product, product_lang, category_lang, manufacturer; the reading account needs SELECT on these.
Grain   contact: one customer, guests included, with the newest address; consent: a customer's present answer to the
        newsletter; order: one order; order_line: one row of an order as it was sold; product: one product.
Units   amounts are in the order's currency with taxes; reductions of catalogue prices are in the prices, so a line has
        none of its own; times are the shop's local ones, read in the time zone of the connection.
Limits  `date_upd` has no index: every query reads its whole table, so use a replica, or the night.
Quirks  a date of zeros stands for none; an order that is not valid yet comes once it is; refunds are not taken off a
        total; a voucher and an automatic cart rule look alike; subscribers without an account are in a module's table.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from audience.sources.contract import Columns, Field, Source, Sql, Stream, Window, sql

if TYPE_CHECKING:
    from pyarrow import RecordBatch


class Contact(TypedDict):
    record_id: int
    email: str
    phone: str | None
    first_name: str
    last_name: str
    birth_date: str | None
    city: str | None
    postal_code: str | None
    country: str | None
    created_at: str
    updated_at: str
    is_deleted: int


class Consent(TypedDict):
    consent_id: str
    record_id: int
    email: str
    channel: str
    purpose: str
    status: str
    captured_at: str
    proof: str
    changed_at: str


class Order(TypedDict):
    order_id: int
    record_id: int
    ordered_at: str
    status: str
    currency: str | None
    total_eur: str
    discount_eur: str
    has_coupon: int
    updated_at: str


class Line(TypedDict):
    order_id: int
    line: int
    product_id: int
    quantity: int
    currency: str | None
    ordered_at: str | None
    amount_eur: str
    discount_eur: int
    changed_at: str


class Product(TypedDict):
    product_id: int
    title: str | None
    category: str | None
    brand: str | None
    updated_at: str


CONTACTS = """
SELECT c.id_customer AS record_id, c.email, COALESCE(NULLIF(a.phone_mobile, ''), a.phone) AS phone,
       c.firstname AS first_name, c.lastname AS last_name, IF(c.birthday > '1000-01-01', c.birthday, NULL) AS birth_date,
       a.city, a.postcode AS postal_code, n.iso_code AS country, c.date_add AS created_at,
       GREATEST(c.date_upd, COALESCE(a.date_upd, c.date_upd)) AS updated_at, c.deleted AS is_deleted
FROM {0}customer c
LEFT JOIN {0}address a ON a.id_address = (SELECT MAX(id_address) FROM {0}address WHERE id_customer = c.id_customer AND deleted = 0)
LEFT JOIN {0}country n ON n.id_country = a.id_country
WHERE (c.date_upd >= :local_start AND c.date_upd < :local_end) OR (a.date_upd >= :local_start AND a.date_upd < :local_end)
"""

# The date stays when somebody unsubscribes; then, it is known that the answer is not younger than the record.
CONSENTS = """
SELECT CONCAT(id_customer, ':', 'email_marketing') AS consent_id, id_customer AS record_id, email, 'email' AS channel,
       'email_marketing' AS purpose, IF(newsletter = 1, 'granted', 'withdrawn') AS status,
       IF(newsletter = 1, newsletter_date_add, date_upd) AS captured_at,
       CONCAT('customer ', id_customer, ': newsletter') AS proof, date_upd AS changed_at
FROM {0}customer
WHERE date_upd >= :local_start AND date_upd < :local_end AND newsletter_date_add > '1000-01-01' AND deleted = 0
"""

# A state that a shop made counts as cancelled where the order was paid and is not valid any more.
ORDERS = """
SELECT o.id_order AS order_id, o.id_customer AS record_id, o.date_add AS ordered_at,
       CASE WHEN o.current_state IN (SELECT value FROM {0}configuration WHERE name = 'PS_OS_REFUND') THEN 'refunded'
            WHEN o.current_state IN (SELECT value FROM {0}configuration WHERE name = 'PS_OS_CANCELED') THEN 'cancelled'
            WHEN o.valid = 1 THEN 'paid' ELSE 'cancelled' END AS status,
       NULLIF(m.iso_code, 'EUR') AS currency, o.total_paid_tax_incl AS total_eur, o.total_discounts_tax_incl AS discount_eur,
       o.total_discounts_tax_incl > 0 AS has_coupon, o.date_upd AS updated_at
FROM {0}orders o JOIN {0}currency m ON m.id_currency = o.id_currency
WHERE o.date_upd >= :local_start AND o.date_upd < :local_end AND (o.valid = 1 OR o.total_paid_real > 0 OR o.current_state IN
      (SELECT value FROM {0}configuration WHERE name IN ('PS_OS_REFUND', 'PS_OS_CANCELED')))
"""

LINES = """
SELECT d.id_order AS order_id, d.product_id, d.product_quantity AS quantity,
       (SELECT COUNT(*) FROM {0}order_detail b WHERE b.id_order = d.id_order AND b.id_order_detail <= d.id_order_detail) AS line,
       NULLIF(m.iso_code, 'EUR') AS currency, IF(m.iso_code = 'EUR', NULL, o.date_add) AS ordered_at,
       ROUND(d.total_price_tax_incl, 2) AS amount_eur, 0 AS discount_eur, o.date_upd AS changed_at
FROM {0}orders o JOIN {0}order_detail d ON d.id_order = o.id_order JOIN {0}currency m ON m.id_currency = o.id_currency
WHERE o.date_upd >= :local_start AND o.date_upd < :local_end AND (o.valid = 1 OR o.total_paid_real > 0 OR o.current_state IN
      (SELECT value FROM {0}configuration WHERE name IN ('PS_OS_REFUND', 'PS_OS_CANCELED')))
"""

PRODUCTS = """
SELECT p.id_product AS product_id, l.name AS title, c.name AS category, m.name AS brand, p.date_upd AS updated_at
FROM {0}product p
LEFT JOIN {0}product_lang l ON l.id_product = p.id_product AND l.id_shop = p.id_shop_default AND l.id_lang = :language
LEFT JOIN {0}category_lang c ON c.id_category = p.id_category_default AND c.id_shop = p.id_shop_default AND c.id_lang = :language
LEFT JOIN {0}manufacturer m ON m.id_manufacturer = p.id_manufacturer
WHERE p.date_upd >= :local_start AND p.date_upd < :local_end
"""


def fetch_contacts(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return _read(db, CONTACTS, window)


def fetch_consents(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return _read(db, CONSENTS, window)


def fetch_orders(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return _read(db, ORDERS, window)


def fetch_lines(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return _read(db, LINES, window)


def fetch_products(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return _read(db, PRODUCTS, window, language=db.connection.extra.get("language") or 1)


def _read(db: Sql, query: str, window: Window, **values: object) -> "Iterator[RecordBatch]":
    return db.batches(query.format(db.identifier("prefix", "ps_")), window, **values)


SOURCE = Source(
    name="prestashop_db",
    title="PrestaShop's database",
    system=sql(
        "prestashop_db", "PrestaShop's database",
        fields=(
            Field("prefix", "Table prefix", "ps_", "`database_prefix` in app/config/parameters.php; ps_ if empty"),
            Field("language", "Language of names", "1", "its ID in International > Localization > Languages; 1 if empty"),
        ),
    ),
    streams=(
        Stream(
            "customers", fetch_contacts, Columns("contact", Contact), entities=("contact",), cursor="updated_at",
            personal=("email", "phone", "first_name", "last_name", "birth_date", "city", "postal_code"),
            deletions="in the record",
        ),
        Stream(
            "newsletter", fetch_consents, Columns("consent", Consent), entities=("consent",), cursor="changed_at",
            personal=("email",),
        ),
        Stream("orders", fetch_orders, Columns("order", Order), entities=("order",), cursor="updated_at"),
        Stream("lines", fetch_lines, Columns("order_line", Line), entities=("order_line",), cursor="changed_at"),
        Stream("products", fetch_products, Columns("product", Product), entities=("product",), cursor="updated_at"),
    ),
)  # fmt: skip

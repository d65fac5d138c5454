"""Shopify: customers with their answer to e-mail marketing, orders with their lines, products.

API     GraphQL Admin 2026-10, `customers`, `orders` and `products`, half-open window on `updated_at`, oldest first.
        Needs the scopes read_customers, read_orders (read_all_orders beyond 60 days), read_products and, for names and
        addresses, access to protected customer data.
Grain   contact: one customer, buyers without an account included; consent: a customer's present answer to e-mail
        marketing; order: one order; order_line: one line item as it was sold; product: one product.
Units   amounts are in the shop's currency with taxes as shown to the buyer; an order's total is what is left after
        refunds, its lines are not; identifiers are Shopify's numbers; times are UTC.
Limits  100 to 2,000 points a second by plan, 1,000 points a query; 250 customers or products a page, 25 orders; lists
        end after 25,000 objects, then it is asked again from the last change on. A long history is read with a first
        day and takes hours for millions of orders.
Quirks  a moment without quotes stands for its whole day; a query without points left is answered 200 with THROTTLED; an
        order that is not paid yet comes once it is; test orders are left out; a line whose product is gone has its own
        identifier as product; an opt-in of unknown level is no consent; erased customers and deleted products are told
        by webhooks only.
"""

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from audience.sources.contract import Field, Rest, Row, Source, SourceUnavailable, Stream, Window, key, priced, rest

if TYPE_CHECKING:
    from requests import Response


class EmailAddress(TypedDict):
    emailAddress: str
    marketingState: str
    marketingOptInLevel: str | None
    marketingUpdatedAt: str | None


class PhoneNumber(TypedDict):
    phoneNumber: str


class Address(TypedDict):
    city: str | None
    zip: str | None
    countryCodeV2: str | None


class Customer(TypedDict):
    legacyResourceId: str
    firstName: str | None
    lastName: str | None
    defaultEmailAddress: EmailAddress | None
    defaultPhoneNumber: PhoneNumber | None
    defaultAddress: Address | None
    createdAt: str
    updatedAt: str


class Money(TypedDict):
    amount: str
    currencyCode: str


class MoneyBag(TypedDict):
    shopMoney: Money


class Allocation(TypedDict):
    allocatedAmountSet: MoneyBag


class Reference(TypedDict):
    legacyResourceId: str


class LineItem(TypedDict):
    id: str
    quantity: int
    product: Reference | None
    originalTotalSet: MoneyBag
    discountAllocations: list[Allocation]


class PageInfo(TypedDict):
    hasNextPage: bool


class LineItems(TypedDict):
    nodes: list[LineItem]
    pageInfo: PageInfo


class Order(TypedDict):
    legacyResourceId: str
    customer: Reference | None
    email: str | None
    processedAt: str
    cancelledAt: str | None
    test: bool
    displayFinancialStatus: str | None
    currentTotalPriceSet: MoneyBag
    currentTotalDiscountsSet: MoneyBag
    discountCodes: list[str]
    lineItems: LineItems
    updatedAt: str


class Product(TypedDict):
    legacyResourceId: str
    title: str
    productType: str
    vendor: str
    updatedAt: str


GRAPHQL = "admin/api/2026-10/graphql.json"

LONGEST_LIST = 25_000
"""Objects that a list is paged through (https://shopify.dev/docs/api/usage/limits, pagination limits)."""

CUSTOMERS = """query Customers($changed: String!, $after: String) {
  customers(first: 250, after: $after, query: $changed, sortKey: UPDATED_AT) {
    nodes {
      legacyResourceId
      firstName
      lastName
      defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt }
      defaultPhoneNumber { phoneNumber }
      defaultAddress { city zip countryCodeV2 }
      createdAt
      updatedAt
    }
    pageInfo { hasNextPage endCursor }
  }
}"""

LINE_FIELDS = """fragment Lines on LineItemConnection {
  nodes {
    id
    quantity
    product { legacyResourceId }
    originalTotalSet { shopMoney { amount currencyCode } }
    discountAllocations { allocatedAmountSet { shopMoney { amount currencyCode } } }
  }
  pageInfo { hasNextPage endCursor }
}"""

ORDERS = f"""query Orders($changed: String!, $after: String) {{
  orders(first: 25, after: $after, query: $changed, sortKey: UPDATED_AT) {{
    nodes {{
      legacyResourceId
      customer {{ legacyResourceId }}
      email
      processedAt
      cancelledAt
      test
      displayFinancialStatus
      currentTotalPriceSet {{ shopMoney {{ amount currencyCode }} }}
      currentTotalDiscountsSet {{ shopMoney {{ amount currencyCode }} }}
      discountCodes
      lineItems(first: 250) {{ ...Lines }}
      updatedAt
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
{LINE_FIELDS}"""

LINES = f"""query LinesOfOrder($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 250, after: $after) {{ ...Lines }} }}
}}
{LINE_FIELDS}"""

PRODUCTS = """query Products($changed: String!, $after: String) {
  products(first: 250, after: $after, query: $changed, sortKey: UPDATED_AT) {
    nodes { legacyResourceId title productType vendor updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}"""

ORDER_STATUS = {
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "paid",
    "REFUNDED": "refunded",
    "VOIDED": "cancelled",
}
"""Of `displayFinancialStatus`; what is pending, authorized, expired or partially paid is no purchase yet."""

OPT_INS = ("SINGLE_OPT_IN", "CONFIRMED_OPT_IN")
"""Levels of the M3AAWG that say how a person agreed."""


def fetch_customers(api: Rest, window: Window) -> Iterator[Customer]:
    return _changed(api, CUSTOMERS, "customers", window)


def fetch_orders(api: Rest, window: Window) -> Iterator[Order]:
    for order in _changed(api, ORDERS, "orders", window):
        if order["lineItems"]["pageInfo"]["hasNextPage"]:
            asked = {"id": f"gid://shopify/Order/{order['legacyResourceId']}"}
            order["lineItems"]["nodes"] = list(api.by_graphql(GRAPHQL, LINES, asked, connection="order.lineItems"))
        yield order


def fetch_products(api: Rest, window: Window) -> Iterator[Product]:
    return _changed(api, PRODUCTS, "products", window)


def _changed(api: Rest, query: str, connection: str, window: Window) -> Iterator[Any]:
    """Every object of the window, past the end of the longest list too.

    Raises SourceUnavailable when more objects changed in one second than a list can hold.
    """
    start, end = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (window.start, window.end))
    before: set[str] = set()
    while True:
        asked = {"changed": f"updated_at:>='{start}' updated_at:<'{end}'"}
        objects, last, of_last = 0, start, set[str]()
        for node in islice(api.by_graphql(GRAPHQL, query, asked, connection=connection), LONGEST_LIST):
            objects += 1
            if node["updatedAt"] != last:
                last, of_last = node["updatedAt"], set()
            of_last.add(node["legacyResourceId"])
            if node["legacyResourceId"] not in before:
                yield node
        if objects < LONGEST_LIST:
            return
        if last == start:
            raise SourceUnavailable(f"{api.connection.name}: more than {LONGEST_LIST} {connection} changed at once")
        start, before = last, of_last


def tidy_customer(record: Customer) -> Iterator[Row]:
    email, phone = record["defaultEmailAddress"], record["defaultPhoneNumber"]
    address: Any = record["defaultAddress"] or {}
    yield (
        "contact",
        {
            "record_id": record["legacyResourceId"],
            "email": email["emailAddress"] if email else None,
            "phone": phone["phoneNumber"] if phone else None,
            "first_name": record["firstName"],
            "last_name": record["lastName"],
            "city": address.get("city"),
            "postal_code": address.get("zip"),
            "country": address.get("countryCodeV2"),
            "created_at": record["createdAt"],
            "updated_at": record["updatedAt"],
            "is_deleted": False,
        },
    )
    if email and (status := _answer(email)):
        yield (
            "consent",
            {
                "consent_id": f"{record['legacyResourceId']}:email_marketing",
                "record_id": record["legacyResourceId"],
                "email": email["emailAddress"],
                "channel": "email",
                "purpose": "email_marketing",
                "status": status,
                "captured_at": email["marketingUpdatedAt"] or record["updatedAt"],
                "proof": f"customer {record['legacyResourceId']}: {email['marketingState']}, {email['marketingOptInLevel']}",
            },
        )


def _answer(email: EmailAddress) -> str | None:
    if email["marketingState"] == "UNSUBSCRIBED":
        return "withdrawn"
    proven = email["marketingOptInLevel"] in OPT_INS and email["marketingUpdatedAt"]
    return "granted" if email["marketingState"] == "SUBSCRIBED" and proven else None


def tidy_order(record: Order) -> Iterator[Row]:
    if record["test"]:
        return
    total = record["currentTotalPriceSet"]["shopMoney"]
    status = ORDER_STATUS.get(record["displayFinancialStatus"] or "")
    if record["cancelledAt"] and status != "refunded":
        status = "cancelled"
    if status is None:
        return
    yield (
        "order",
        {
            "order_id": record["legacyResourceId"],
            "record_id": record["customer"]["legacyResourceId"] if record["customer"] else None,
            "email": record["email"],
            "ordered_at": record["processedAt"],
            "status": status,
            **priced(total["currencyCode"]),
            "total_eur": total["amount"],
            "discount_eur": record["currentTotalDiscountsSet"]["shopMoney"]["amount"],
            "has_coupon": bool(record["discountCodes"]),
            "updated_at": record["updatedAt"],
        },
    )
    for position, line in enumerate(record["lineItems"]["nodes"], start=1):
        # Reductions of the whole order are allocated to its lines too.
        discount = sum((_amount(a["allocatedAmountSet"]) for a in line["discountAllocations"]), Decimal())
        yield (
            "order_line",
            {
                "order_id": record["legacyResourceId"],
                "line": position,
                "product_id": line["product"]["legacyResourceId"] if line["product"] else line["id"],
                "quantity": line["quantity"],
                **priced(total["currencyCode"], ordered_at=record["processedAt"]),
                "amount_eur": str(_amount(line["originalTotalSet"]) - discount),
                "discount_eur": str(discount),
            },
        )


def _amount(bag: MoneyBag) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def tidy_product(record: Product) -> Iterator[Row]:
    yield (
        "product",
        {
            "product_id": record["legacyResourceId"],
            "title": record["title"],
            "category": record["productType"] or None,
            "brand": record["vendor"] or None,
            "updated_at": record["updatedAt"],
        },
    )


def throttling(response: "Response") -> int:
    """429 with the seconds to wait for a query that was refused because its points were used up."""
    if response.status_code != 200 or b"THROTTLED" not in response.content:
        return response.status_code
    reply = response.json()
    if not any(error.get("extensions", {}).get("code") == "THROTTLED" for error in reply.get("errors") or ()):
        return 200
    cost = reply["extensions"]["cost"]
    bucket = cost["throttleStatus"]
    missing = cost["requestedQueryCost"] - bucket["currentlyAvailable"]
    response.headers["Retry-After"] = str(max(1, math.ceil(missing / bucket["restoreRate"])))
    return 429


SOURCE = Source(
    name="shopify",
    title="Shopify",
    system=rest(
        "shopify", "Shopify", auth=key("X-Shopify-Access-Token"), check="admin/oauth/access_scopes.json",
        status=throttling,
        fields=(
            Field("host", "Address of the shop", "https://example.myshopify.com"),
            Field("password", "Admin API access token", help="of an app of the shop: Settings > Apps", is_secret=True),
        ),
    ),
    streams=(
        Stream(
            "customers", fetch_customers, tidy_customer, entities=("contact", "consent"), cursor="updatedAt",
            personal=("defaultEmailAddress.emailAddress", "defaultPhoneNumber.phoneNumber", "firstName", "lastName",
                      "defaultAddress.city", "defaultAddress.zip"),
        ),
        Stream("orders", fetch_orders, tidy_order, entities=("order", "order_line"), cursor="updatedAt",
               personal=("email",)),
        Stream("products", fetch_products, tidy_product, entities=("product",), cursor="updatedAt"),
    ),
)  # fmt: skip

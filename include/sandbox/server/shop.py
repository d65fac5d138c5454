"""The shop: customers, orders with their lines, products. `X-Api-Key: sandbox-shop-key`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from sandbox.server.errors import new_app
from sandbox.server.paging import by_page
from sandbox.world.shelf import Shelf

KEY = "sandbox-shop-key"


def shop_app(*, customers: Shelf, orders: Shelf, products: Shelf) -> FastAPI:
    app = new_app("sandbox shop")

    @app.get("/customers")
    async def list_customers(request: Request) -> Response:
        return by_page(request, customers, name="customers")

    @app.get("/orders")
    async def list_orders(request: Request) -> Response:
        return by_page(request, orders, name="orders")

    @app.get("/products")
    async def list_products(request: Request) -> Response:
        return by_page(request, products, name="products")

    return app

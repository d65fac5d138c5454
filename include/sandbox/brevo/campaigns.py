"""`/v3/emailCampaigns`: the campaigns of the real data, as sent."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.brevo.platform import Platform
from sandbox.brevo.requests import order_of, page_of, since_of


def campaign_routes(platform: Platform) -> APIRouter:
    router = APIRouter()

    @router.get("/emailCampaigns")
    async def list_campaigns(request: Request) -> Response:
        limit, offset = page_of(request, default=50, most=100)
        start, end = since_of(request, "startDate"), since_of(request, "endDate")
        rows = [json.loads(row["content"]) for row in platform.store.rows("select content from campaign")]
        kept = [
            one
            for one in rows
            if (start is None or one["starts_at"] >= start) and (end is None or one["starts_at"] <= end)
        ]
        kept.sort(key=lambda one: (one["starts_at"], one["id"]), reverse=order_of(request) == "desc")
        return JSONResponse({"campaigns": [_shown(one) for one in kept[offset : offset + limit]], "count": len(kept)})

    return router


def _shown(campaign: dict[str, object]) -> dict[str, object]:
    number, kind = campaign["id"], campaign["type"]
    return {
        "id": number,
        "name": f"{kind} - campaign {number}",
        "subject": f"Vos offres du moment ({kind}, {number})",
        "type": "classic",
        "status": "sent",
        "tag": kind,
        "sentDate": campaign["starts_at"],
        "scheduledAt": campaign["starts_at"],
        "createdAt": campaign["starts_at"],
        "modifiedAt": campaign["starts_at"],
        "offerEndsAt": campaign["ends_at"],
        "sender": {"name": "La boutique", "email": "bonjour@boutique.example"},
        "statistics": {"globalStats": {"sent": campaign["sent"], "delivered": campaign["delivered"]}},
    }

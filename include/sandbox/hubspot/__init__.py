"""A HubSpot account, as far as its dated endpoints of 2026-09 are used here."""

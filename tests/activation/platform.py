"""What the platform really has, and the levers that make it misbehave."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class PlatformDesk:
    url: str
    client: httpx.Client
    name: str = "brevo"
    segment_prefix: str = ""

    def reset(self) -> None:
        self.client.delete("/faults").raise_for_status()
        self.client.post("/reset", json={self.name: True}).raise_for_status()
        self.limits(shop=None, process_delay_seconds=0, **{self.name: None})

    def limits(self, **limits: Any) -> None:
        self.client.post("/limits", json=limits).raise_for_status()

    def fault(self, match: str, kind: str, **script: Any) -> None:
        self.client.post("/faults", json={"match": match, "kind": kind, **script}).raise_for_status()

    def mend(self) -> None:
        self.client.delete("/faults").raise_for_status()

    def lists(self) -> dict[str, set[str]]:
        """List -> names of the people on it: what stands before the @ of their addresses."""
        found = self.client.get(f"/{self.name}/lists").raise_for_status().json()
        return {
            name.removeprefix(self.segment_prefix): {e.split("@")[0] for e in emails} for name, emails in found.items()
        }

    def block(self, name: str) -> None:
        """The person opts out on the platform."""
        self.client.post(f"/{self.name}/blocklist", json={"email": f"{name}@mailbox.example"}).raise_for_status()

    def blocked(self) -> set[str]:
        return {e.split("@")[0] for e in self.client.get(f"/{self.name}/blocklist").json()["emails"]}

    def journal(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/requests").raise_for_status().json()
        return found

    def forget_requests(self) -> None:
        self.client.post("/reset", json={}).raise_for_status()

    def writes(self) -> list[dict[str, Any]]:
        """Write calls the platform accepted, whether or not the answer came through."""
        found: list[dict[str, Any]] = self.journal()["writes"].get(self.name, [])
        return found

    def calls(self) -> dict[str, int]:
        found: dict[str, int] = self.journal()["apps"].get(self.name, {}).get("calls", {})
        return found

    def written_names(self) -> set[str]:
        """Everybody whom an accepted import or removal ever named."""
        return {e.split("@")[0] for write in self.writes() for e in write["emails"]}

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What somebody else does with the Brevo account."""
        answer = httpx.request(
            method, f"{self.url}/brevo/v3{path}", json=body, headers={"api-key": "sandbox-brevo-key"}
        )
        return answer.raise_for_status().json() if answer.content else None

    def list_id(self, name: str) -> int:
        found = self.api("GET", "/contacts/lists?limit=50")["lists"]
        return int(next(one["id"] for one in found if one["name"] == name))

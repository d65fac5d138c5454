"""What several steps work with: what sources declare about their contacts, and where models are kept."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audience.core.trust import Trusted
    from audience.house import House


def trusted() -> "Trusted":
    """What each source file declares about its contacts."""
    from audience.sources.contract import all_sources

    return {source.name: source.trust for source in all_sources()}


def registry(house: "House") -> Any:
    from audience.models.registry import Registry

    return Registry(house.mlflow_url(), house.models_url())

"""What a source file may use, and what is done with it."""

from audience.core.errors import SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.partition import Window
from audience.core.system import Client, Field, System
from audience.core.trust import Trust
from audience.sources.contract.auth import anonymous, basic, bearer, client_credentials, jwt_bearer, key, refresh_token
from audience.sources.contract.columns import Columns
from audience.sources.contract.cursors import Epoch, Iso, Unusable, field
from audience.sources.contract.declaration import Record, Row, Source, Stream, Unreadable
from audience.sources.contract.extraction import Extraction, extract
from audience.sources.contract.files import Files, files
from audience.sources.contract.money import priced
from audience.sources.contract.registry import all_sources, source_named, sources_in_use
from audience.sources.contract.rest import Rest, rest
from audience.sources.contract.sql import Sql, sql
from audience.sources.contract.web import campaign_of, device_of, is_robot, path_of

__all__ = [
    "Client",
    "Columns",
    "Epoch",
    "Extraction",
    "Field",
    "Files",
    "Iso",
    "Record",
    "Rest",
    "Row",
    "Source",
    "SourceRefused",
    "SourceReplyInvalid",
    "SourceUnavailable",
    "Sql",
    "Stream",
    "System",
    "Trust",
    "Unreadable",
    "Unusable",
    "Window",
    "all_sources",
    "anonymous",
    "basic",
    "bearer",
    "campaign_of",
    "client_credentials",
    "device_of",
    "extract",
    "field",
    "files",
    "is_robot",
    "jwt_bearer",
    "key",
    "path_of",
    "priced",
    "refresh_token",
    "rest",
    "source_named",
    "sources_in_use",
    "sql",
]

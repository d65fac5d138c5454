"""Every warehouse table, one file per schema."""

from audience.core.warehouse.models.alert import Alert, AlertSent
from audience.core.warehouse.models.base import SCHEMAS, Base
from audience.core.warehouse.models.erasure import ErasedRecord, ErasureReceipt, ErasureRequest, ErasureSubject
from audience.core.warehouse.models.identity import IdentityDecision, IdentityReveal
from audience.core.warehouse.models.ops import DeclaredSource, Landing, NewField, Turn
from audience.core.warehouse.models.privacy import Consent, KeyForm, PseudonymKey, Suppression
from audience.core.warehouse.models.push import (
    Acknowledged,
    Erasure,
    Item,
    Job,
    Lease,
    ListReading,
    Plan,
    Remaining,
    Request,
)
from audience.core.warehouse.models.quality import Histogram, Validation
from audience.core.warehouse.models.quarantine import QuarantineDecision, QuarantineReveal
from audience.core.warehouse.models.segments import Definition, Evaluation, Membership
from audience.core.warehouse.models.vault import ContactPoint, FormerAddress

__all__ = [
    "SCHEMAS",
    "Acknowledged",
    "Alert",
    "AlertSent",
    "Base",
    "Consent",
    "ContactPoint",
    "DeclaredSource",
    "Definition",
    "ErasedRecord",
    "Erasure",
    "ErasureReceipt",
    "ErasureRequest",
    "ErasureSubject",
    "Evaluation",
    "FormerAddress",
    "Histogram",
    "IdentityDecision",
    "IdentityReveal",
    "Item",
    "Job",
    "KeyForm",
    "Landing",
    "Lease",
    "ListReading",
    "Membership",
    "NewField",
    "Plan",
    "PseudonymKey",
    "QuarantineDecision",
    "QuarantineReveal",
    "Remaining",
    "Request",
    "Suppression",
    "Turn",
    "Validation",
]

"""Reusable contract checks for back ends, records, stores, and gateways.

Each check takes a function that makes a fresh instance, and raises one AssertionError that lists
every broken promise. No test runner is needed.
"""

from paperless_ivr.testing.contracts.backend import check_backend
from paperless_ivr.testing.contracts.document import check_document_gateway
from paperless_ivr.testing.contracts.live_calls import check_live_calls
from paperless_ivr.testing.contracts.record import check_record
from paperless_ivr.testing.contracts.session import check_session_gateway
from paperless_ivr.testing.contracts.session_store import check_session_store

__all__ = [
    "check_backend",
    "check_document_gateway",
    "check_live_calls",
    "check_record",
    "check_session_gateway",
    "check_session_store",
]

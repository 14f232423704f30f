"""The fields that every form may bear besides those of its own model."""

CSRF_TOKEN = "csrf_token"
IF_MATCH = "if_match"
IDEMPOTENCY_KEY = "idempotency_key"

OURS = frozenset({CSRF_TOKEN, IF_MATCH, IDEMPOTENCY_KEY})

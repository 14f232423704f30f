"""Every type of problem that the portal answers with: the one table.

`http.problems` takes title and status from it, `/problems/{type}` documents it. A type's name is
part of the protocol (RFC 9457, 3.1.1): programs compare it, so it never changes its meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemType:
    """One type of problem.

    :param name: the last part of its address.
    :param status: the HTTP status that it always comes with.
    :param meaning: what has happened, in a sentence.
    :param remedy: what whoever asked can do about it.
    """

    name: str
    status: int
    title: str
    meaning: str
    remedy: str


_ALL = (
    ProblemType(
        "bad-request",
        400,
        "Bad request",
        "The request cannot be read: its address, a header or its body is malformed.",
        "Correct what the detail names. The same request again has the same answer.",
    ),
    ProblemType(
        "not-signed-in",
        401,
        "Not signed in",
        "The page is for people who are signed in. There was no session, or it has ended.",
        "Use the template sign-in of the front page and keep the cookie that it sets.",
    ),
    ProblemType(
        "forbidden",
        403,
        "Not allowed",
        "You see the thing, but your role does not allow what you asked.",
        "Ask an administrator of the organisation. Templates that a page has are allowed.",
    ),
    ProblemType(
        "stale-form",
        403,
        "Form not accepted",
        "The form has no right token (field csrf_token or header X-CSRF-Token), or comes from "
        "another site.",
        "Get the page again and use the template that it has now.",
    ),
    ProblemType(
        "not-found",
        404,
        "Not found",
        "There is no such page, or it is not yours to see.",
        "Start at the front page and follow its links.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "Method not allowed",
        "The page exists for other methods.",
        "Use one of the methods in the header Allow.",
    ),
    ProblemType(
        "not-acceptable",
        406,
        "Not acceptable",
        "The page does not come in any of the media types of the header Accept.",
        "Accept text/html, application/prs.hal-forms+json, application/hal+json or "
        "application/json.",
    ),
    ProblemType(
        "conflict",
        409,
        "Not possible now",
        "The present state of the thing does not allow it, or somebody did the same at the same "
        "moment.",
        "Get the thing again: its templates are what is possible now.",
    ),
    ProblemType(
        "limit-reached",
        409,
        "Limit reached",
        "An agreed limit is used up.",
        "Delete what is not needed any more, or ask the operator for a higher limit.",
    ),
    ProblemType(
        "length-required",
        411,
        "Length required",
        "The request says that it has a body, but not how long it is.",
        "Send the header Content-Length; 0 without a body.",
    ),
    ProblemType(
        "outdated",
        412,
        "Changed meanwhile",
        "Somebody else changed the thing since you looked at it. The member current is the form "
        "as it is now.",
        "Look at what changed, and send your change again with the new if_match, or the new ETag "
        "in If-Match.",
    ),
    ProblemType(
        "too-large",
        413,
        "Too large",
        "The body is larger than anything that the portal takes.",
        "Send less.",
    ),
    ProblemType(
        "address-too-long",
        414,
        "Address too long",
        "The path and query are longer than any that the portal gives.",
        "Follow links as they are; shorten what you search for.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "The body is of a type or in a coding that the portal does not read.",
        "Send one of the types in the header Accept-Post, in UTF-8, without Content-Encoding.",
    ),
    ProblemType(
        "invalid-input",
        422,
        "Something is not right",
        "At least one field is wrong. The member errors has a sentence for each.",
        "Correct the fields and send all of them again.",
    ),
    ProblemType(
        "key-reused",
        422,
        "Key used before",
        "The Idempotency-Key came with another request within the last 24 hours.",
        "Take a new key for each new request; repeat one only to repeat the very same request.",
    ),
    ProblemType(
        "precondition-required",
        428,
        "Precondition required",
        "A change of what others may change too must say which state it is made from.",
        "Send the form's property if_match, or its ETag in the header If-Match.",
    ),
    ProblemType(
        "too-many-attempts",
        429,
        "Too many attempts",
        "The same was tried too often in a short time.",
        "Wait as many seconds as the header Retry-After says.",
    ),
    ProblemType(
        "headers-too-large",
        431,
        "Headers too large",
        "The headers of the request are larger than the server reads.",
        "Send fewer or shorter headers; delete cookies of other applications of this host.",
    ),
    ProblemType(
        "internal-error",
        500,
        "Something went wrong",
        "A fault of the portal. Nothing was changed. The operator finds it under the id in the "
        "detail.",
        "Try again later; if it stays, tell the operator the id.",
    ),
    ProblemType(
        "not-implemented",
        501,
        "Not implemented",
        "The request uses a transfer coding that the server does not know.",
        "Use no transfer coding, or chunked.",
    ),
    ProblemType(
        "unavailable",
        503,
        "Not available",
        "Something that the portal needs does not answer: the database, the directory, the index "
        "of people.",
        "Try again after as many seconds as the header Retry-After says.",
    ),
    ProblemType(
        "version-not-supported",
        505,
        "HTTP version not supported",
        "The request is of a version of HTTP that the server does not speak.",
        "Use HTTP/1.1.",
    ),
)

TYPES: Mapping[str, ProblemType] = {one.name: one for one in _ALL}
"""Every type by its name, in the order of their status."""

# Of two types with one status the first is the general one.
_BY_STATUS = {one.status: one for one in reversed(_ALL)}


def of_status(status: int) -> ProblemType:
    """The type that a bare HTTP error is of."""
    general = "bad-request" if status < 500 else "internal-error"
    return _BY_STATUS.get(status, TYPES[general])

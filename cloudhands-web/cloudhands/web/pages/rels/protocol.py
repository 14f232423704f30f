"""What a program has to know of HTTP to use the portal: media types and headers, as data."""

from collections.abc import Mapping

MEDIA_TYPES: Mapping[str, str] = {
    "text/html": "Pages for people; what a request gets that asks for nothing in particular.",
    "application/prs.hal-forms+json": "HAL with HAL-FORMS templates: pages for programs "
    "(https://rwcbook.github.io/hal-forms/).",
    "application/hal+json": "The same document, under the name of HAL (draft-kelly-json-hal).",
    "application/json": "The same document. Also what templates send: one object, every member "
    "of it text, in UTF-8.",
    "application/x-www-form-urlencoded": "What HTML forms send, in UTF-8.",
    "application/problem+json": "Every error, for who does not take HTML (RFC 9457).",
}

HEADERS: Mapping[str, str] = {
    "Accept": "Chooses the media type of a page: 406 if none of them is accepted. Errors are "
    "sent all the same.",
    "Allow": "On 405 and on each answer to OPTIONS: the methods that the page has. It does not "
    "tell whether the thing exists.",
    "ETag, If-None-Match": "Every page has a strong ETag. Ask again with If-None-Match: 304 "
    "means unchanged, and costs little.",
    "If-Match": "An edit of what others may edit too needs the ETag of the form that it was made "
    "with, in this header or as the template's property if_match: 428 without, 412 with the "
    "present state if somebody was faster. Setting a goal of an appliance needs none.",
    "Idempotency-Key": "Send a fresh one with each creation (launch, invite, add-key), up to 255 "
    "characters. The same request with the same key, within 24 hours, makes nothing twice and has "
    "the same answer; another request with that key is 422.",
    "Retry-After": "On 429 and 503: after how many seconds to try again.",
    "WWW-Authenticate": "On 401, with the scheme Cookie: sign in by the template sign-in and "
    "keep the cookie.",
}

NOTES: Mapping[str, str] = {
    "Start": "Start at / and know nothing but these relations, templates and members. Addresses "
    "are free to change.",
    "Templates": "A template is there if the viewer may use it now. Send all of its properties, "
    "read-only ones unchanged: they carry the token against forged requests.",
    "Paging": "There is none: every list is whole. A search shows its nearest matches.",
    "Methods": "GET changes nothing. HEAD is GET without the body.",
}

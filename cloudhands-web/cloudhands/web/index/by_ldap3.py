"""The same messages as `messages` decodes, read by pyasn1 with ldap3's own description of LDAP.

Many times slower, and it takes BER that RFC 4511 forbids: for a server that sends such
(`directory.decoder`), and to be compared with. It is not turned to by itself: what is refused is
more likely hostile or broken than liberal. Nor is ldap3's quick decoder used, which does not see
that a value ends where the one around it does: a hundred bytes can keep it busy for years.
"""

from collections.abc import Mapping
from typing import Any

from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error

from cloudhands.common.directory.framing import Malformed
from cloudhands.web.index.messages import (
    MOST_VALUES,
    Done,
    Entry,
    Info,
    Message,
    Notice,
    Reference,
)

_MESSAGE = LDAPMessage()


def decode(data: bytes, at: int, end: int) -> tuple[int, Message]:
    """The number of the request that a message answers, and what it says.

    :param at: where what is in the message's sequence begins.
    :param end: where the message ends.
    :raises Malformed: if it is not an answer to a search.
    """
    try:
        size = (end - at).to_bytes(4, "big")
        found, _ = decoder.decode(b"\x30\x84" + size + data[at:end], asn1Spec=_MESSAGE)
        return int(found["messageID"]), _message(found["protocolOp"], _controls(found["controls"]))
    except (PyAsn1Error, UnicodeDecodeError, LookupError, TypeError, RecursionError) as error:
        raise Malformed(str(error)) from error


def _message(operation: Any, controls: Mapping[str, bytes]) -> Message:
    kind = operation.getName()
    held = operation.getComponent()
    if kind == "searchResEntry":
        return _entry(held, controls)
    if kind == "intermediateResponse":
        return Info(_ascii(held["responseName"]), _bytes(held["responseValue"]))
    if kind == "searchResDone":
        return Done(int(held["resultCode"]), _text(held["diagnosticMessage"]), controls)
    if kind == "searchResRef":
        return Reference()
    if kind == "extendedResp":
        return Notice(int(held["resultCode"]), _text(held["diagnosticMessage"]))
    raise Malformed(f"operation {kind} does not answer a search")


def _entry(held: Any, controls: Mapping[str, bytes]) -> Entry:
    attributes = {
        _ascii(attribute["type"]): [bytes(value) for value in attribute["vals"]]
        for attribute in held["attributes"]
    }
    if sum(1 + len(values) for values in attributes.values()) > MOST_VALUES:
        raise Malformed(f"an entry with more than {MOST_VALUES:,} values")
    return Entry(_text(held["object"]), attributes, controls)


def _controls(held: Any) -> Mapping[str, bytes]:
    if not held.hasValue():
        return {}
    return {_ascii(control["controlType"]): _bytes(control["controlValue"]) for control in held}


def _bytes(held: Any) -> bytes:
    return bytes(held) if held.hasValue() else b""


def _ascii(held: Any) -> str:
    return _bytes(held).decode("ascii")


def _text(held: Any) -> str:
    return _bytes(held).decode("utf-8", "replace")

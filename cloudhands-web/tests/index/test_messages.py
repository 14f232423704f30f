"""Both decoders read the same, also of what is broken; what differs is named here.

Ours takes all that ldap3's takes in the form that RFC 4511, 5.1, asks for: definite sizes, strings
in one piece, no more and no less than belongs there. It may refuse every other form of BER.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder, encoder

from cloudhands.common.directory.framing import SEQUENCE, Malformed, frame
from cloudhands.web.index import by_ldap3, messages, wire
from cloudhands.web.index.messages import Message

# --- the messages


def size(count: int, extra: int = 0) -> bytes:
    """A size, in the long form with so many needless zeros if there are any."""
    if count < 128 and not extra:
        return bytes([count])
    octets = bytes(extra) + count.to_bytes((count.bit_length() + 7) // 8 or 1, "big")
    return bytes([128 + len(octets)]) + octets


def tlv(tag: int, *parts: bytes, extra: int = 0) -> bytes:
    content = b"".join(parts)
    return bytes([tag]) + size(len(content), extra) + content


def octets(value: bytes, tag: int = messages.OCTETS) -> bytes:
    return tlv(tag, value)


def number(value: int, tag: int = messages.INTEGER) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def message(operation: bytes, controls: Sequence[bytes] = (), *, of: int = 7) -> bytes:
    held = tlv(messages.CONTROLS, *controls) if controls else b""
    return tlv(SEQUENCE, number(of), operation, held)


def control(oid: bytes, value: bytes | None, critical: bool | None) -> bytes:
    flag = b"" if critical is None else tlv(messages.BOOLEAN, b"\xff" if critical else b"\0")
    return tlv(SEQUENCE, octets(oid), flag, b"" if value is None else octets(value))


def attribute(name: bytes, values: Sequence[bytes], extra: int = 0) -> bytes:
    return tlv(
        SEQUENCE,
        octets(name),
        tlv(messages.SET, *map(octets, values), extra=extra),
    )


def entry(dn: bytes, attributes: Sequence[bytes], extra: int = 0) -> bytes:
    return tlv(messages.ENTRY, octets(dn), tlv(SEQUENCE, *attributes, extra=extra))


def result(code: int, text: bytes, *rest: bytes, tag: int = messages.DONE) -> bytes:
    return tlv(tag, number(code, messages.ENUMERATED), octets(b"dc=x"), octets(text), *rest)


# What comes next: where a value goes on too far, it goes on into this.
FOLLOWING = message(entry(b"uid=a", [attribute(b"cn", [b"b", b"c"])])) * 9

some_bytes = st.one_of(st.binary(max_size=20), st.binary(min_size=120, max_size=300))
oids = st.sampled_from([b"1.3.6.1.4.1.4203.1.9.1.2", b"1.2.840.113556.1.4.319", b"2.5"])
names = st.sampled_from([b"cn", b"uid", b"entryUUID", b"cn;lang-ja", b"userCertificate;binary"])
extras = st.sampled_from([0, 0, 0, 1, 3])
controls = st.lists(
    st.builds(control, oids, st.none() | some_bytes, st.sampled_from([None, True, False])),
    max_size=2,
)
entries = st.builds(
    entry,
    some_bytes,
    st.lists(
        st.builds(attribute, names, st.lists(some_bytes, max_size=3), extras),
        max_size=4,
        unique_by=lambda held: held[2:12],
    ),
    extras,
)
infos = st.builds(
    lambda oid, value: tlv(
        messages.INTERMEDIATE,
        b"" if oid is None else octets(oid, messages.OID),
        b"" if value is None else octets(value, messages.VALUE),
    ),
    st.none() | oids,
    st.none() | some_bytes,
)
codes = st.sampled_from([0, 4, 10, 53, 4096, -1])
dones = st.builds(result, codes, some_bytes)
referred = st.builds(
    lambda code, text: result(
        code, text, tlv(messages.REFERRAL, octets(b"ldap://elsewhere.example.org"))
    ),
    codes,
    some_bytes,
)
references = st.builds(
    lambda urls: tlv(messages.REFERENCE, *map(octets, urls)),
    st.lists(st.just(b"ldap://elsewhere.example.org"), min_size=1, max_size=2),
)
notices = st.builds(
    lambda code, text: result(
        code, text, octets(b"1.3.6.1.4.1.1466.20036", 0x8A), tag=messages.EXTENDED
    ),
    codes,
    some_bytes,
)
generated = st.builds(
    lambda operation, controls, of: message(operation, controls, of=of),
    st.one_of(entries, entries, infos, dones, referred, references, notices),
    controls,
    st.integers(0, 2**31 - 1),
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A message with a few bytes changed, put in or left out."""
    held = bytearray(draw(generated))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(held) - 1))
        match draw(st.sampled_from(["set", "insert", "remove", "cut"])):
            case "set":
                held[place] = draw(st.integers(0, 255))
            case "insert":
                held.insert(place, draw(st.integers(0, 255)))
            case "remove":
                del held[place]
            case "cut":
                del held[place + 1 :]
        assume(held)
    return bytes(held)


# --- what both make of them


def ours(data: bytes) -> tuple[int, Message] | None:
    return read(data, messages.decode)


def theirs(data: bytes) -> tuple[int, Message] | None:
    return read(data, by_ldap3.decode)


def read(data: bytes, decode: wire.Decoder) -> tuple[int, Message] | None:
    try:
        begin, end = frame(data, 0)
        # A message is decoded when it is there, and others may be behind it already.
        return decode(data + FOLLOWING, begin, end) if begin and end <= len(data) else None
    except Malformed:
        return None


def is_as_asked_for(data: bytes) -> bool:
    """Whether a message that pyasn1 can read has the one form that LDAP allows."""
    found, _ = decoder.decode(data, asn1Spec=LDAPMessage())
    return bool(encoder.encode(found) == data)


@settings(max_examples=100, deadline=None)
@given(generated)
def test_both_read_the_same(data: bytes) -> None:
    found = ours(data)
    assert found is not None
    assert found == theirs(data)


@settings(max_examples=250, deadline=None)
@given(mangled())
def test_both_read_or_refuse_what_is_broken(data: bytes) -> None:
    found, expected = ours(data), theirs(data)
    if found is None and expected is not None:
        assert not is_as_asked_for(data)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "attributes",
    [
        lambda count: [attribute(b"cn", [b"x"] * count)],
        lambda count: [attribute(b"cn", [])] * (count + 1),
    ],
    ids=["values", "attributes"],
)
def test_an_entry_may_hold_only_so_much(
    attributes: Callable[[int], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MOST_VALUES", 300)
    assert ours(message(entry(b"cn=x", attributes(299)))) is not None
    data = message(entry(b"cn=x", attributes(300)))
    begin, end = frame(data, 0)
    with pytest.raises(Malformed, match="more than 300 values"):
        messages.decode(data, begin, end)

# SPDX-License-Identifier: BSD-2-Clause
"""A relay in front of an LDAP server, which misbehaves on demand.

It knows enough of LDAP (RFC 4511) to tell messages apart.  A test says what it
does by relay.misbehave(name=value, ...), with the names of FAULTS, and ends
that by relay.behave(); both hold for connections that are there already.  It
counts what it has seen in relay.seen: connections, binds, searches.
"""

import collections
import contextlib
import socket
import ssl
import struct
import threading
import time

from servers import new_address

FAULTS = {
    # Connections.
    "refuse": "reset every new connection",
    "mute": "accept, and never say a word, not even of TLS",
    # What the server says; None of these holds the other direction up.
    "hang": "read on, and send nothing more",
    "delay": "wait so many seconds before each message",
    "trickle": "send so many bytes a tenth of a second",
    "garbage": "send these bytes instead of the next message, and no more",
    "wrong_id": "answer with the number of another message",
    "notice": "a Notice of Disconnection instead of a search's result",
    # Searches, after so many of their entries.
    "hang_after": "fall silent",
    "close_after": "close",
    "reset_after": "reset the connection",
    "cut_after": "send half of the next message, and close",
    "limit_after": "leave the other entries out, with code or "
                   "sizeLimitExceeded as the result",
    # Results.
    "code": "end every search with this result code",
    "without_entries": "and leave the entries out",
    "referral": "end every search with a referral to this URI",
    "bind_code": "answer every bind with this result code",
    "bind_text": "and this text",
    "accept_any_bind": "answer a bind without a password with success, "
                       "as Active Directory does",
    # Entries.
    "repeat": "send each so many times",
    "range": "(attribute, n): n of its values at a time",
    "rename": "(attribute, other): give its values under another name",
}

BIND, BIND_RESULT, UNBIND = 0x60, 0x61, 0x42
SEARCH, ENTRY, RESULT, REFERENCE = 0x63, 0x64, 0x65, 0x73
EXTENDED, EXTENDED_RESULT = 0x77, 0x78
SEQUENCE, SET, NUMBER, STRING, ENUMERATED = 0x30, 0x31, 2, 4, 0x0a
START_TLS = b"1.3.6.1.4.1.1466.20037"
DISCONNECTION = b"1.3.6.1.4.1.1466.20036"

Element = collections.namedtuple("Element", "tag content whole")


def encode(tag, content):
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes(4, "big")
    return bytes([tag, 0x84]) + length + content


def first_element(data, offset=0):
    """The element that begins here, None as long as it is not whole."""
    if len(data) < offset + 2:
        return None
    length, begin = data[offset + 1], offset + 2
    if length & 0x80:
        begin += length & 0x7f
        length = int.from_bytes(data[offset + 2:begin], "big")
    end = begin + length
    if len(data) < begin or len(data) < end:
        return None
    return Element(data[offset], data[begin:end], data[offset:end])


def elements(data):
    offset = 0
    while offset < len(data):
        one = first_element(data, offset)
        yield one
        offset += len(one.whole)


def result(number, tag, code, text="", referral=None, more=b""):
    """A message that ends an operation."""
    content = encode(ENUMERATED, bytes([code])) + encode(STRING, b"") \
        + encode(STRING, text.encode())
    if referral is not None:
        content += encode(0xa3, encode(STRING, referral.encode()))
    return encode(SEQUENCE, number + encode(tag, content + more))


class Ended(Exception):
    """There is nothing more to relay."""


class Link:
    """One connection of a client, and the one to the server for it."""

    def __init__(self, relay, client):
        self.relay = relay
        self.client = client
        self.server = None
        self.sending = threading.Lock()
        # Entries of each search that were sent, and searches without any more.
        self.sent = collections.Counter()
        self.muted = set()
        # Where to go on with an attribute that comes in parts.
        self.asked_ranges = {}

    def fault(self, name, default=None):
        return self.relay.faults.get(name, default)

    def serve(self):
        try:
            self.relay.seen["connections"] += 1
            if self.fault("refuse"):
                self.reset()
                return
            while self.fault("mute"):
                self.wait()
            if self.relay.tls and not self.relay.start_tls:
                self.encrypt()
            self.server = socket.create_connection(self.relay.upstream)
            self.relay.keep(self.server)
            thread = threading.Thread(target=self.guarded,
                                      args=(self.from_server,), daemon=True)
            thread.start()
            self.guarded(self.from_client)
        except (Ended, OSError):
            pass
        finally:
            self.close()

    def guarded(self, relay):
        with contextlib.suppress(Ended, OSError, ValueError):
            relay()
        self.close()

    def wait(self, seconds=0.01):
        if self.relay.ended:
            raise Ended
        time.sleep(seconds)

    def encrypt(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.relay.tls)
        self.client = context.wrap_socket(self.client, server_side=True)
        self.relay.keep(self.client)

    def close(self):
        for s in (self.client, self.server):
            if s is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(s, socket.SHUT_RDWR)
                with contextlib.suppress(OSError):
                    s.close()

    def reset(self):
        with contextlib.suppress(OSError):
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
            # Wakes who reads, and sends nothing; closing then resets.
            socket.socket.shutdown(self.client, socket.SHUT_RD)
            time.sleep(0.02)
        self.client.close()

    def messages(self, from_client):
        """The messages of one side: number, operation, the rest, the whole."""
        data = b""
        while True:
            s = self.client if from_client else self.server
            more = s.recv(65536)
            if not more:
                return
            data += more
            while (whole := first_element(data)) is not None:
                data = data[len(whole.whole):]
                number, operation, *rest = elements(whole.content)
                yield (number.whole, operation,
                       b"".join(one.whole for one in rest), whole.whole)

    # From the client to the server.

    def from_client(self):
        for number, operation, rest, whole in self.messages(True):
            if operation.tag == BIND:
                self.relay.seen["binds"] += 1
                if self.answers_bind(number, operation):
                    continue
            elif operation.tag == SEARCH:
                self.relay.seen["searches"] += 1
                whole = self.note_ranges(number, operation, rest)
            elif operation.tag == EXTENDED and self.relay.start_tls \
                    and START_TLS in operation.content:
                self.send(result(number, EXTENDED_RESULT, 0))
                while self.fault("mute"):
                    self.wait()
                self.encrypt()
                continue
            self.server.sendall(whole)

    def answers_bind(self, number, operation):
        _, name, credentials = list(elements(operation.content))[:3]
        code = self.fault("bind_code")
        if code is None and self.fault("accept_any_bind") and name.content \
                and credentials.tag == 0x80 and not credentials.content:
            code = 0
        if code is None:
            return False
        self.send(result(number, BIND_RESULT, code,
                         self.fault("bind_text", "")))
        return True

    def note_ranges(self, number, operation, rest):
        """Takes ";range=5-*" off the attributes that are asked for, and notes
        it: the server behind us may not know of ranges."""
        *before, attributes = elements(operation.content)
        names = []
        for one in elements(attributes.content):
            name, option, spec = one.content.partition(b";range=")
            if option:
                self.asked_ranges[number, name.lower()] = \
                    int(spec.partition(b"-")[0])
            names.append(encode(STRING, name))
        content = b"".join(one.whole for one in before) \
            + encode(SEQUENCE, b"".join(names))
        return encode(SEQUENCE, number + encode(SEARCH, content) + rest)

    # From the server to the client.

    def from_server(self):
        for number, operation, rest, whole in self.messages(False):
            while self.fault("hang"):
                self.wait()
            if self.fault("delay"):
                self.wait(self.fault("delay"))
            if self.fault("garbage") is not None:
                self.client.sendall(self.fault("garbage"))
                while self.fault("garbage") is not None:
                    self.wait()
                raise Ended
            if self.fault("wrong_id"):
                number = encode(NUMBER, b"\x7f\xff\xff\xf0")
                whole = encode(SEQUENCE, number + operation.whole + rest)
            if operation.tag in (ENTRY, REFERENCE):
                whole = self.entry(number, operation, rest, whole)
            elif operation.tag == RESULT:
                whole = self.result(number, whole)
            if whole is not None:
                self.send(whole)

    def entry(self, number, operation, rest, whole):
        """What becomes of an entry: other bytes, or None for nothing."""
        if number in self.muted:
            return None
        if self.fault("without_entries"):
            return None
        if operation.tag == ENTRY:
            self.sent[number] += 1
            self.interrupt(number, whole)
            if number in self.muted:
                return None
            whole = self.reshaped(number, operation, rest)
        return whole * self.fault("repeat", 1)

    def interrupt(self, number, whole):
        def due(name):
            after = self.fault(name)
            return after is not None and self.sent[number] > after

        if due("hang_after"):
            while due("hang_after"):
                self.wait()
        elif due("close_after"):
            raise Ended
        elif due("reset_after"):
            self.reset()
            raise Ended
        elif due("cut_after"):
            self.send(whole[:len(whole) // 2])
            raise Ended
        elif due("limit_after"):
            self.muted.add(number)
            self.send(result(number, RESULT, self.fault("code", 4),
                             "too many"))

    def result(self, number, whole):
        self.sent.pop(number, None)
        if number in self.muted:
            self.muted.discard(number)
            return None
        if self.fault("notice"):
            self.send(result(encode(NUMBER, b"\0"), EXTENDED_RESULT, 52,
                             "going down",
                             more=encode(0x8a, DISCONNECTION)))
            raise Ended
        if self.fault("referral"):
            return result(number, RESULT, 10, referral=self.fault("referral"))
        if self.fault("code") is not None:
            return result(number, RESULT, self.fault("code"), "on demand")
        return whole

    def reshaped(self, number, operation, rest):
        name, attributes = elements(operation.content)
        parts = []
        for one in elements(attributes.content):
            kind, values = elements(one.content)
            parts.append(self.attribute(
                number, kind.content,
                [value.whole for value in elements(values.content)]))
        content = name.whole + encode(SEQUENCE, b"".join(parts))
        return encode(SEQUENCE, number + encode(ENTRY, content) + rest)

    def attribute(self, number, kind, values):
        ranged, at_most = self.fault("range", (None, 0))
        old, new = self.fault("rename", (None, None))
        if old is not None and kind.lower() == old.lower().encode():
            kind = new.encode()
        if ranged is not None and kind.lower() == ranged.lower().encode():
            first = self.asked_ranges.pop((number, kind.lower()), None)
            if first is not None or len(values) > at_most:
                first = first or 0
                last = first + at_most - 1
                end = b"%d" % last if last + 1 < len(values) else b"*"
                kind += b";range=%d-%s" % (first, end)
                values = values[first:last + 1]
        return encode(SEQUENCE, encode(STRING, kind)
                      + encode(SET, b"".join(values)))

    def send(self, data):
        with self.sending:
            step = self.fault("trickle")
            if not step:
                self.client.sendall(data)
                return
            for i in range(0, len(data), step):
                self.client.sendall(data[i:i + step])
                self.wait(0.1)


class Relay:
    """Listens on an address of its own; speaks plain LDAP to the server.

    With `tls`, a certificate and its key, it is an LDAPS server to clients, or
    one with StartTLS.
    """

    def __init__(self, cleanup, server, tls=None, start_tls=False,
                 address=None):
        self.upstream = (server.address, getattr(server, "port", 389))
        self.tls = tls
        self.start_tls = start_tls
        self.faults = {}
        self.seen = collections.Counter()
        self.ended = False
        self.sockets = set()
        self.listener = socket.socket()
        self.listener.bind((address or new_address(), 0))
        self.listener.listen(128)
        self.address, self.port = self.listener.getsockname()
        cleanup(self.end)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    @property
    def uri(self):
        scheme = "ldaps" if self.tls and not self.start_tls else "ldap"
        return f"{scheme}://{self.address}:{self.port}"

    def keep(self, s):
        self.sockets.add(s)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.keep(client)
                threading.Thread(target=Link(self, client).serve,
                                 daemon=True).start()

    def misbehave(self, **faults):
        """From now on, these faults and no others."""
        unknown = set(faults) - set(FAULTS)
        if unknown:
            raise ValueError(f"no such fault: {unknown}")
        self.faults = faults

    def behave(self):
        self.faults = {}

    def disconnect(self):
        """Closes all connections that there are."""
        for s in list(self.sockets):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(s, socket.SHUT_RDWR)
            self.sockets.discard(s)

    def end(self):
        self.ended = True
        self.behave()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.disconnect()
        self.thread.join()

# SPDX-License-Identifier: BSD-2-Clause
"""What peers may send, in whatever pieces, and what they must not.

Whatever one connection does, the others are served: every test asks on another
connection during or after it.
"""

import collections
import os
import resource
import socket
import stat
import time
import unittest

from harness import (IS_ROOT, SLOW, Connection, Policyd, eventually, free_port,
                     request)

# How quickly a healthy policyd answers, whatever others do.
PROMPT = 2 * SLOW

GOOD = request(instance="good.1.0")


class Test(unittest.TestCase):
    def start(self, **settings):
        self.policyd = Policyd(self, **settings).start()
        return self.policyd

    def assertPrompt(self, connection=None, **attributes):
        """The connection, or a new one, is served as if nothing were."""
        start = time.monotonic()
        asker = connection or self.policyd
        self.assertIn("action", asker.ask(**attributes))
        self.assertLess(time.monotonic() - start, PROMPT)

    def assertDeferred(self, reply):
        self.assertRegex(reply["action"], "^DEFER_IF_PERMIT 4.2.0 Greylisted")


class MalformedTest(Test):
    CASES = (
        # What, the bytes, and what the log says of them.
        ("a NUL in a value", b"sender=a\0b\n\n", "NUL"),
        ("a NUL in a name", b"sen\0der=a\n\n", "NUL"),
        ("CR LF line ends", GOOD.replace(b"\n", b"\r\n"), "CR LF"),
        ("one CR LF", b"request=smtpd_access_policy\r\n", "CR LF"),
        ("CR LF as the empty line", GOOD[:-1] + b"\r\n", "CR LF"),
        ("no =", b"request=smtpd_access_policy\nsender\n\n", '"="'),
        ("an empty name", b"request=smtpd_access_policy\n=a\n\n", "name"),
        ("an empty request", b"\n", "empty"),
        ("another request", request(request="junk_policy"), "request="),
        ("no request=", request(request=None), "request="),
        ("HTTP", b"GET / HTTP/1.1\nHost: localhost\n\n", '"="'),
        ("SMTP", b"EHLO test.example\r\n", "CR LF"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "."),
        ("an empty value and much too long a name",
            b"n" * 5000 + b"=\n\n", "max-value-size"),
        ("a value of 4097 bytes",
            request(sender="s" * 4097), "max-value-size"),
        ("129 attributes",
            b"".join(b"a%d=\n" % i for i in range(129)) + b"\n",
            "max-attributes"),
        ("a request of more than 32 KB",
            request(**{f"a{i}": "v" * 4000 for i in range(9)}),
            "max-request-size"),
        ("1 MB without a newline", b"x" * (1 << 20), "max-.*-size"),
        ("1 MB of newlines", b"\n" * (1 << 20), "empty"),
        ("1 MB of zeros", b"\0" * (1 << 20), "."),
    )

    def test_what_postfix_never_sends_ends_the_connection(self):
        policyd = self.start()
        other = policyd.connect()
        for what, data, why in self.CASES:
            with self.subTest(what):
                since = len(policyd.log.lines)
                self.assertIsNone(self.reply_to(data), "no reply is due")
                policyd.log.wait(
                    f"^malformed request from .*: .*{why}", since)
                # And one warning it is.
                self.assertPrompt(other)
                self.assertEqual(len(policyd.log.find("malformed", since)), 1)
        count = policyd.statistics()["requests-malformed"]
        self.assertEqual(count, len(self.CASES))

    def reply_to(self, data):
        with self.policyd.connect() as peer:
            try:
                peer.send(data)
            except (BrokenPipeError, ConnectionResetError):
                return None
            return peer.reply()

    def test_the_log_names_the_peer(self):
        policyd = self.start()
        with policyd.connect(policyd.inet) as peer:
            host, port = peer.socket.getsockname()
            peer.send(b"junk\n")
            policyd.log.wait(f"^malformed request from {host}:{port}: ")

    def test_what_came_before_on_the_connection_was_answered(self):
        policyd = self.start()
        with policyd.connect() as peer:
            peer.send(request() + request() + b"junk\n\n" + request())
            self.assertDeferred(peer.reply())
            self.assertDeferred(peer.reply())
            self.assertIsNone(peer.reply())

    def test_the_limits_themselves_are_accepted(self):
        self.start()
        many = {f"a{i}": "" for i in range(128 - 13)}
        self.assertEqual(request(**many).count(b"\n"), 129)
        big = {f"a{i}": "v" * 4070 for i in range(7)}
        big["rest"] = "v" * (32768 - len(request(rest="", **big)) - 3)
        cases = (
            ("128 attributes", many),
            ("a value of 4096 bytes", {"helo_name": "h" * 4096}),
            ("a sender of 4096 bytes", {"sender": "s" * 4096}),
            ("a recipient of 4096 bytes", {"recipient": "r" * 4096}),
            ("a request of 32 KB", big),
        )
        for what, attributes in cases:
            with self.subTest(what):
                self.assertDeferred(self.policyd.ask(**attributes))

    def test_long_addresses_that_begin_alike_are_different(self):
        policyd = self.start()
        for letter in "ab":
            self.assertEqual(
                policyd.reason(sender="s" * 4000 + letter),
                "greylisted-new")
        self.assertEqual(
            policyd.reason(sender="s" * 4000 + "a"), "greylisted-early")


class PiecesTest(Test):
    def test_a_request_byte_by_byte(self):
        policyd = self.start()
        with policyd.connect(policyd.inet) as peer:
            peer.socket.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(GOOD)):
                peer.send(GOOD[i:i + 1])
                time.sleep(0.0005)
            self.assertDeferred(peer.reply())

    def test_a_request_in_two_pieces(self):
        policyd = self.start()
        with policyd.connect() as peer:
            for i in range(1, len(GOOD)):
                peer.send(GOOD[:i])
                time.sleep(0.001)
                peer.send(GOOD[i:])
                self.assertDeferred(peer.reply())

    def test_two_requests_in_one_packet(self):
        self.start()
        with self.policyd.connect() as peer:
            peer.send(request(recipient="one") + request(recipient="two"))
            self.assertDeferred(peer.reply())
            self.assertDeferred(peer.reply())

    def test_a_request_and_a_half_in_one_packet(self):
        self.start()
        with self.policyd.connect() as peer:
            peer.send(GOOD + GOOD[:100])
            self.assertDeferred(peer.reply())
            peer.send(GOOD[100:])
            self.assertDeferred(peer.reply())

    def test_two_hundred_requests_are_answered_in_order(self):
        policyd = self.start(greylist={"text": "wait, %r"})
        names = [f"r{i}@d.example" for i in range(200)]
        with policyd.connect() as peer:
            replies = peer.ask_all(
                [request(recipient=name) for name in names], at_once=200)
        self.assertEqual([reply["action"] for reply in replies],
                         [f"DEFER_IF_PERMIT 4.2.0 wait, {name}"
                          for name in names])

    def test_half_a_request_is_no_request(self):
        policyd = self.start()
        for end in (socket.SHUT_WR, socket.SHUT_RDWR):
            for size in (0, 1, 100, len(GOOD) - 2, len(GOOD) - 1):
                with policyd.connect() as peer:
                    peer.send(GOOD[:size])
                    peer.socket.shutdown(end)
                    self.assertIsNone(peer.reply())
        self.assertPrompt()
        counted = policyd.statistics()
        self.assertEqual(counted["triplets"], 1)
        self.assertEqual(counted["requests-malformed"], 0)

    def test_who_stops_sending_still_gets_his_replies(self):
        self.start()
        with self.policyd.connect() as peer:
            peer.send(GOOD * 3)
            peer.socket.shutdown(socket.SHUT_WR)
            for _ in range(3):
                self.assertDeferred(peer.reply())
            self.assertIsNone(peer.reply())

    def test_who_does_not_wait_for_his_reply_harms_nobody(self):
        policyd = self.start()
        for _ in range(50):
            policyd.connect().send(request())
            with policyd.connect() as peer:
                peer.send(request())
        self.assertPrompt()

    def test_a_peer_that_never_reads_its_replies(self):
        policyd = self.start()
        before = self.resident()
        with policyd.connect() as peer:
            peer.socket.settimeout(1)
            data = GOOD * 1000
            with self.assertRaises(TimeoutError):
                # Until nothing goes out any more.
                for _ in range(10000):
                    peer.send(data)
                    self.assertPrompt()
            self.assertPrompt()
            self.assertLess(self.resident() - before, 32 * SLOW,
                            "megabytes for replies that nobody reads")
            # Others have been answered meanwhile; now this one is.
            for _ in range(100):
                self.assertDeferred(peer.reply())

    def resident(self):
        with open(f"/proc/{self.policyd.pid}/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize() / 1e6


class ConnectionsTest(Test):
    def test_ten_thousand_connections_opened_and_left(self):
        policyd = self.start(max_connections=1000)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        left = collections.deque(maxlen=hard - 100)
        self.addCleanup(lambda: [one.close() for one in left])
        busy = policyd.connect()
        for i in range(10000):
            left.append(Connection(policyd.unix))
            if i % 100 == 99:
                # The newest is served once all before it are accepted.
                self.assertPrompt(left[-1])
                self.assertPrompt(busy)
        self.assertPrompt()
        counted = policyd.statistics()
        self.assertEqual(counted["connections-accepted"], 10002)
        self.assertLessEqual(counted["connections"], 1000)
        self.assertGreaterEqual(counted["connections-displaced"], 9000)

    def test_the_longest_idle_connection_makes_room(self):
        policyd = self.start(max_connections=3)
        first, second, third = [policyd.connect() for _ in range(3)]
        for connection in (first, second, third, first):
            self.assertPrompt(connection)
        newest = policyd.connect()
        self.assertPrompt(newest)
        self.assertIsNone(second.reply())
        for connection in (first, third, newest):
            self.assertPrompt(connection)

    def test_a_connection_that_is_idle_for_too_long_is_closed(self):
        policyd = self.start(idle_timeout="2s")
        idle, busy, half = [policyd.connect() for _ in range(3)]
        half.send(GOOD[:100])
        for _ in range(8):
            self.assertPrompt(busy)
            time.sleep(0.5)
        self.assertIsNone(idle.reply())
        self.assertIsNone(half.reply())
        self.assertTrue(busy.is_open())
        self.assertEqual(policyd.log.find("malformed"), [])

    def test_when_descriptors_run_out_service_goes_on(self):
        policyd = self.start(user="")
        old = policyd.connect()
        self.assertPrompt(old)
        few = len(os.listdir(f"/proc/{policyd.pid}/fd")) + 4
        hard = resource.prlimit(policyd.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(policyd.pid, resource.RLIMIT_NOFILE, (few, hard))
        rest = [policyd.connect() for _ in range(20)]
        policyd.log.wait("cannot accept")
        before = self.processor_time()
        time.sleep(2)
        self.assertLess(self.processor_time() - before, 0.5 * SLOW,
                        "seconds of processor time in two idle seconds")
        self.assertPrompt(old)
        for connection in rest:
            connection.close()
        eventually(lambda: self.policyd.ask(), "an answer")

    def processor_time(self):
        with open(f"/proc/{self.policyd.pid}/stat") as f:
            user, system = f.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class EndpointTest(Test):
    def test_ipv6(self):
        endpoint = f"inet:[::1]:{free_port('::1')}"
        policyd = self.start(listen=[endpoint])
        self.assertDeferred(policyd.ask(endpoint))
        policyd.log.wait(f"^ready: listening on {endpoint.replace('[', '.')}"
                         .replace("]", "."))
        with policyd.connect(endpoint) as peer:
            peer.send(b"junk\n")
            port = peer.socket.getsockname()[1]
            policyd.log.wait(rf"malformed request from \[::1\]:{port}: ")

    def socket_status(self, **settings):
        self.start(**settings)
        return os.stat(self.policyd.path("policy"))

    def test_the_unix_socket_is_everybodys(self):
        status = self.socket_status()
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o666)

    def test_the_unix_socket_has_the_mode_of_the_configuration(self):
        status = self.socket_status(socket_mode="0620")
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o620)

    @unittest.skipUnless(IS_ROOT, "only root gives files away")
    def test_the_unix_socket_has_the_owner_of_the_configuration(self):
        status = self.socket_status(socket_owner="daemon", socket_group="mail")
        self.assertEqual(status.st_uid, 1)
        self.assertEqual(status.st_gid, 8)

    def test_the_socket_of_a_dead_daemon_is_replaced(self):
        policyd = self.start()
        policyd.kill()
        self.assertTrue(os.path.exists(policyd.path("policy")))
        policyd.start()
        self.assertPrompt()

    def test_a_clean_end_removes_the_socket(self):
        policyd = self.start()
        policyd.stop()
        self.assertFalse(os.path.exists(policyd.path("policy")))

    def assertRefused(self, what):
        done = self.policyd.run("-f")
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertIn(what, done.stderr)

    def test_a_file_that_is_no_socket_is_left_alone(self):
        self.policyd = Policyd(self)
        path = self.policyd.path("policy")
        with open(path, "w") as f:
            f.write("precious")
        self.assertRefused(path)
        with open(path) as f:
            self.assertEqual(f.read(), "precious")

    def test_a_socket_that_somebody_serves_is_left_alone(self):
        first = self.start()
        self.policyd = Policyd(self, listen=first.settings["listen"][:1])
        self.assertRefused(first.path("policy"))
        self.policyd = first
        self.assertPrompt()

    def test_a_port_in_use_is_refused(self):
        first = self.start()
        self.policyd = Policyd(self, listen=[first.inet])
        self.assertRefused(first.inet)


class TextTest(Test):
    def action(self, text, **attributes):
        self.start(greylist={"text": text})
        return self.policyd.ask(**attributes)["action"]

    def test_a_text_in_utf_8_with_a_percent_sign(self):
        self.assertEqual(
            self.action("Bitte später, %d Sekunden, 100 %% für %r"),
            "DEFER_IF_PERMIT 4.2.0 Bitte später, 120 Sekunden, "
            "100 % für carl@d.example")

    def test_a_recipient_is_not_a_format(self):
        self.assertEqual(
            self.action("wait, %r", recipient="%n%s%d@d.example"),
            "DEFER_IF_PERMIT 4.2.0 wait, %n%s%d@d.example")

    RECIPIENTS = (
        ("a bell", b"a\x07b"),
        ("a tab", b"a\tb"),
        ("a CR", b"a\rb"),
        ("a delete", b"a\x7fb"),
        ("no UTF-8", b"a\xff\xfeb"),
        ("Latin-1", b"M\xfcller"),
        ("UTF-8 cut short", "aü".encode()[:-1]),
        ("an overlong slash", b"a\xc0\xafb"),
        ("a surrogate", b"a\xed\xa0\x80b"),
        ("beyond Unicode", b"a\xf4\x90\x80\x80b"),
        ("good UTF-8", "jürgen☃😀".encode()),
        ("a long one", b"\xff" * 1000),
    )

    def test_a_reply_is_one_line_of_utf_8(self):
        """Postfix would throw away the whole reply, and defer by mistake."""
        policyd = self.start(greylist={"text": "not yet, %r"})
        for what, recipient in self.RECIPIENTS:
            with self.subTest(what):
                # Connection.reply() decodes strictly.
                reply = policyd.ask(recipient=recipient)
                self.assertEqual(list(reply), ["action"])
                self.assertNotRegex(reply["action"], r"[\x00-\x1f\x7f]")
                self.assertRegex(reply["action"], "not yet, .")
        reply = policyd.ask(recipient="jürgen☃😀")
        self.assertIn("jürgen☃😀", reply["action"])

    def test_the_log_is_printable(self):
        policyd = self.start()
        for what, recipient in self.RECIPIENTS:
            with self.subTest(what):
                policyd.reason(recipient=recipient, sender=recipient,
                               client_name=recipient)
        with open(policyd.log.path, "rb") as f:
            for line in f.read().split(b"\n"):
                self.assertRegex(line, rb"\A[ -~]*\Z")
        policyd.log.wait(r"recipient=<M\\xfcller>")
        policyd.reason(recipient='a> b=c <"\\"@d.example')
        policyd.log.wait(r"recipient=<a\\x3e b=c \\x3c\\x22\\x5c\\x22@d.ex")

    def test_addresses_that_are_no_utf_8_are_greylisted(self):
        policyd = self.start()
        for reason in ("greylisted-new", "greylisted-early"):
            self.assertEqual(policyd.reason(sender=b"\xff\xfe@b.example",
                                            recipient=b"M\xfcller@d.example"),
                             reason)

    def test_a_client_address_that_is_none(self):
        policyd = self.start()
        for address in ("unknown", "", "203.0.113", "junk", "::ffff:1.2.3.4",
                        "1.2.3.4.5", "fe80::1%eth0", b"\xff"):
            with self.subTest(address):
                self.assertRegex(policyd.ask(client_address=address)["action"],
                                 "^(DUNNO|DEFER_IF_PERMIT .*)$")


if __name__ == "__main__":
    unittest.main(verbosity=2)

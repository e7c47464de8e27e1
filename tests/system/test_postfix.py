# SPDX-License-Identifier: BSD-2-Clause
"""policyd behind a real Postfix, which is private and on loopback.

XCLIENT lets the test play mail servers from anywhere.
"""

import subprocess
import time
import unittest

from harness import SLOW, Policyd, Postfix, eventually

# Long enough for a retry that is too early.
DELAY = int(2 * SLOW)

ANN = "ann@b.example"
CARL = "carl@d.example"
DORA = "dora@d.example"


def headers(message):
    """The lines of the header that policyd had added."""
    head = message.partition("\n\n")[0]
    return [l for l in head.split("\n") if l.startswith("X-Greylist:")]


class PostfixTest(unittest.TestCase):
    def serve(self, service="check_policy_service {unix}", parameters={},
              **greylist):
        """A policyd, and a Postfix that asks it."""
        rules = {"delay": f"{DELAY}s", "whitelist_after": 0, **greylist}
        self.policyd = Policyd(self, greylist=rules).start()
        self.postfix = Postfix(self, service.format(
            unix=self.policyd.unix, inet=self.policyd.inet), **parameters)

    def attempt(self, address, sender, *recipients, deliver=False, **more):
        """Plays a mail server; the reply codes and texts of its recipients."""
        client = self.postfix.client(address, "mail.b.example", **more)
        replies = client.attempt(sender, *recipients)
        if deliver:
            client.finish()
        client.close()
        return replies

    def assertGreylisted(self, replies):
        for code, text in replies:
            self.assertEqual(code, 450)
            self.assertRegex(text, r"^4\.2\.0 .*: Greylisted, please try "
                             r"again in \d+ seconds$")

    def assertAccepted(self, replies):
        self.assertEqual({code for code, _ in replies}, {250}, replies)

    def pass_greylisting(self, address, sender, recipient):
        self.assertGreylisted(self.attempt(address, sender, recipient))
        time.sleep(DELAY)
        self.assertAccepted(self.attempt(address, sender, recipient))

    def retry_is_delivered(self, service):
        self.serve(service)
        start = time.monotonic()
        both = (CARL, DORA)
        self.assertGreylisted(self.attempt("203.0.113.9", ANN, *both))
        self.assertGreylisted(self.attempt("203.0.113.9", ANN, *both))
        self.assertLess(time.monotonic() - start, DELAY, "machine too slow")

        time.sleep(DELAY)
        # Another host of the same pool tries again.
        self.assertAccepted(
            self.attempt("203.0.113.77", ANN, *both, deliver=True))
        for message in self.postfix.delivered(2):
            self.assertEqual(len(headers(message)), 1, message)
            self.assertRegex(headers(message)[0],
                             r"^X-Greylist: delayed \d+ seconds by policyd")

        self.assertAccepted(
            self.attempt("203.0.113.9", ANN, *both, deliver=True))
        messages = self.postfix.delivered(4)
        self.assertEqual(sum(len(headers(m)) for m in messages), 2)
        self.assertEqual(self.postfix.complaints(), [])

    def test_a_retry_is_delivered_over_a_unix_socket(self):
        self.retry_is_delivered("check_policy_service {unix}")

    def test_a_retry_is_delivered_over_tcp(self):
        self.retry_is_delivered("check_policy_service {inet}")

    def test_a_network_is_whitelisted_after_one_pass(self):
        self.serve(whitelist_after=1)
        self.pass_greylisting("203.0.113.9", ANN, CARL)
        self.assertAccepted(
            self.attempt("203.0.113.200", "eve@c.example", DORA))
        self.policyd.log.wait("reason=auto-whitelisted .*eve@c.example")
        self.assertGreylisted(
            self.attempt("198.51.100.9", "eve@c.example", DORA))
        # A bounce does not profit from it.
        self.assertGreylisted(self.attempt("203.0.113.9", "", DORA))
        self.assertEqual(self.postfix.complaints(), [])

    def test_an_ipv6_network_is_one_client(self):
        self.serve(parameters={"inet_protocols": "all"})
        self.assertGreylisted(
            self.attempt("IPV6:2001:db8:1:2::9", ANN, CARL))
        time.sleep(DELAY)
        self.assertGreylisted(
            self.attempt("IPV6:2001:db8:1:3::9", ANN, CARL))
        self.assertAccepted(
            self.attempt("IPV6:2001:db8:1:2:3:4:5:6", ANN, CARL))

    def test_vrfy_leaves_no_record(self):
        self.serve()
        client = self.postfix.client("203.0.113.9")
        client.expect(252, *client.verify(CARL))
        self.policyd.log.wait("reason=vrfy ")
        self.assertEqual(self.policyd.statistics()["triplets"], 0)
        self.assertGreylisted(client.attempt(ANN, CARL))
        self.policyd.log.wait("reason=greylisted-new ")

    def test_an_authenticated_user_is_not_greylisted(self):
        self.serve()
        self.assertAccepted(
            self.attempt("203.0.113.9", ANN, CARL, LOGIN="ann"))
        self.policyd.log.wait("reason=authenticated ")
        self.assertEqual(self.policyd.statistics()["triplets"], 0)

    def test_a_list_before_the_recipient_asks_the_same_question(self):
        """With smtpd_delay_reject, Postfix asks twice for one recipient."""
        self.serve(parameters={"smtpd_sender_restrictions": "{policy}"})
        self.pass_greylisting("203.0.113.9", ANN, CARL)
        self.assertEqual(self.policyd.statistics()["triplets"], 1)

    def test_an_unusual_address_is_greylisted_like_any_other(self):
        self.serve()
        for recipient in ('"a b"@d.example', r'"a\"b"@d.example',
                          "a=b+c@d.example"):
            with self.subTest(recipient):
                self.pass_greylisting("203.0.113.9", ANN, recipient)
        self.assertEqual(self.postfix.complaints(), [])

    def test_without_policyd_default_action_dunno_accepts(self):
        self.serve("check_policy_service {{ {unix}, default_action=DUNNO }}")
        self.assertGreylisted(self.attempt("203.0.113.9", ANN, CARL))
        self.policyd.stop()
        start = time.monotonic()
        self.assertAccepted(
            self.attempt("203.0.113.9", ANN, DORA, deliver=True))
        self.assertLess(time.monotonic() - start, 5 * SLOW)
        self.postfix.log.wait("warning: problem talking to server")

        self.policyd.start()
        self.assertGreylisted(
            self.attempt("203.0.113.9", ANN, "eve@d.example"))

    def test_without_policyd_postfix_defers_by_default(self):
        self.serve()
        self.policyd.stop()
        code, text = self.attempt("203.0.113.9", ANN, CARL)[0]
        self.assertEqual(code, 451)
        self.assertIn("4.3.5", text)

    def test_a_restart_of_policyd_goes_unnoticed(self):
        """An smtpd finds its connection closed, and opens another."""
        self.serve(delay="1h")
        client = self.postfix.client("203.0.113.9")
        for recipient in (CARL, DORA):
            self.assertGreylisted(client.attempt(ANN, recipient))
            client.rset()
            self.policyd.stop()
            self.policyd.start()
        self.assertGreylisted(client.attempt(ANN, CARL))
        self.assertEqual(self.postfix.complaints(), [])

    def source(self, *options):
        """Sends with smtp-source; returns seconds."""
        start = time.monotonic()
        subprocess.run(
            ["/usr/sbin/smtp-source", "-d", "-s", "20", "-f", ANN, *options,
             f"inet:127.0.0.1:{self.postfix.port}"],
            check=True, capture_output=True, timeout=300 * SLOW)
        return time.monotonic() - start

    def test_five_thousand_messages_without_a_warning(self):
        self.serve(parameters={"virtual_transport": "discard:"})
        self.pass_greylisting("127.0.0.1", ANN, CARL)
        known = self.policyd.statistics()["known"]
        self.source("-m", "5000", "-t", CARL)
        # New recipients are deferred; each has a number before its name.
        self.source("-m", "500", "-A", "-N", "-t", DORA)

        def asked():
            counted = self.policyd.statistics()
            return (counted["known"] - known, counted["greylisted-new"] - 1)
        eventually(lambda: asked() == (5000, 500), "5,500 questions")
        accepted = self.postfix.log.find(r"smtpd\[.*: client=")
        self.assertEqual(len(accepted), 5000 + 1)
        self.assertEqual(self.postfix.complaints(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

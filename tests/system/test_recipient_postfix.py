# SPDX-License-Identifier: BSD-2-Clause
"""Unknown recipients in the dialogue of a real Postfix.

There is a primary mail server and a second one, whose directory is down.
"""

import time
import unittest

from harness import SLOW, Postfix
from recipients import Recipients, slapd_settings
from servers import Authority
from slapd import Slapd, person

ANN = "ann@d.example"
NOBODY = "nobody@d.example"
STRANGER = "stranger@b.example"

CHECK = ("check_policy_service {{ {unix}, policy_context=recipient }}, "
         "check_policy_service {{ {unix}, policy_context=greylist, "
         "default_action=DUNNO }}")


class PostfixTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Slapd(cls.addClassCleanup, Authority(
            cls.addClassCleanup))

    def setUp(self):
        self.server.start()
        self.addCleanup(self.server.end)

    def policyd(self, recipients={}):
        return Recipients(
            self, ldap=slapd_settings(self.server, search_timeout="1s",
                                      network_timeout="1s"),
            recipients=recipients, greylist={"mode": "off"})

    def postfix(self, policyd, **parameters):
        return Postfix(self, CHECK.format(unix=policyd.unix), **parameters)

    def attempt(self, postfix, *recipients, sender=STRANGER):
        client = postfix.client("203.0.113.9", "mail.b.example")
        replies = client.attempt(sender, *recipients)
        client.close()
        return replies

    def assertUnknown(self, reply):
        self.assertEqual(reply[0], 550)
        self.assertRegex(reply[1], r"^5\.1\.1 .*<nobody@d\.example>")

    def test_the_primary_refuses_in_the_dialogue(self):
        postfix = self.postfix(self.policyd().start_loaded())
        client = postfix.client("203.0.113.9", "mail.b.example")
        ann, nobody, extension = client.attempt(
            STRANGER, ANN, NOBODY, "ann+list@d.example")
        self.assertEqual((ann[0], extension[0]), (250, 250))
        self.assertUnknown(nobody)
        client.finish()
        self.assertEqual(len(postfix.delivered(2)), 2)
        # A bounce and a probe are told the same.
        self.assertUnknown(self.attempt(postfix, NOBODY, sender="")[0])
        probe = postfix.client("203.0.113.9", "mail.b.example")
        self.assertEqual(probe.verify(NOBODY)[0], 550)
        self.assertEqual(postfix.complaints(), [])

    def test_restrictions_in_the_dialogue(self):
        postfix = self.postfix(self.policyd().start_loaded())
        client = postfix.client("203.0.113.9", "mail.b.example")
        client.expect(250, *client.docmd(
            "MAIL", f"FROM:<nuisance@b.example> SIZE=2000"))
        for recipient, code, text in (
                ("internal@d.example", 550, "5.7.1"),
                ("small@d.example", 552, "5.3.4"),
                ("choosy@d.example", 550, "5.7.1"),
                (ANN, 250, "2.1.5")):
            with self.subTest(recipient):
                got, said = client.rcpt(recipient)
                self.assertEqual(got, code, said)
                self.assertIn(text, said.decode())

    def test_the_second_server_refuses_without_the_directory(self):
        """It has its own replica; the directory is down when it is asked."""
        policyd = self.policyd().start_loaded()
        postfix = self.postfix(policyd, myhostname="mx2.d.example")
        for leave in (self.server.pause, self.server.kill):
            with self.subTest(leave.__name__):
                leave()
                ann, nobody = self.attempt(postfix, ANN, NOBODY)
                self.assertEqual(ann[0], 250)
                self.assertUnknown(nobody)
        # Started anew, and still without the directory.
        time.sleep(0.5)
        policyd.stop()
        policyd.start()
        ann, nobody = self.attempt(postfix, ANN, NOBODY)
        self.assertEqual(ann[0], 250)
        self.assertUnknown(nobody)
        self.assertEqual(postfix.complaints(), [])

    def test_an_old_replica_defers_whom_it_lacks(self):
        policyd = self.policyd({"replica_trusted_for": "1s"}).start_loaded()
        postfix = self.postfix(policyd)
        self.server.kill()
        time.sleep(1.5)
        start = time.monotonic()
        ann, nobody = self.attempt(postfix, ANN, NOBODY)
        self.assertLess(time.monotonic() - start, 10 * SLOW)
        self.assertEqual(ann[0], 250)
        self.assertEqual(nobody[0], 451)
        self.assertRegex(nobody[1], r"^4\.3\.0 ")

    def test_a_new_user_gets_mail_at_once(self):
        policyd = self.policyd().start_loaded()
        postfix = self.postfix(policyd)
        new = person("new", "new@d.example")
        self.server.add(new)
        self.addCleanup(self.server.delete, new[0])
        self.assertEqual(self.attempt(postfix, "new@d.example")[0][0], 250)

    def test_without_policyd_nobody_is_accepted(self):
        """Or a backup server would become a source of bounces."""
        policyd = self.policyd().start_loaded()
        postfix = self.postfix(policyd)
        policyd.stop()
        ann, = self.attempt(postfix, ANN)
        self.assertEqual(ann[0], 451)
        policyd.start()
        self.assertEqual(self.attempt(postfix, ANN)[0][0], 250)


if __name__ == "__main__":
    unittest.main(verbosity=2)

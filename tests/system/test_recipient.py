# SPDX-License-Identifier: BSD-2-Clause
"""Recipients that are imported from a file, and a directory that is away.

What is said of a recipient at the protocol, whatever the directory.
"""

import re
import socket
import time
import unittest

from harness import PATIENCE, SLOW, free_port, request
from recipients import (AT_ONCE, HARVEST, UNAVAILABLE, UNKNOWN, VALID,
                        Recipients, verdict)
from servers import new_address

KNOWN = ["ann@d.example", "bob@d.example", "carl@d.example",
         "plus+tag@d.example", "two@other.example"]


class FileTest(unittest.TestCase):
    def serve(self, known=KNOWN, recipients={}, **settings):
        self.policyd = Recipients(self, recipients={
            "domains": ["d.example", ".d.example"], **recipients},
            **settings).start()
        self.imported(known)
        return self.policyd

    def imported(self, known):
        self.policyd.policyctl("recipient", "import", "-",
                               text="".join(f"{one}\n" for one in known))

    def test_known_recipients_are_accepted_and_others_refused(self):
        self.serve().expect({
            "ann@d.example": VALID,
            "ANN@D.Example": VALID,
            "bob@d.example": VALID,
            "nobody@d.example": UNKNOWN,
            # Ours, below it.
            "ann@sub.d.example": UNKNOWN,
            # Not ours.
            "ann@other.example": VALID,
            "nobody@other.example": VALID,
            "ann@d.example.org": VALID,
            "ann@xd.example": VALID,
            # No address, or none that anybody has.
            "unqualified": VALID,
            "": VALID,
            "@d.example": UNKNOWN,
            "ann@[127.0.0.1]": VALID,
            "ann@d.example@d.example": UNKNOWN,
            "x" * 400 + "@d.example": UNKNOWN,
            # No domain is so long, so it is not ours.
            "ann@" + "x" * 400 + ".d.example": VALID,
            "an%n@d.example": UNKNOWN,
            "\N{LATIN SMALL LETTER A WITH DIAERESIS}nn@d.example": UNKNOWN,
        })

    def test_bytes_that_are_no_text_are_no_recipient(self):
        daemon = self.serve()
        for local in (b"ann\xff", b"\xc3", b"\x01", b"ann\x00"[:3] + b"\xed"):
            with self.subTest(local):
                reply = daemon.ask(recipient=local + b"@d.example",
                                   policy_context="recipient")
                self.assertEqual(verdict(reply), UNKNOWN)

    def test_the_log_names_the_reason(self):
        daemon = self.serve()
        self.assertEqual(daemon.reason(recipient="nobody@d.example"),
                         "unknown-recipient")
        self.assertEqual(daemon.reason(recipient="ann@d.example",
                                       policy_context="recipient"),
                         "valid-recipient")

    def test_an_extension_is_not_part_of_the_name(self):
        self.serve().expect({
            "ann+list@d.example": VALID,
            "ann+a+b@d.example": VALID,
            "plus+tag@d.example": VALID,
            # There is a plus+tag, but no plus.
            "plus+other@d.example": UNKNOWN,
            "+ann@d.example": UNKNOWN,
            "ann-list@d.example": UNKNOWN,
            "nobody+list@d.example": UNKNOWN,
        })

    def test_other_delimiters(self):
        self.serve(recipients={"recipient_delimiter": "-="}).expect({
            "ann-list@d.example": VALID,
            "ann=list@d.example": VALID,
            "ann+list@d.example": UNKNOWN,
        })

    def test_no_delimiter(self):
        self.serve(recipients={"recipient_delimiter": ""}).expect({
            "ann+list@d.example": UNKNOWN,
            "plus+tag@d.example": VALID,
        })

    def test_every_recipient_of_a_catch_all_domain_exists(self):
        self.serve(recipients={"catch_all": ["all.d.example"]}).expect({
            "anybody@all.d.example": VALID,
            "nobody@d.example": UNKNOWN,
            "nobody@not-all.d.example": UNKNOWN,
        })

    def test_bounces_and_authenticated_senders_are_checked_too(self):
        daemon = self.serve()
        both = {"ann@d.example": VALID, "nobody@d.example": UNKNOWN}
        daemon.expect(both, sender="")
        daemon.expect(both, sasl_username="ann", sasl_method="plain")
        daemon.expect(both, protocol_state="VRFY")

    def test_nobody_is_refused_where_there_is_no_single_recipient(self):
        daemon = self.serve()
        for state in ("CONNECT", "EHLO", "MAIL", "DATA", "END-OF-MESSAGE"):
            with self.subTest(state):
                self.assertEqual(daemon.verdict(
                    "nobody@d.example", protocol_state=state), VALID)

    def test_each_context_asks_its_own_questions(self):
        daemon = self.serve(greylist={"delay": "1h"})
        for context, recipient, expected in (
                ("recipient", "ann@d.example", r"DUNNO$"),
                ("recipient", "nobody@d.example", "550 5.1.1 "),
                ("greylist", "nobody@d.example", "DEFER_IF_PERMIT 4.2.0 "),
                ("", "nobody@d.example", "550 5.1.1 "),
                ("", "ann@d.example", "DEFER_IF_PERMIT 4.2.0 ")):
            with self.subTest(f"{recipient} in {context or 'none'}"):
                action = daemon.ask(recipient=recipient,
                                    policy_context=context)["action"]
                self.assertRegex(action, expected)

    def test_an_unknown_recipient_is_no_triplet(self):
        daemon = self.serve()
        for i in range(20):
            daemon.ask(recipient=f"nobody{i}@d.example")
        self.assertEqual(daemon.statistics()["triplets"], 0)
        daemon.ask(recipient="ann@d.example")
        self.assertEqual(daemon.statistics()["triplets"], 1)

    def test_an_import_replaces_the_recipients_as_a_whole(self):
        daemon = self.serve()
        self.imported(["ann@d.example", "new@d.example"])
        daemon.expect({"ann@d.example": VALID, "new@d.example": VALID,
                       "bob@d.example": UNKNOWN}, limit=PATIENCE)
        self.assertEqual(sorted(daemon.listed()),
                         ["ann@d.example", "new@d.example"])

    def test_recipients_outlive_a_restart_and_a_crash(self):
        daemon = self.serve()
        for stop in (daemon.stop, daemon.kill):
            time.sleep(0.2)
            stop()
            daemon.start()
            daemon.expect({"ann@d.example": VALID,
                           "nobody@d.example": UNKNOWN})

    def test_what_is_exported_can_be_imported(self):
        daemon = self.serve(KNOWN + [f"user{i}@d.example"
                                     for i in range(2000)])
        text = daemon.policyctl("recipient", "export")
        before = daemon.listed()
        self.assertEqual(len(before), len(KNOWN) + 2000)
        daemon.policyctl("recipient", "import", "--force", "-",
                         text="ann@d.example\n")
        self.assertEqual(daemon.listed(), ["ann@d.example"])
        daemon.policyctl("recipient", "import", "-", text=text)
        self.assertEqual(daemon.listed(), before)

    def test_before_the_first_import_nobody_is_refused(self):
        daemon = Recipients(self).start()
        daemon.expect({"ann@d.example": UNAVAILABLE,
                       "ann@other.example": VALID})
        self.assertEqual(daemon.reason(recipient="ann@d.example"),
                         "directory-unavailable")

    def test_a_reload_changes_the_domains(self):
        daemon = self.serve()
        daemon.configure(recipients={"domains": ["other.example"]})
        since = len(daemon.log.lines)
        daemon.process.send_signal(1)
        daemon.log.wait("reload", since)
        daemon.expect({"nobody@d.example": VALID, "two@other.example": VALID,
                       "nobody@other.example": UNKNOWN})


class HarvestTest(unittest.TestCase):
    """A client that tries many unknown recipients."""

    def serve(self, **settings):
        self.policyd = Recipients(self, recipients={
            "harvest_threshold": 5, **settings}).start()
        self.policyd.policyctl("recipient", "import", "-",
                               text="ann@d.example\n")
        return self.policyd

    def harvest(self, count, **attributes):
        return [self.policyd.timed(f"nobody{i}@d.example", **attributes)
                for i in range(count)]

    def test_it_is_deferred_and_others_are_not(self):
        daemon = self.serve(harvest_action="defer")
        verdicts = [v for v, _ in self.harvest(10)]
        self.assertEqual(verdicts[:5], [UNKNOWN] * 5)
        self.assertEqual(verdicts[-1], HARVEST)
        # All of its network, and for those who exist, too.
        self.assertEqual(daemon.verdict("ann@d.example",
                                        client_address="203.0.113.77"), HARVEST)
        other = {"client_address": "198.51.100.1"}
        daemon.expect({"ann@d.example": VALID, "nobody@d.example": UNKNOWN},
                      **other)

    def test_it_is_slowed_down_and_others_are_not(self):
        self.serve(harvest_action="slow", harvest_delay="1s")
        answers = self.harvest(7)
        self.assertEqual({v for v, _ in answers}, {UNKNOWN})
        self.assertLess(max(s for _, s in answers[:5]), AT_ONCE)
        self.assertGreater(answers[-1][1], 0.9)
        verdict, seconds = self.policyd.timed("nobody@d.example",
                                              client_address="198.51.100.1")
        self.assertEqual(verdict, UNKNOWN)
        self.assertLess(seconds, AT_ONCE)

    def test_off(self):
        self.serve(harvest_action="off", harvest_delay="1s")
        self.assertEqual({v for v, _ in self.harvest(20)}, {UNKNOWN})


class AwayTest(unittest.TestCase):
    """No directory has ever answered."""

    def away(self, **settings):
        """Nobody listens there."""
        return {"kind": "openldap", "base": "dc=example,dc=test",
                "bind": "anonymous",
                "uri": [f"ldap://127.0.0.1:{free_port()}"], **settings}

    def mute(self):
        """Somebody listens there, and never says a word."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind((new_address(), 0))
        listener.listen(1)
        address, port = listener.getsockname()
        return f"ldap://{address}:{port}"

    def test_nobody_is_refused_for_good(self):
        daemon = Recipients(self, ldap=self.away()).start()
        daemon.expect({"ann@d.example": UNAVAILABLE,
                       "nobody@d.example": UNAVAILABLE,
                       "ann@other.example": VALID})

    def test_it_can_be_told_to_accept(self):
        daemon = Recipients(self, ldap=self.away(), recipients={
            "recipient_on_failure": "accept"}).start()
        daemon.expect({"ann@d.example": VALID})
        # The greylist goes on to do its work.
        self.assertRegex(daemon.ask(recipient="ann@d.example")["action"],
                         "^DEFER_IF_PERMIT 4.2.0 ")

    def test_a_refused_connection_costs_no_time(self):
        daemon = Recipients(self, ldap=self.away()).start()
        daemon.log.wait("nothing answers at this address")
        for _ in range(5):
            verdict, seconds = daemon.timed("ann@d.example")
            self.assertEqual(verdict, UNAVAILABLE)
            self.assertLess(seconds, AT_ONCE)

    def test_a_mute_server_costs_its_time_limit_and_no_more(self):
        for settings in ({}, {"start_tls": "yes"},
                         {"uri": [self.mute().replace("ldap", "ldaps", 1)]}):
            with self.subTest(settings):
                daemon = Recipients(self, ldap=self.away(**{
                    "uri": [self.mute()], "network_timeout": "1s",
                    "bind_timeout": "1s", "search_timeout": "1s",
                    **settings})).start()
                connections = [daemon.connect() for _ in range(20)]
                start = time.monotonic()
                for i, connection in enumerate(connections):
                    connection.send(request(recipient=f"user{i}@d.example"))
                for connection in connections:
                    self.assertEqual(verdict(connection.reply()), UNAVAILABLE)
                self.assertLess(time.monotonic() - start, 5 * SLOW)
                # What needs no directory is answered meanwhile.
                got, seconds = daemon.timed("ann@other.example")
                self.assertEqual(got, VALID)
                self.assertLess(seconds, AT_ONCE)
                daemon.close()

    def test_the_log_tells_once_that_the_directory_is_away(self):
        daemon = Recipients(self, ldap=self.away()).start()
        for i in range(200):
            daemon.verdict(f"user{i}@d.example")
        time.sleep(1)
        complaints = [line for line in daemon.log.lines
                      if re.search("directory|replica|server", line)
                      and not line.startswith("action=")]
        self.assertLess(len(complaints), 10, complaints)
        self.assertGreater(len(complaints), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

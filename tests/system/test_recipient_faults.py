# SPDX-License-Identifier: BSD-2-Clause
"""A directory that misbehaves: nobody is ever refused for it.

A relay stands between policyd and an OpenLDAP server, and does what servers,
networks and whatever is between them do to a connection.  All cases of a table
run at once, each with a policyd and a relay of its own.
"""

import select
import time
import unittest

import slapd
from harness import PATIENCE, SLOW, eventually, request
from recipients import (UNAVAILABLE, UNKNOWN, VALID, Recipients,
                        slapd_settings, verdict)
from relay import Relay
from servers import Authority
from slapd import Slapd, person

PEOPLE = 200

LIMITS = {"network_timeout": "1s", "bind_timeout": "1s",
          "search_timeout": "1s", "cache_entries": 0}


def setUpModule():
    global AUTHORITY, SERVER
    AUTHORITY = Authority(unittest.addModuleCleanup)
    entries = list(slapd.population()) + [
        person(f"u{i}", [f"u{i}@d.example", f"alias{i}@d.example"])
        for i in range(PEOPLE)]
    SERVER = Slapd(unittest.addModuleCleanup, AUTHORITY, entries).start()


class Case(unittest.TestCase):
    def relay(self, **arguments):
        return Relay(self.addCleanup, SERVER, **arguments)

    def policyd(self, relay, recipients={}, **ldap):
        return Recipients(self, ldap={
            **slapd_settings(relay), **LIMITS, **ldap}, recipients=recipients)


class LookupTest(Case):
    """Questions to the server, without a replica."""

    # What is never wrong to say about ann, who exists, and about nobody.
    EITHER = ({VALID, UNAVAILABLE}, {UNKNOWN, UNAVAILABLE})
    NEITHER = ({UNAVAILABLE}, {UNAVAILABLE})
    # The fault is in the entry, so nobody is told of correctly.
    ANN_CANNOT_BE_FOUND = ({UNAVAILABLE}, {UNKNOWN, UNAVAILABLE})
    BOTH_RIGHT = ({VALID}, {UNKNOWN})
    CANNOT_BE_EXCLUDED = ({VALID, UNAVAILABLE}, {UNAVAILABLE})

    # What happens, whether the connections that are there are closed first,
    # the fault, and what may be said.
    CASES = (
        ("connections are reset", True, {"refuse": True}, NEITHER),
        ("connections stay mute", True, {"mute": True}, NEITHER),
        ("answers do not come", False, {"hang": True}, NEITHER),
        ("answers do not come, not to the bind either", True,
            {"hang": True}, NEITHER),
        ("answers take long", False, {"delay": 6}, NEITHER),
        ("answers take a while", False, {"delay": 0.2}, BOTH_RIGHT),
        ("answers come by bytes", False, {"trickle": 40}, EITHER),
        ("answers come by bytes and may take too long", False,
            {"trickle": 2}, EITHER),
        ("a length without an end", False,
            {"garbage": b"\x30\x84\x7f\xff\xff\xff"}, NEITHER),
        ("a length that overflows", False,
            {"garbage": b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"}, NEITHER),
        ("no LDAP at all", False,
            {"garbage": b"HTTP/1.0 400 Bad Request\r\n\r\n"}, NEITHER),
        ("an empty message", False, {"garbage": b"\x30\x00"}, NEITHER),
        ("zeros", False, {"garbage": bytes(1000)}, NEITHER),
        ("answers to another question", False, {"wrong_id": True}, NEITHER),
        ("a notice of disconnection", False, {"notice": True},
            CANNOT_BE_EXCLUDED),
        ("silence in the middle", False, {"hang_after": 0},
            ANN_CANNOT_BE_FOUND),
        ("an end in the middle", False, {"close_after": 0},
            ANN_CANNOT_BE_FOUND),
        ("a reset in the middle", False, {"reset_after": 0},
            ANN_CANNOT_BE_FOUND),
        ("half a message", False, {"cut_after": 0}, ANN_CANNOT_BE_FOUND),
        ("a size limit of nothing", False, {"limit_after": 0},
            ANN_CANNOT_BE_FOUND),
        ("a flood of the same entry", False, {"repeat": 20000}, EITHER),
        ("an entry without its identity", False,
            {"rename": ("entryUUID", "other")},
            ({VALID, UNAVAILABLE}, {UNKNOWN})),
        ("a referral", False,
            {"referral": "ldap://192.0.2.1/", "without_entries": True},
            NEITHER),
        ("wrong credentials", True, {"bind_code": 49}, NEITHER),
        ("too busy to bind", True, {"bind_code": 51}, NEITHER),
        ("a bind that is a search", True, {"bind_code": 14}, NEITHER),
    )
    # Results that are no answer; 32 is one about the base.
    CODES = (1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 32, 33, 48, 50, 51, 52, 53, 54,
             64, 80, 81, 85, 120)

    def cases(self):
        yield from self.CASES
        for code in self.CODES:
            yield (f"result {code}", False,
                   {"code": code, "without_entries": True}, self.NEITHER)
        for code in (4, 51, 80):
            yield (f"entries, and result {code}", False, {"code": code},
                   self.CANNOT_BE_EXCLUDED)

    def start(self, what, disconnect, fault):
        """A policyd that was well, and then the fault."""
        relay = self.relay()
        daemon = self.policyd(relay, {"replica": "no"}).start()
        self.assertEqual(daemon.becomes("ann@d.example", VALID)[-1], VALID)
        relay.misbehave(**fault)
        if disconnect:
            relay.disconnect()
        return relay, daemon

    def ask(self, daemon):
        """Asks for both, four times each, and waits for no answer."""
        connections = []
        for recipient in ("ann@d.example", "nobody@d.example") * 4:
            connection = daemon.connect()
            connection.send(request(recipient=recipient,
                                    policy_context="recipient"))
            connections.append(connection)
        return connections

    def test_nobody_is_refused_for_a_fault(self):
        cases = list(self.cases())
        begun = [(case, *self.start(*case[:3])) for case in cases]
        asked = [self.ask(daemon) for _, _, daemon in begun]
        for (case, relay, daemon), connections in zip(begun, asked):
            what, _, _, (ann, nobody) = case
            with self.subTest(what):
                got = [verdict(one.reply()) for one in connections]
                self.assertLessEqual(set(got[::2]), ann)
                self.assertLessEqual(set(got[1::2]), nobody)
        for _, relay, _ in begun:
            relay.behave()
            relay.disconnect()
        for (what, *_), _, daemon in begun:
            # A password that was refused is tried again when it is new.
            daemon.secret("secret", slapd.PASSWORD)
            with self.subTest(f"{what}, afterwards"):
                way = daemon.becomes("ann@d.example", VALID)
                self.assertLessEqual(set(way), {VALID, UNAVAILABLE})
                daemon.becomes("nobody@d.example", UNKNOWN)

    def test_a_message_that_hangs_holds_no_other_server_up(self):
        """The second server is asked instead."""
        bad, good = self.relay(), self.relay()
        daemon = Recipients(self, ldap={**slapd_settings(bad, good), **LIMITS},
                            recipients={"replica": "no"}).start()
        daemon.expect({"ann@d.example": VALID})
        self.assertEqual(good.seen["searches"], 0)
        for fault in ({"hang": True}, {"code": 51, "without_entries": True},
                      {"mute": True}):
            with self.subTest(fault):
                bad.misbehave(**fault)
                bad.disconnect()
                way = daemon.becomes("u1@d.example", VALID)
                self.assertLessEqual(set(way), {VALID, UNAVAILABLE})
                daemon.expect({"nobody@d.example": UNKNOWN}, limit=PATIENCE)
                bad.behave()

    def test_faults_inside_of_tls(self):
        certificate = AUTHORITY.issue_for_server("127.0.0.1")["good"]
        faults = ({"mute": True}, {"hang": True}, {"cut_after": 0},
                  {"garbage": b"\x30\x84\x7f\xff\xff\xff"}, {"refuse": True})
        begun = []
        for start_tls in (False, True):
            for fault in faults:
                relay = self.relay(tls=certificate, start_tls=start_tls,
                                   address="127.0.0.1")
                daemon = self.policyd(
                    relay, {"replica": "no"}, tls_ca_file=AUTHORITY.file,
                    start_tls="yes" if start_tls else "no").start()
                daemon.becomes("ann@d.example", VALID)
                relay.misbehave(**fault)
                if "cut_after" not in fault:
                    relay.disconnect()
                begun.append((start_tls, fault, relay, daemon))
        asked = [self.ask(daemon) for *_, daemon in begun]
        for (start_tls, fault, relay, daemon), connections in zip(begun, asked):
            with self.subTest(f"{fault}, StartTLS: {start_tls}"):
                got = [verdict(one.reply()) for one in connections]
                self.assertEqual(set(got[::2]), {UNAVAILABLE})
                self.assertLessEqual(set(got[1::2]), {UNKNOWN, UNAVAILABLE})
        for *_, relay, daemon in begun:
            relay.behave()
            relay.disconnect()
        for *_, daemon in begun:
            daemon.becomes("ann@d.example", VALID)

    def test_an_empty_password_never_leaves_us(self):
        """Active Directory takes it for an anonymous bind, and says success."""
        relay = self.relay()
        relay.misbehave(accept_any_bind=True)
        daemon = Recipients(self, ldap=slapd_settings(relay), password="",
                            recipients={"replica": "no"}).start()
        daemon.expect({"ann@d.example": UNAVAILABLE,
                       "nobody@d.example": UNAVAILABLE})
        time.sleep(1)
        self.assertEqual(relay.seen["binds"], 0)

    def test_values_that_come_in_parts(self):
        for count in (7, 100, 299):
            with self.subTest(count):
                relay = self.relay()
                relay.misbehave(range=("mail", count))
                daemon = self.policyd(relay, {"replica": "no"}).start()
                daemon.expect({"many0@d.example": VALID,
                               "many298@d.example": VALID,
                               "many299@d.example": VALID,
                               "many300@d.example": UNKNOWN})
                copy = self.policyd(relay).start_loaded()
                listed = copy.listed()
                self.assertEqual(sum(a.startswith("many") for a in listed),
                                 300)
                daemon.close()
                copy.close()

    def test_equal_questions_are_one_search(self):
        relay = self.relay()
        daemon = self.policyd(relay, {"replica": "no"}).start()
        daemon.expect({"ann@d.example": VALID})
        before = relay.seen["searches"]
        relay.misbehave(delay=0.5)
        connections = [daemon.connect() for _ in range(100)]
        for one in connections:
            one.send(request(recipient="bob@d.example",
                             policy_context="recipient"))
        self.assertEqual({verdict(one.reply()) for one in connections},
                         {VALID})
        self.assertLess(relay.seen["searches"] - before, 10)

    def test_questions_beyond_the_limit_are_not_kept_waiting(self):
        relay = self.relay()
        daemon = self.policyd(relay, {"replica": "no"}, max_questions=10,
                              search_timeout="5s").start()
        daemon.expect({"ann@d.example": VALID})
        relay.misbehave(hang=True)
        connections = [daemon.connect() for _ in range(50)]
        for i, one in enumerate(connections):
            one.send(request(recipient=f"u{i}@d.example",
                             policy_context="recipient"))
        eventually(lambda: len(select.select(
            [one.socket for one in connections], [], [], 0)[0]) >= 40,
            "the refusal of all but ten", 3 * SLOW)
        self.assertEqual({verdict(one.reply()) for one in connections},
                         {UNAVAILABLE})
        relay.behave()
        daemon.becomes("u1@d.example", VALID)


class LoadTest(Case):
    """A full load that is not whole is none."""

    # Each hits a load of all; a look-up of one has no more than one entry.
    CASES = (
        ("silence in the middle", {"hang_after": 50}),
        ("an end in the middle", {"close_after": 50}),
        ("a reset in the middle", {"reset_after": 50}),
        ("half a message", {"cut_after": 50}),
        ("a size limit", {"limit_after": 50}),
        ("busy at the end", {"code": 51}),
        ("a time limit at the end", {"code": 3}),
        ("insufficient rights at the end", {"code": 50}),
        ("a referral at the end", {"referral": "ldap://192.0.2.1/"}),
        ("a notice of disconnection", {"notice": True}),
        ("silence", {"hang": True}),
        ("connections are reset", {"refuse": True}),
        ("no LDAP at all", {"garbage": b"\x30\x84\x7f\xff\xff\xff"}),
        ("other numbers", {"wrong_id": True}),
    )
    # Success, and yet not all: more than max-shrink allows.
    FEWER = ("success after half of it", {"limit_after": 50, "code": 0})

    def begin(self, faults, sync):
        for what, fault in faults:
            relay = self.relay()
            daemon = self.policyd(relay, sync=sync, page_size=1000,
                                  sync_interval="1s")
            yield what, fault, relay, daemon

    def loads(self, sync):
        """First loads, then others, under each fault."""
        begun = list(self.begin(self.CASES, sync))
        for _, fault, relay, daemon in begun:
            relay.misbehave(**fault)
            daemon.start()
        # Each has tried, and may have tried again.
        for what, _, _, daemon in begun:
            with self.subTest(f"{sync}: first load, {what}"):
                daemon.log.wait("(?i)replica is not kept|cannot|problem|"
                                "directory", limit=2 * PATIENCE)
        time.sleep(1.5)
        for what, _, relay, daemon in begun:
            with self.subTest(f"{sync}: first load, {what}"):
                self.assertEqual(daemon.log.find("^replica loaded"), [])
                self.assertIn(daemon.verdict("nobody@d.example"),
                              {UNKNOWN, UNAVAILABLE})
                self.assertIn(daemon.verdict(f"u{PEOPLE - 1}@d.example"),
                              {VALID, UNAVAILABLE})
            relay.behave()
            relay.disconnect()
        complete = None
        for what, _, _, daemon in begun:
            with self.subTest(f"{sync}: first load, {what}, afterwards"):
                daemon.loaded(limit=3 * PATIENCE)
                listed = daemon.listed()
                complete = complete or listed
                self.assertEqual(listed, complete)
        self.assertGreater(len(complete), 2 * PEOPLE)
        return begun, complete

    def reloads(self, begun, complete, sync):
        for _, fault, relay, daemon in begun:
            relay.misbehave(**fault)
        # A load that was under way may still have come to its end.
        time.sleep(0.5)
        loads = {what: len(daemon.log.find("^replica loaded"))
                 for what, _, _, daemon in begun}
        for what, fault, relay, daemon in begun:
            daemon.request_sync()
        time.sleep(2.5)
        for what, _, relay, daemon in begun:
            with self.subTest(f"{sync}: another load, {what}"):
                self.assertEqual(len(daemon.log.find("^replica loaded")),
                                 loads[what])
                self.assertEqual(daemon.listed(), complete)
                self.assertEqual(daemon.verdict(f"u{PEOPLE - 1}@d.example"),
                                 VALID)
            relay.behave()
            relay.disconnect()
        for what, _, _, daemon in begun:
            with self.subTest(f"{sync}: another load, {what}, afterwards"):
                eventually(lambda: len(daemon.log.find("^replica loaded"))
                           > loads[what],
                           "another full load", 3 * PATIENCE)
                self.assertEqual(daemon.listed(), complete)

    def test_full(self):
        begun, complete = self.loads("full")
        self.reloads(begun, complete, "full")

    def test_syncrepl(self):
        self.loads("syncrepl")

    def test_half_of_the_recipients_are_not_believed(self):
        for sync in ("full", "syncrepl"):
            with self.subTest(sync):
                (_, fault, relay, daemon), = self.begin([self.FEWER], sync)
                daemon.start_loaded()
                complete = daemon.listed()
                relay.misbehave(**fault)
                relay.disconnect()
                daemon.policyctl("recipient", "sync", code=1)
                self.assertEqual(daemon.listed(), complete)
                daemon.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)

# SPDX-License-Identifier: BSD-2-Clause
"""Recipients in an Active Directory: a Samba domain with Exchange's schema."""

import os
import unittest

import samba
from harness import SLOW, eventually
from recipients import (AT_ONCE, DISABLED, NOT_PERMITTED, STRANGER, TOO_BIG,
                        UNAVAILABLE, UNKNOWN, VALID, Recipients,
                        controller_settings, directory_says)
from samba import BULK, BULK_USERS, CONTACTS, HIDDEN, Domain, user

# The requirement: who is removed is refused within half a minute.
SOON = 30 * SLOW

NO_CACHE = {"cache_entries": 0}
LIMITS = {"network_timeout": "1s", "bind_timeout": "1s",
          "search_timeout": "1s"}


def setUpModule():
    global DOMAIN, SHARED
    DOMAIN = Domain(unittest.addModuleCleanup)
    SHARED = DOMAIN.controller().start()


class Case(unittest.TestCase):
    def settings(self, controller=None, account="svc", **more):
        return {**controller_settings(controller or SHARED, account),
                **NO_CACHE, **more}

    def live(self, recipients={}, **ldap):
        """A policyd without a replica: each question goes to the server."""
        return Recipients(self, ldap=self.settings(**ldap), recipients={
            "replica": "no", **recipients}).start()

    def replicate(self, recipients={}, **ldap):
        """A policyd with a replica."""
        return Recipients(self, ldap=self.settings(**ldap),
                          recipients=recipients).start_loaded()


class KindsTest(Case):
    """Every kind of recipient and of restriction, from the server itself and
    from the replica."""

    RECIPIENTS = {
        # Addresses of one user, by their types.
        "ann@d.example": VALID,
        "a.alias@d.example": VALID,
        "ann.mixed@d.example": VALID,
        "ANN@D.EXAMPLE": VALID,
        "ann+list@d.example": VALID,
        "ann.sip@d.example": UNKNOWN,
        "ann.x500@d.example": UNKNOWN,
        "ann.eum@d.example": UNKNOWN,
        "ann.upn@d.example": UNKNOWN,
        "ann.other@d.example": UNKNOWN,
        "mail.only@d.example": UNKNOWN,
        "secondary@d.example": VALID,
        "many0@d.example": VALID,
        "many299@d.example": VALID,
        "many300@d.example": UNKNOWN,
        # Disabled by design.
        "shared@d.example": VALID,
        "room@d.example": VALID,
        "equipment@d.example": VALID,
        "disabled@d.example": VALID,
        # No users.
        "staff@d.example": VALID,
        "everybody@d.example": VALID,
        "security@d.example": VALID,
        "dynamic@d.example": VALID,
        "folder@d.example": VALID,
        "partner@d.example": VALID,
        # Nobody, or nobody that we may see, or no business of ours.
        "nobody@d.example": UNKNOWN,
        "hidden@d.example": UNKNOWN,
        "nobody@other.example": VALID,
        # Names that mean something in a filter or in the protocol.
        "star*(x)\\y@d.example": VALID,
        "o'neil@d.example": VALID,
        "hash#&|=@d.example": VALID,
        "plus+tag@d.example": VALID,
        "plus@d.example": UNKNOWN,
        "jürg@d.example": VALID,
        "*@d.example": UNKNOWN,
        "a*@d.example": UNKNOWN,
        "ann)(objectClass=*@d.example": UNKNOWN,
        "*)(|(cn=*@d.example": UNKNOWN,
        "ann\\2a@d.example": UNKNOWN,
        "\\61nn@d.example": UNKNOWN,
        "jurg@d.example": UNKNOWN,
    }

    def daemons(self, **arguments):
        """One that asks, and one that has a copy and cannot ask."""
        yield "live", self.live(**arguments)
        copy = self.replicate(**arguments)
        SHARED.pause()
        try:
            yield "replica", copy
        finally:
            SHARED.resume()

    def test_recipients(self):
        for name, daemon in self.daemons():
            with self.subTest(name):
                daemon.expect(self.RECIPIENTS)

    def test_restrictions(self):
        partner, member, nested, nuisance = (
            f"{name}@b.example" for name in
            ("partner", "member", "nested", "nuisance"))
        cases = (
            # Recipient, and who may write to it, and who may not.
            ("auth.orig", (partner, partner.upper()), (STRANGER, member, "")),
            ("unauth.orig", (STRANGER, partner, ""), (nuisance,)),
            ("submit", (member, nested), (STRANGER, partner, "")),
            ("reject", (STRANGER, partner, ""), (member, nested)),
            ("both", (partner, nested), (STRANGER, member, "")),
            ("open", (STRANGER, ""), ()),
        )
        for name, daemon in self.daemons():
            for recipient, may, may_not in cases:
                expected = {**{one: VALID for one in may},
                            **{one: NOT_PERMITTED for one in may_not}}
                with self.subTest(f"{recipient}, {name}"):
                    got = {one: daemon.verdict(f"{recipient}@d.example", one)
                           for one in expected}
                    self.assertEqual(got, expected)
            with self.subTest(f"internal, {name}"):
                both = ("internal@d.example", "internal.group@d.example")
                daemon.expect({one: NOT_PERMITTED for one in both})
                daemon.expect({one: VALID for one in both},
                              sasl_username="ann", sasl_method="plain")
            with self.subTest(f"small, {name}"):
                # 100 KB.
                for size, verdict in (("", VALID), ("0", VALID),
                                      ("102400", VALID), ("102401", TOO_BIG),
                                      ("99999999999999999999", TOO_BIG)):
                    self.assertEqual(
                        daemon.verdict("small@d.example", size=size), verdict,
                        size)

    def test_more_attributes(self):
        for name, daemon in self.daemons(address_attributes=[
                "proxyAddresses", "mail", "otherMailbox",
                "userPrincipalName"]):
            with self.subTest(name):
                daemon.expect({
                    "ann@d.example": VALID,
                    "mail.only@d.example": VALID,
                    "ann.other@d.example": VALID,
                    "ann.upn@d.example": VALID,
                    "ann.sip@d.example": UNKNOWN,
                    "nobody@d.example": UNKNOWN,
                })

    def test_disabled_accounts_can_be_refused(self):
        for name, daemon in self.daemons(recipients={"disabled": "reject"}):
            with self.subTest(name):
                daemon.expect({
                    "disabled@d.example": DISABLED,
                    "ann@d.example": VALID,
                    "staff@d.example": VALID,
                    "partner@d.example": VALID,
                })

    def test_a_filter_of_ones_own(self):
        for name, daemon in self.daemons(filter="(objectClass=user)"):
            with self.subTest(name):
                daemon.expect({"ann@d.example": VALID,
                               "staff@d.example": UNKNOWN})


class ConnectionTest(Case):
    """How the controller is reached, and who we are to it."""

    KNOWN = {"ann@d.example": VALID, "nobody@d.example": UNKNOWN}

    def fails(self, words, password=samba.PASSWORD, **ldap):
        """policyd -t names what is wrong, and no recipient is refused."""
        ldap = self.settings(**ldap)
        self.assertNotEqual(directory_says(self, words, ldap=ldap,
                                           password=password), 0)
        daemon = Recipients(self, ldap=ldap, password=password,
                            recipients={"replica": "no"}).start()
        daemon.expect({"ann@d.example": UNAVAILABLE,
                       "nobody@d.example": UNAVAILABLE})
        daemon.close()

    def test_start_tls(self):
        self.live(uri=[SHARED.ldap], start_tls="yes").expect(self.KNOWN)

    def test_policyd_t_is_content(self):
        for sync, words in (("auto", "changes by DirSync"),
                            ("dirsync", "changes by DirSync"),
                            ("usn", "changes by uSNChanged"),
                            ("full", "only full loads")):
            self.assertEqual(directory_says(
                self, words, ldap=self.settings(sync=sync)), 0)
        self.assertEqual(directory_says(
            self, "the server does not offer",
            ldap=self.settings(sync="syncrepl")), 69)

    def test_the_global_catalog(self):
        self.live(uri=[f"ldaps://{SHARED.address}:3269"], base="").expect(
            self.KNOWN)

    def test_kerberos_with_a_keytab(self):
        daemon = Recipients(self)
        keytab = daemon.make_secret(
            SHARED.keytab("svc", daemon.path("svc.keytab")))
        daemon.configure(
            recipients={"source": "ldap"},
            ldap={"kind": "active-directory", "uri": [SHARED.ldap],
                  "base": samba.BASE, "bind": "gssapi", "keytab": keytab,
                  **NO_CACHE})
        daemon.environment["KRB5_CONFIG"] = SHARED.kerberos
        daemon.start_loaded()
        daemon.expect(self.KNOWN)
        self.assertIn("ann@d.example", daemon.listed())

    def test_signing_is_required(self):
        self.fails("without TLS", uri=[SHARED.ldap])

    def test_a_wrong_password(self):
        self.fails("wrong password", password="wrong")

    def test_accounts_that_may_not_log_on(self):
        for account, words in (("svc-disabled", "account is disabled"),
                               ("svc-expired", "account has expired")):
            with self.subTest(account):
                self.fails(words, account=account)

    def test_a_locked_account(self):
        for _ in range(3):
            directory_says(self, ldap=self.settings(account="svc-locked"),
                           password="wrong")
        self.fails("account is locked", account="svc-locked")

    def test_no_such_account(self):
        self.fails("no such account", account="nobody")

    def test_an_anonymous_bind(self):
        self.fails("only after a bind", bind="anonymous")


class ChangeTest(Case):
    """What is changed in the directory, as the replica learns of it."""

    # How the changes are asked for, and by whom.
    WAYS = (("dirsync", "svc-sync"), ("usn", "svc-sync"), ("auto", "svc-sync"))

    def replicas(self):
        for sync, account in self.WAYS:
            daemon = self.replicate(sync=sync, account=account,
                                    sync_interval="1s")
            with self.subTest(sync):
                yield sync, daemon
            daemon.close()

    def listed_soon(self, daemon, *addresses, limit=SOON):
        eventually(lambda: set(addresses) <= set(daemon.listed()),
                   f"{addresses} in the replica", limit)

    def test_a_user_comes_changes_and_goes(self):
        for sync, daemon in self.replicas():
            dn, attributes = user(f"new-{sync}", f"new-{sync}@d.example")
            SHARED.add((dn, attributes))
            # At once: the server is asked for whom the replica lacks.
            self.assertEqual(daemon.verdict(f"new-{sync}@d.example"), VALID)
            self.listed_soon(daemon, f"new-{sync}@d.example")
            SHARED.replace(dn, proxyAddresses=[f"SMTP:other-{sync}@d.example"])
            self.assertEqual(daemon.verdict(f"other-{sync}@d.example"), VALID)
            daemon.becomes(f"new-{sync}@d.example", UNKNOWN, SOON)
            SHARED.replace(dn, proxyAddresses=[])
            daemon.becomes(f"other-{sync}@d.example", UNKNOWN, SOON)
            SHARED.replace(dn, proxyAddresses=[f"SMTP:new-{sync}@d.example"])
            self.listed_soon(daemon, f"new-{sync}@d.example")
            SHARED.delete(dn)
            daemon.becomes(f"new-{sync}@d.example", UNKNOWN, SOON)

    def test_restrictions_change(self):
        daemon = self.replicate(sync="dirsync", account="svc-sync",
                                sync_interval="1s")
        dn, attributes = user("strict", "strict@d.example")
        SHARED.add((dn, attributes))
        self.addCleanup(SHARED.delete, dn)
        self.listed_soon(daemon, "strict@d.example")
        self.assertEqual(daemon.verdict("strict@d.example"), VALID)
        SHARED.replace(dn, msExchRequireAuthToSendTo="TRUE")
        daemon.becomes("strict@d.example", NOT_PERMITTED, SOON)
        SHARED.replace(dn, msExchRequireAuthToSendTo=[], delivContLength=1)
        daemon.becomes("strict@d.example", TOO_BIG, SOON, size=2000)
        self.assertEqual(daemon.verdict("strict@d.example"), TOO_BIG)
        SHARED.replace(dn, delivContLength=[],
                       authOrig=f"CN=partner,{CONTACTS}")
        daemon.becomes("strict@d.example", NOT_PERMITTED, SOON)
        self.assertEqual(daemon.verdict("strict@d.example",
                                        "partner@b.example"), VALID)
        SHARED.replace(dn, authOrig=[])
        daemon.becomes("strict@d.example", VALID, SOON)

    def test_a_thousand_changes_between_two_looks(self):
        daemon = self.replicate(sync="dirsync", account="svc-sync",
                                sync_interval="1s",
                                recipients={"max_shrink": 100})

        def rename(prefix):
            SHARED.replace_all([
                (f"CN=bulk{i},{BULK}",
                 {"proxyAddresses": [f"SMTP:{prefix}{i}@d.example",
                                     f"smtp:b.{i}@d.example"]})
                for i in range(BULK_USERS)])
            self.listed_soon(daemon, *(f"{prefix}{i}@d.example"
                                       for i in range(BULK_USERS)))
        self.addCleanup(rename, "bulk")
        before = len(daemon.listed())
        rename("changed")
        eventually(lambda: len(daemon.listed()) == before,
                   "as many addresses as before", SOON)
        daemon.expect({"bulk7@d.example": UNKNOWN, "b.7@d.example": VALID,
                       "changed7@d.example": VALID})

    def test_who_is_moved_out_of_sight_is_gone(self):
        """No server tells of that; a full load does."""
        daemon = self.replicate(sync="dirsync", sync_interval="1s",
                                reconcile_interval="3s")
        dn, attributes = user("mover", "mover@d.example")
        SHARED.add((dn, attributes))
        moved = f"CN=mover,{HIDDEN}"
        self.addCleanup(SHARED.delete, moved)
        self.listed_soon(daemon, "mover@d.example")
        SHARED.move(dn, HIDDEN)
        daemon.becomes("mover@d.example", UNKNOWN, SOON)

    def test_deletions_that_the_account_may_not_see(self):
        daemon = self.replicate(sync="usn", sync_interval="1s",
                                reconcile_interval="3s")
        dn, attributes = user("goner", "goner@d.example")
        SHARED.add((dn, attributes))
        self.listed_soon(daemon, "goner@d.example")
        SHARED.delete(dn)
        daemon.becomes("goner@d.example", UNKNOWN, SOON)

    def test_full_loads_alone(self):
        daemon = self.replicate(sync="full", sync_interval="1s",
                                reconcile_interval="1s")
        dn, attributes = user("full", "full@d.example")
        SHARED.add((dn, attributes))
        self.listed_soon(daemon, "full@d.example")
        SHARED.delete(dn)
        daemon.becomes("full@d.example", UNKNOWN, SOON)

    def test_a_sync_on_demand(self):
        daemon = self.replicate(sync="dirsync", account="svc-sync",
                                sync_interval="1h")
        dn, attributes = user("demand", "demand@d.example")
        SHARED.add((dn, attributes))
        self.addCleanup(SHARED.delete, dn)
        self.assertNotIn("demand@d.example", daemon.listed())
        daemon.policyctl("recipient", "sync")
        self.assertIn("demand@d.example", daemon.listed())


class OutageTest(Case):
    """Controllers that hang, go and are replaced."""

    @classmethod
    def setUpClass(cls):
        cls.first = DOMAIN.controller(cls.addClassCleanup).start()

    def replicate_first(self, recipients={}, **ldap):
        return self.replicate(recipients, controller=self.first,
                              account="svc-sync", sync_interval="1s",
                              **{**LIMITS, **ldap})

    def test_it_hangs(self):
        daemon = self.replicate_first({"replica_trusted_for": "3s"})
        self.first.pause()
        self.addCleanup(self.first.resume)
        # While it is not noticed yet, and later.
        for _ in range(2):
            for recipient in ("ann@d.example", "staff@d.example",
                              "b.77@d.example"):
                got, seconds = daemon.timed(recipient)
                self.assertEqual(got, VALID)
                self.assertLess(seconds, AT_ONCE)
            self.assertEqual(daemon.verdict("auth.orig@d.example"),
                             NOT_PERMITTED)
            way = daemon.becomes("nobody@d.example", UNAVAILABLE)
            self.assertLessEqual(set(way), {UNKNOWN, UNAVAILABLE})
        self.first.resume()
        way = daemon.becomes("nobody@d.example", UNKNOWN)
        self.assertNotIn(VALID, way)

    def test_it_is_restarted_again_and_again(self):
        daemon = self.replicate_first()
        for i, restart in enumerate((self.first.restart, self.first.kill)):
            restart()
            daemon.expect({"ann@d.example": VALID})
            if self.first.process is None:
                self.first.start()
            dn, attributes = user(f"again{i}", f"again{i}@d.example")
            self.first.add((dn, attributes))
            daemon.becomes(f"again{i}@d.example", VALID)
            self.first.delete(dn)
            daemon.becomes(f"again{i}@d.example", UNKNOWN, SOON)

    def test_another_controller_takes_its_place(self):
        """The second one counts its changes in its own way."""
        second = DOMAIN.another(self.first, self.addCleanup).start()
        for sync in ("usn", "dirsync"):
            with self.subTest(sync):
                daemon = self.replicate_first(
                    {"max_shrink": 100}, sync=sync,
                    uri=[self.first.ldaps, second.ldaps])
                before = set(daemon.listed())
                dn, attributes = user(f"two-{sync}", f"two-{sync}@d.example")
                second.add((dn, attributes))
                gone = f"b.{len(sync)}@d.example"
                second.delete(f"CN=bulk{len(sync)},{BULK}")
                self.first.pause()
                try:
                    daemon.becomes(f"two-{sync}@d.example", VALID)
                    daemon.becomes(gone, UNKNOWN, SOON)
                    eventually(lambda: set(daemon.listed()) == before
                               - {gone, gone.replace("b.", "bulk")}
                               | {f"two-{sync}@d.example"},
                               "what the second one has", SOON)
                finally:
                    self.first.resume()
                    daemon.close()
                self.first.replicate_from(second)

    def test_a_controller_that_was_set_back(self):
        """A copy of an earlier time takes its place, and has fewer changes than
        it had."""
        for sync in ("usn", "dirsync"):
            with self.subTest(sync):
                one = DOMAIN.controller(self.addCleanup).start()
                one.add(*(user(f"later{i}", f"later{i}@d.example")
                          for i in range(20)))
                daemon = self.replicate(
                    {"max_shrink": 100}, controller=one, sync=sync,
                    account="svc-sync", sync_interval="1s", **LIMITS)
                self.assertIn("later7@d.example", daemon.listed())
                one.stop()
                one.set_back(DOMAIN)
                one.start()
                daemon.becomes("later7@d.example", UNKNOWN, SOON)
                one.end()
                daemon.close()

    def test_certificates_that_are_wrong(self):
        one = DOMAIN.controller(self.addCleanup)
        for which, words in (("expired", "certificate has expired"),
                             ("other-name", "for another name")):
            with self.subTest(which):
                one.show(which)
                one.start()
                ldap = self.settings(controller=one)
                self.assertNotEqual(directory_says(self, words, ldap=ldap), 0)
                daemon = self.live(controller=one)
                daemon.expect({"ann@d.example": UNAVAILABLE,
                               "nobody@d.example": UNAVAILABLE})
                daemon.close()
                one.stop()


class SchemaTest(Case):
    """The schema for settings of a recipient, loaded as its README says."""

    FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../schema/policyd-ad.ldif")

    def test_a_user_a_group_and_a_contact_have_settings_of_their_own(self):
        controller = DOMAIN.controller(self.addCleanup).start()
        with open(self.FILE) as f:
            controller.change(f.read().replace("DC=X", samba.BASE))
        controller.add(user("own", "own@d.example"))
        dn = user("own")[0]
        controller.replace(dn, policydGreylist="off", policydDelay="600",
                           policydAllowedSender=["friend@c.example"],
                           policydRefusedSender=["@c.example", "Bad@B.example"])
        for replica in ("no", "yes"):
            with self.subTest(replica=replica):
                daemon = Recipients(
                    self, ldap=self.settings(controller),
                    recipients={"replica": replica})
                (daemon.start_loaded if replica == "yes" else daemon.start)()
                self.assertEqual(
                    daemon.becomes("own@d.example", VALID)[-1], VALID)
                for sender, expected in (("friend@c.example", VALID),
                                         ("foe@c.example", NOT_PERMITTED),
                                         ("bad@b.example", NOT_PERMITTED),
                                         (STRANGER, VALID)):
                    self.assertEqual(daemon.verdict("own@d.example", sender),
                                     expected)
                self.assertEqual(daemon.reason(recipient="own@d.example"),
                                 "mode-off")
                daemon.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)

# SPDX-License-Identifier: BSD-2-Clause
"""Recipients in an OpenLDAP directory."""

import os
import pwd
import shutil
import signal
import time
import unittest

import slapd
from harness import PATIENCE, SLOW, eventually, request
from recipients import (AT_ONCE, NOT_PERMITTED, STRANGER, TOO_BIG, UNAVAILABLE,
                        UNKNOWN, VALID, Recipients, directory_says,
                        slapd_settings, verdict)
from servers import Authority
from slapd import HIDDEN, PEOPLE, Slapd, group, person

# Within that a change is to be known where the server tells it by itself.
SOON = 5 * SLOW

# Nobody is asked twice for what he has just said.
NO_CACHE = {"cache_entries": 0}


def setUpModule():
    global AUTHORITY, SHARED
    AUTHORITY = Authority(unittest.addModuleCleanup)
    SHARED = Slapd(unittest.addModuleCleanup, AUTHORITY).start()


def people(count, domain="d.example"):
    """A directory with so many people, u0@ and so on."""
    for dn, attributes in slapd.population():
        if "ou" in attributes or "dc" in attributes \
                or "userPassword" in attributes:
            yield dn, attributes
    for i in range(count):
        yield person(f"u{i}", [f"u{i}@{domain}", f"alias{i}@{domain}"])


def users(numbers):
    return [f"uid=u{i},{PEOPLE}" for i in numbers]


class Case(unittest.TestCase):
    def serve(self, server, recipients={}, **ldap):
        """A policyd without a replica: each question goes to the server."""
        return Recipients(self, ldap={
            **slapd_settings(server), **NO_CACHE, **ldap},
            recipients={"replica": "no", **recipients}).start()

    def replicate(self, server, recipients={}, start=True, **ldap):
        """A policyd with a replica."""
        daemon = Recipients(self, ldap={
            **slapd_settings(server), **NO_CACHE, **ldap},
            recipients=recipients)
        return daemon.start_loaded() if start else daemon

    def slapd(self, *arguments, **more):
        return Slapd(self.addCleanup, AUTHORITY, *arguments, **more)


class KindsTest(Case):
    """What is a recipient, with a replica and without."""

    def both(self, expected, recipients={}, **ldap):
        live = self.serve(SHARED, recipients, **ldap)
        live.expect(expected)
        copy = self.replicate(SHARED, recipients, **ldap)
        copy.expect(expected)
        return copy

    def test_mail_is_the_address_by_default(self):
        copy = self.both({
            "ann@d.example": VALID,
            "ANN.mixed@d.example": VALID,
            "ann+list@d.example": VALID,
            "staff@d.example": VALID,
            "ann.alternate@d.example": UNKNOWN,
            "ann.proxy@d.example": UNKNOWN,
            "nomail@d.example": UNKNOWN,
            "hidden@d.example": UNKNOWN,
            "many0@d.example": VALID,
            "many299@d.example": VALID,
            "many300@d.example": UNKNOWN,
        })
        listed = set(copy.listed())
        self.assertIn("ann.mixed@d.example", listed)
        self.assertIn("many299@d.example", listed)
        self.assertNotIn("hidden@d.example", listed)

    def test_inetorgperson(self):
        self.both({
            "ann@d.example": VALID,
            "ann.alternate@d.example": VALID,
            # Not a person.
            "staff@d.example": UNKNOWN,
        }, preset="inetorgperson")

    def test_postfix_book(self):
        self.both({
            "book@d.example": VALID,
            "book.alias@d.example": VALID,
            "forward.alias@d.example": VALID,
            "shut@d.example": UNKNOWN,
            "shut.alias@d.example": UNKNOWN,
            "ann@d.example": UNKNOWN,
        }, preset="postfix-book")

    def test_addresses_with_a_type(self):
        self.both({
            "ann@d.example": VALID,
            "ann.proxy@d.example": VALID,
            "ann.sip@d.example": UNKNOWN,
            "ann.mixed@d.example": UNKNOWN,
        }, address_attributes=["proxyAddresses"])

    def test_a_filter_of_ones_own(self):
        self.both({
            "ann@d.example": VALID,
            "bob@d.example": UNKNOWN,
        }, filter="(|(uid=ann)(uid=special))")

    def test_restrictions(self):
        expected = {
            "internal@d.example": NOT_PERMITTED,
            "small@d.example": VALID,
            "choosy@d.example": VALID,
            "private@d.example": NOT_PERMITTED,
        }
        self.serve(SHARED).expect(expected, size="")
        for daemon in (self.serve(SHARED), self.replicate(SHARED)):
            self.restrict(daemon)

    def restrict(self, daemon):
        self.assertEqual(daemon.verdict("small@d.example", size="1024"), VALID)
        self.assertEqual(daemon.verdict("small@d.example", size="1025"),
                         TOO_BIG)
        self.assertEqual(daemon.verdict("internal@d.example",
                                        sasl_username="ann",
                                        sasl_method="plain"), VALID)
        for sender, expected in (("nuisance@b.example", NOT_PERMITTED),
                                 ("Nuisance@B.example", NOT_PERMITTED),
                                 ("anybody@c.example", NOT_PERMITTED),
                                 ("friend@c.example", VALID),
                                 ("", VALID), (STRANGER, VALID)):
            with self.subTest(sender):
                self.assertEqual(daemon.verdict("choosy@d.example", sender),
                                 expected)
        self.assertEqual(daemon.verdict("private@d.example",
                                        "partner@b.example"), VALID)
        self.assertEqual(daemon.verdict("private@d.example"), NOT_PERMITTED)

    def test_recipients_have_a_greylist_of_their_own(self):
        for replica in ("no", "yes"):
            with self.subTest(replica=replica):
                daemon = Recipients(
                    self, ldap=slapd_settings(SHARED),
                    recipients={"replica": replica},
                    greylist={"delay": "1h", "retry_window": "2h"}).start()
                for recipient, sender, expected in (
                        ("ann", STRANGER, "in 3600 seconds"),
                        ("slow", STRANGER, "in 1234 seconds"),
                        ("off", STRANGER, "^DUNNO$"),
                        ("choosy", "friend@c.example", "^DUNNO$"),
                        ("choosy", STRANGER, "in 3600 seconds")):
                    action = daemon.ask(recipient=f"{recipient}@d.example",
                                        sender=sender)["action"]
                    self.assertRegex(action, expected)

    def test_two_with_one_address_are_told_of(self):
        twins = [person(f"twin{i}", "twin@d.example") for i in range(2)]
        SHARED.add(*twins)
        self.addCleanup(SHARED.delete, *(dn for dn, _ in twins))
        daemon = self.serve(SHARED)
        daemon.expect({"twin@d.example": VALID})
        daemon.log.wait("directory: 2 entries have the address "
                        "<twin@d.example>")

    def test_an_address_is_never_a_part_of_the_filter(self):
        hostile = ["*@d.example", "a*@d.example", "an?@d.example",
                   "ann)(uid=*@d.example", "ann)(|(uid=*)@d.example",
                   "*)(objectClass=*@d.example", "ann\\2a@d.example",
                   "\\61nn@d.example", "ann\\@d.example", "(ann)@d.example",
                   "ann&(1=1)@d.example", "ann@d.example)(cn=*@d.example",
                   "ann\x7f@d.example", "\tann@d.example", "ann @d.example",
                   " ann@d.example", "star*@d.example", "st*(x)\\y@d.example",
                   "j\N{LATIN SMALL LETTER U WITH DIAERESIS}rg@d.example",
                   "\N{KELVIN SIGN}elvin@d.example", "'@d.example",
                   "ann,ou=x@d.example", "#ann@d.example", "ann=@d.example"]
        expected = {**{one: UNKNOWN for one in hostile},
                    "star*(x)\\y@d.example": VALID,
                    "STAR*(X)\\Y@d.example": VALID,
                    "o'neil@d.example": VALID}
        self.both(expected, preset="none")


class ConnectionTest(Case):
    """How the server is reached, and who we are to it."""

    def works(self, **ldap):
        daemon = self.serve(SHARED, **ldap)
        daemon.expect({"ann@d.example": VALID, "nobody@d.example": UNKNOWN})
        return daemon

    def fails(self, *words, server=None, password=slapd.PASSWORD, **ldap):
        """policyd -t names what is wrong, and no recipient is refused."""
        ldap = {**slapd_settings(server or SHARED), **NO_CACHE, **ldap}
        code = directory_says(self, *words, ldap=ldap, password=password)
        self.assertNotEqual(code, 0)
        daemon = Recipients(self, ldap=ldap, password=password,
                            recipients={"replica": "no"}).start()
        daemon.expect({"ann@d.example": UNAVAILABLE,
                       "nobody@d.example": UNAVAILABLE})
        daemon.log.wait("|".join(words))
        daemon.close()

    def tls(self, server=None, **more):
        server = server or SHARED
        return {"uri": [server.ldaps], "tls_ca_file": AUTHORITY.file, **more}

    def test_plain(self):
        self.works()

    def test_tls(self):
        self.works(**self.tls())

    def test_start_tls(self):
        self.works(start_tls="yes", tls_ca_file=AUTHORITY.file)

    def test_a_unix_socket(self):
        # The folder is open; who may do what, the bind says.
        self.works(uri=[SHARED.ldapi])

    def test_anonymous(self):
        server = self.slapd(anonymous="read").start()
        daemon = Recipients(self, ldap={
            "kind": "openldap", "base": slapd.BASE, "uri": [server.ldap],
            "bind": "anonymous"}).start_loaded()
        daemon.expect({"ann@d.example": VALID, "nobody@d.example": UNKNOWN})

    def external(self, name):
        """The certificate of a client takes the place of a password."""
        certificate, key = AUTHORITY.issue(name, name, usage="clientAuth")
        daemon = Recipients(self)
        mine = daemon.path("client.key")
        shutil.copy(key, mine)
        daemon.configure(
            recipients={"source": "ldap", "replica": "no"},
            ldap={"kind": "openldap", "base": slapd.BASE,
                  "bind": "external", "tls_certificate": certificate,
                  "tls_key": daemon.make_secret(mine), **self.tls()})
        return daemon.start()

    def test_external(self):
        self.external("svc").expect({"ann@d.example": VALID,
                                     "nobody@d.example": UNKNOWN})

    def test_an_account_that_may_read_nothing_refuses_nobody(self):
        self.external("somebody-else").expect({"ann@d.example": UNAVAILABLE,
                                               "nobody@d.example":
                                               UNAVAILABLE})

    def test_policyd_t_is_content(self):
        for sync, words in (("auto", "changes by syncrepl"),
                            ("syncrepl", "changes by syncrepl"),
                            ("full", "only full loads")):
            self.assertEqual(directory_says(
                self, words, ldap=slapd_settings(SHARED, sync=sync)), 0)

    def test_policyd_t_knows_what_the_sync_needs(self):
        for sync in ("dirsync", "usn"):
            self.assertEqual(directory_says(
                self, "the server does not offer",
                ldap=slapd_settings(SHARED, sync=sync)), 69)

    def test_a_wrong_password(self):
        self.fails("wrong password", password="wrong")

    def test_a_missing_password_file(self):
        self.fails("secret", password_file="/nonexistent/secret")

    def test_an_empty_password_is_no_bind(self):
        # It would be an anonymous one, which may see nothing.
        server = self.slapd(settings="allow bind_anon_dn\n"
                            "allow bind_anon_cred").start()
        self.fails("password", server=server, password="")

    def test_a_password_may_change(self):
        server = self.slapd().start()
        daemon = self.serve(server)
        daemon.expect({"ann@d.example": VALID})
        server.replace(f"cn=svc,{slapd.SERVICE}", userPassword="another")
        server.restart()
        daemon.becomes("ann@d.example", UNAVAILABLE)
        daemon.secret("secret", "another")
        daemon.becomes("ann@d.example", VALID)

    def test_a_password_without_tls_where_that_is_refused(self):
        server = self.slapd(settings="security simple_bind=64").start()
        self.fails("without TLS|not encrypted", server=server)
        daemon = self.serve(server, **self.tls(server))
        daemon.expect({"ann@d.example": VALID})

    def test_a_base_that_is_not_there(self):
        self.fails("base", base="ou=nowhere,dc=example,dc=test")

    def test_an_unknown_authority(self):
        other = Authority(self.addCleanup, "Another Authority")
        self.fails("authority", **self.tls(tls_ca_file=other.file))

    def test_certificates_that_are_wrong(self):
        server = self.slapd()
        for which, words in (("expired", "certificate has expired"),
                             ("other-name", "for another name")):
            with self.subTest(which):
                server.show(which)
                server.start()
                self.fails(words, server=server, **self.tls(server))
                self.fails(words, server=server, start_tls="yes",
                           tls_ca_file=AUTHORITY.file)
                daemon = self.serve(server, tls_verify="no",
                                    **self.tls(server))
                daemon.expect({"ann@d.example": VALID})
                server.stop()


class OutageTest(Case):
    """The server goes, hangs, comes back."""

    LIMITS = {"network_timeout": "1s", "bind_timeout": "1s",
              "search_timeout": "1s"}

    @classmethod
    def setUpClass(cls):
        cls.first = Slapd(cls.addClassCleanup, AUTHORITY)
        cls.second = Slapd(cls.addClassCleanup, AUTHORITY)

    def setUp(self):
        for server in (self.first, self.second):
            server.start()
            self.addCleanup(server.end)

    KNOWN = {"ann@d.example": VALID, "nobody@d.example": UNKNOWN}
    AWAY = {"ann@d.example": UNAVAILABLE, "nobody@d.example": UNAVAILABLE}

    def test_stopped_and_started(self):
        daemon = self.serve(self.first, **self.LIMITS)
        for stop in (self.first.stop, self.first.kill):
            daemon.expect(self.KNOWN)
            stop()
            daemon.expect(self.AWAY)
            self.first.start()
            way = daemon.becomes("nobody@d.example", UNKNOWN)
            self.assertLessEqual(set(way), {UNAVAILABLE, UNKNOWN})

    def test_restarted_between_two_questions_goes_unnoticed(self):
        daemon = self.serve(self.first, **self.LIMITS)
        for _ in range(5):
            daemon.expect(self.KNOWN)
            self.first.restart()
        daemon.expect(self.KNOWN)

    def test_hung(self):
        daemon = self.serve(self.first, **self.LIMITS)
        daemon.expect(self.KNOWN)
        self.first.pause()
        start = time.monotonic()
        daemon.expect(self.AWAY)
        self.assertLess(time.monotonic() - start, 6 * SLOW)
        self.first.resume()
        way = daemon.becomes("ann@d.example", VALID)
        self.assertLessEqual(set(way), {UNAVAILABLE, VALID})
        daemon.expect(self.KNOWN)

    def test_the_second_server_takes_over_and_gives_back(self):
        daemon = self.serve(self.first)
        daemon.configure(ldap={
            "uri": [self.first.ldap, self.second.ldap], **self.LIMITS})
        daemon.stop()
        daemon.start()
        only = person("only-second", "only-second@d.example")
        self.second.add(only)
        self.addCleanup(self.second.delete, only[0])
        probe = "only-second@d.example"
        self.assertEqual(daemon.verdict(probe), UNKNOWN)
        for leave, come_back in ((self.first.stop, self.first.start),
                                 (self.first.pause, self.first.resume)):
            with self.subTest(leave.__name__):
                leave()
                way = daemon.becomes(probe, VALID, 10 * SLOW)
                self.assertNotIn(UNKNOWN, way)
                come_back()
                # The preferred one is tried again by and by.
                daemon.becomes(probe, UNKNOWN, 60 * SLOW)

    def test_with_a_replica_those_who_are_known_do_not_notice(self):
        daemon = self.replicate(self.first, **self.LIMITS)
        self.first.pause()
        for recipient in ("ann@d.example", "bob@d.example", "ann+x@d.example"):
            got, seconds = daemon.timed(recipient)
            self.assertEqual(got, VALID)
            self.assertLess(seconds, AT_ONCE)
        # The replica is young enough to know who does not exist.
        self.assertEqual(daemon.verdict("nobody@d.example"), UNKNOWN)
        self.assertEqual(daemon.verdict("small@d.example", size="5000"),
                         TOO_BIG)
        self.assertEqual(daemon.verdict("choosy@d.example",
                                        "nuisance@b.example"), NOT_PERMITTED)

    def test_an_old_replica_refuses_nobody(self):
        daemon = self.replicate(self.first, {"replica_trusted_for": "2s"},
                                **self.LIMITS)
        self.assertEqual(daemon.verdict("nobody@d.example"), UNKNOWN)
        self.first.pause()
        way = daemon.becomes("nobody@d.example", UNAVAILABLE)
        self.assertEqual(daemon.verdict("ann@d.example"), VALID)
        time.sleep(1)
        self.assertEqual(daemon.verdict("nobody@d.example"), UNAVAILABLE)
        self.first.resume()
        daemon.becomes("nobody@d.example", UNKNOWN, 60 * SLOW)
        self.assertLessEqual(set(way), {UNKNOWN, UNAVAILABLE})

    def test_a_replica_outlives_the_daemon(self):
        daemon = self.replicate(self.first, **self.LIMITS)
        # What a crash may lose is the last fraction of a second.
        time.sleep(0.5)
        for stop in (daemon.stop, daemon.kill):
            stop()
            self.first.end()
            daemon.start()
            daemon.expect(self.KNOWN)
            self.first.start()

    def test_the_directory_process_dies_and_hangs(self):
        daemon = self.serve(self.first, **self.LIMITS)
        daemon.expect(self.KNOWN)
        for number in (signal.SIGKILL, signal.SIGABRT, signal.SIGSTOP):
            with self.subTest(number):
                questions = [daemon.connect() for _ in range(30)]
                old = daemon.kill_directory(number)
                start = time.monotonic()
                for i, one in enumerate(questions):
                    one.send(request(
                        recipient=("ann", "nobody")[i % 2] + "@d.example",
                        policy_context="recipient"))
                replies = [verdict(one.reply()) for one in questions]
                self.assertLess(time.monotonic() - start, 5 * SLOW)
                self.assertLessEqual(set(replies[::2]), {VALID, UNAVAILABLE})
                self.assertLessEqual(set(replies[1::2]),
                                     {UNKNOWN, UNAVAILABLE})
                daemon.becomes("ann@d.example", VALID, 3 * SLOW)
                eventually(lambda: daemon.directory_pid != old,
                           "another directory process")


class ProcessTest(Case):
    """The process that speaks with the directory."""

    def test_it_has_no_rights_and_no_descriptors_of_ours(self):
        daemon = self.serve(SHARED)
        daemon.expect({"ann@d.example": VALID})
        with open(f"/proc/{daemon.directory_pid}/status") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f)
        user = str(pwd.getpwnam(daemon.user).pw_uid)
        self.assertEqual(set(status["Uid"].split()), {user})
        self.assertEqual(int(status["CapEff"], 16), 0)
        listening = {os.readlink(f"/proc/{daemon.pid}/fd/{fd}")
                     for fd in os.listdir(f"/proc/{daemon.pid}/fd")}
        folder = f"/proc/{daemon.directory_pid}/fd"
        for fd in os.listdir(folder):
            target = os.readlink(f"{folder}/{fd}")
            if int(fd) > 2 and target.startswith(("socket:", "/")) \
                    and not target.startswith(("/dev/", "/proc/")):
                self.assertNotIn(target, listening)

    def test_it_ends_with_the_daemon(self):
        server = self.slapd().start()
        for pause in (False, True):
            daemon = self.serve(server, **{"uri": [server.ldaps],
                                           "tls_ca_file": AUTHORITY.file})
            daemon.expect({"ann@d.example": VALID})
            pid = daemon.directory_pid
            if pause:
                server.pause()
                daemon.verdict("bob@d.example")
            daemon.kill()
            eventually(lambda: not os.path.exists(f"/proc/{pid}"),
                       "the end of the directory process", 5 * SLOW)

    def test_a_reload_takes_another_server(self):
        server = self.slapd(list(slapd.population()) + [
            person("other", "other@d.example")]).start()
        daemon = self.serve(SHARED)
        daemon.expect({"ann@d.example": VALID, "other@d.example": UNKNOWN})
        daemon.configure(ldap={"uri": [server.ldap]})
        daemon.process.send_signal(signal.SIGHUP)
        way = daemon.becomes("other@d.example", VALID)
        self.assertLessEqual(set(way), {UNKNOWN, UNAVAILABLE, VALID})
        daemon.expect({"ann@d.example": VALID})


class SyncTest(Case):
    """The replica follows the directory."""

    @classmethod
    def setUpClass(cls):
        cls.server = Slapd(cls.addClassCleanup, AUTHORITY)

    def begin(self, count=100, **arguments):
        self.server.end()
        self.server.forget()
        self.server.load(people(count))
        self.server.start()
        self.addCleanup(self.server.end)
        return self.replicate(self.server, **arguments)

    def test_a_change_arrives_by_itself(self):
        for sync in ("syncrepl", "auto"):
            with self.subTest(sync):
                daemon = self.begin(sync=sync)
                new = person("new", "new@d.example")
                self.server.add(new)
                self.assertEqual(daemon.verdict("new@d.example"), VALID)
                eventually(lambda: "new@d.example" in daemon.listed(),
                           "the new user in the replica", SOON)
                self.server.replace(new[0], mail="renamed@d.example")
                eventually(lambda: "renamed@d.example" in daemon.listed(),
                           "the other address in the replica", SOON)
                daemon.expect({"new@d.example": UNKNOWN,
                               "renamed@d.example": VALID})
                self.server.replace(new[0], mail=[])
                daemon.becomes("renamed@d.example", UNKNOWN, SOON)
                self.server.replace(new[0], mail="back@d.example")
                daemon.becomes("back@d.example", VALID, SOON)
                self.server.delete(new[0])
                daemon.becomes("back@d.example", UNKNOWN, SOON)
                daemon.close()

    def test_one_with_too_many_senders_is_in_nobodys_way(self):
        """The others are copied, and of that one the server is asked."""
        everybody = group("everybody", "everybody@d.example", [
            f"uid={name},{PEOPLE}" for name in
            ("partner", *(f"m{i}" for i in range(5001)))])
        self.server.end()
        self.server.forget()
        self.server.load([*people(10), everybody,
                          person("partner", "partner@b.example"),
                          person("closed", "closed@d.example",
                                 dLMemSubmitPerms=everybody[0])])
        self.server.start()
        self.addCleanup(self.server.end)
        daemon = self.replicate(self.server)
        self.assertIn("permitted      too many for the replica",
                      daemon.policyctl("recipient", "check", "closed@d.example"))
        for sender, expected in (("partner@b.example", VALID),
                                 (STRANGER, NOT_PERMITTED)):
            self.assertEqual(daemon.verdict("closed@d.example", sender),
                             expected)
        self.server.end()
        daemon.expect({"u7@d.example": VALID,
                       "closed@d.example": UNAVAILABLE})

    def test_full_loads_alone_find_changes_too(self):
        daemon = self.begin(sync="full", sync_interval="1s",
                            reconcile_interval="1s")
        self.server.add(person("new", "new@d.example"))
        self.server.delete(*users([7]))
        eventually(lambda: "new@d.example" in daemon.listed(),
                   "the new user in the replica")
        daemon.becomes("u7@d.example", UNKNOWN)

    def test_a_thousand_changes_between_two_looks(self):
        daemon = self.begin(1000, recipients={"max_shrink": 100})
        self.assertEqual(len(daemon.listed()), 2000)
        self.server.replace_all([
            (dn, {"mail": f"changed{i}@d.example"})
            for i, dn in enumerate(users(range(1000)))])
        wanted = {f"changed{i}@d.example" for i in range(1000)}
        eventually(lambda: set(daemon.listed()) == wanted,
                   "all the changes in the replica", 2 * PATIENCE)
        daemon.expect({"u5@d.example": UNKNOWN, "alias5@d.example": UNKNOWN,
                       "changed5@d.example": VALID})

    def test_changes_while_the_daemon_or_the_server_was_away(self):
        daemon = self.begin()
        for i, away in enumerate(("daemon", "server", "both")):
            with self.subTest(away):
                if away != "server":
                    daemon.stop()
                self.server.delete(*users([i]))
                name = f"after-{away}"
                self.server.add(person(name, f"{name}@d.example"))
                if away != "daemon":
                    # Its log of sessions is lost with it.
                    self.server.restart()
                if away != "server":
                    daemon.start()
                eventually(lambda: f"{name}@d.example" in daemon.listed(),
                           "the new user in the replica")
                daemon.becomes(f"u{i}@d.example", UNKNOWN)
                # Two addresses have gone, and one has come.
                self.assertEqual(len(daemon.listed()), 200 - (i + 1))

    def test_a_user_who_is_moved_out_of_sight_is_gone(self):
        # The server does not tell of it: the next full load does.
        daemon = self.begin(reconcile_interval="2s")
        dn, = users([3])
        self.server.move(dn, HIDDEN)
        daemon.becomes("u3@d.example", UNKNOWN, 2 * PATIENCE)
        self.server.move(f"uid=u3,{HIDDEN}", PEOPLE)
        daemon.becomes("u3@d.example", VALID)

    def test_a_directory_that_was_set_up_anew_is_copied_anew(self):
        daemon = self.begin(recipients={"max_shrink": 100})
        self.server.stop()
        self.server.forget()
        self.server.load(people(120, "sub.d.example"))
        daemon.configure(recipients={"domains": ["d.example", ".d.example"]})
        daemon.process.send_signal(signal.SIGHUP)
        self.server.start()
        eventually(lambda: len(daemon.listed()) == 240
                   and "u119@sub.d.example" in daemon.listed(),
                   "the other directory in the replica", 3 * PATIENCE)
        daemon.expect({"u5@d.example": UNKNOWN, "u5@sub.d.example": VALID})

    def empty_base(self, daemon):
        """Somebody has taken all of them away."""
        since = len(daemon.log.lines)
        self.server.stop()
        self.server.forget()
        self.server.load(people(0))
        self.server.start()
        daemon.log.wait("replica stays as it is|more .* are gone", since,
                        3 * PATIENCE)

    def test_an_emptied_base_is_not_believed_until_it_is_forced(self):
        daemon = self.begin()
        self.empty_base(daemon)
        self.assertEqual(len(daemon.listed()), 200)
        daemon.expect({"u5@d.example": VALID})
        daemon.policyctl("recipient", "sync", code=1)
        self.assertEqual(len(daemon.listed()), 200)
        daemon.policyctl("recipient", "sync", "--force")
        eventually(lambda: daemon.verdict("u5@d.example") == UNKNOWN,
                   "the empty directory in the replica")

    def test_nothing_at_first_is_no_replica(self):
        self.server.end()
        self.server.forget()
        self.server.load(people(0))
        self.server.start()
        self.addCleanup(self.server.end)
        daemon = self.replicate(self.server, start=False).start()
        daemon.log.wait("no recipient was found")
        self.server.add(person("late", "late@d.example"))
        daemon.becomes("late@d.example", VALID)

    def test_a_limit_of_the_server_is_no_end_of_the_list(self):
        server = self.slapd(people(100)).start()
        daemon = Recipients(self, ldap=slapd_settings(
            server, account="svc-limited")).start()
        daemon.log.wait("limit|more entries than")
        daemon.policyctl("recipient", "list", code=None)
        # What the server says itself still counts.
        daemon.expect({"u5@d.example": VALID, "u99@d.example": VALID})
        server.pause()
        daemon.expect({"u50@d.example": UNAVAILABLE,
                       "nobody@d.example": UNAVAILABLE})

    def test_the_directory_process_dies_in_the_middle(self):
        daemon = self.begin(1000)
        for i in range(3):
            daemon.kill_directory()
            name = f"new{i}"
            self.server.add(person(name, f"{name}@d.example"))
            eventually(lambda: f"{name}@d.example" in daemon.listed(),
                       "the new user in the replica")
        self.assertEqual(len(daemon.listed()), 2003)


if __name__ == "__main__":
    unittest.main(verbosity=2)

# SPDX-License-Identifier: BSD-2-Clause
"""policyctl and the admin socket of a daemon whose recipients are imported."""

import csv
import grp
import io
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import (IS_ROOT, PATIENCE, POLICYD, SLOW, Policyd, eventually,
                     temporary_directory)

POLICYCTL = os.environ.get(
    "POLICYCTL", os.path.join(os.path.dirname(POLICYD), "policyctl"))

HEADER = ("address,id,disabled,internal_only,max_size,greylist,delay,"
          "permits,refuses,allows,permitted,refused,allowed")


def policyctl(*arguments, text=None, **more):
    given = ({"stdin": subprocess.DEVNULL} if text is None
             else {"input": text})
    return subprocess.run([POLICYCTL, *arguments], capture_output=True,
                          text=True, timeout=PATIENCE, **given, **more)


def addresses(count, domain="d.example"):
    return [f"user{i:06}@{domain}" for i in range(count)]


class PolicyctlTest(unittest.TestCase):
    SOURCE = "file"

    def setUp(self):
        self.folder = temporary_directory(self)
        self.policyd = Policyd(self, recipients={
            "source": self.SOURCE, "domains": ["d.example"]})

    def start(self):
        self.policyd.start()
        return self.policyd

    def ctl(self, *arguments, code=0, says="", text=None):
        """Runs policyctl; returns what it prints.

        When it fails, `says` must be in its one sentence.
        """
        done = policyctl("-c", self.policyd.file, *arguments, text=text)
        self.assertEqual(done.returncode, code,
                         (arguments, done.stdout, done.stderr))
        if says:
            self.assertIn(says, done.stderr)
            self.assertRegex(done.stderr, r"^policyctl: [^\n]+\n$")
        if code == 0:
            self.assertEqual(done.stderr, "")
        return done.stdout

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, text, name="file"):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def load(self, *lines, options=()):
        return self.ctl("recipient", "import", *options,
                        self.file("".join(line + "\n" for line in lines)))

    def table(self, *rows, header=HEADER):
        return self.load(header, *rows, options=["--csv"])

    def listed(self, *options):
        return self.ctl("recipient", "list", *options).split()


class UsageTest(unittest.TestCase):
    BAD = (
        [],
        ["recipient"],
        ["recipient", "dance"],
        ["mailbox", "list"],
        ["-x"],
        ["-s"],
        ["recipient", "check"],
        ["recipient", "check", "a@b", "c@d"],
        ["recipient", "list", "all"],
        ["recipient", "list", "--domain"],
        ["recipient", "list", "--force"],
        ["recipient", "sync", "--csv"],
        ["recipient", "import"],
        ["recipient", "import", "--domain", "d", "file"],
        ["recipient", "export", "one", "two"],
        ["recipient", "export", "--json"],
        ["--json", "recipient", "export"],
    )

    def test_what_it_does_not_understand(self):
        for arguments in self.BAD:
            with self.subTest(" ".join(arguments)):
                done = policyctl("-s", "/nonexistent", *arguments)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn("usage: policyctl", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_and_version(self):
        for option in ("-h", "--help"):
            done = policyctl(option)
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, "^usage: policyctl")
        done = policyctl("-V")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^policyd \d+\S*\n$")

    def test_every_verb_is_in_the_manual(self):
        path = os.path.join(os.path.dirname(__file__), "..", "..", "policyd",
                            "policyctl.1")
        with open(path) as f:
            manual = f.read()
        verbs = re.findall(r"(?m)^  (\w+ \w+)", policyctl("-h").stdout)
        self.assertGreater(len(verbs), 4)
        for verb in verbs:
            self.assertIn(f".It Cm {verb}", manual)


class ReachTest(PolicyctlTest):
    """Who reaches the daemon, and what others are told."""

    def test_no_daemon(self):
        self.ctl("recipient", "list", code=3, says="policyd does not run")

    def test_a_daemon_that_was_killed(self):
        self.start().kill()
        self.ctl("recipient", "list", code=3, says="nobody answers at")
        # Its socket is replaced.
        self.start()
        self.load("ann@d.example")
        self.assertEqual(self.listed(), ["ann@d.example"])

    def test_a_daemon_that_has_ended(self):
        self.start().stop()
        self.assertFalse(os.path.exists(self.policyd.path("control")))
        self.ctl("recipient", "list", code=3, says="policyd does not run")

    def test_a_configuration_that_is_bad(self):
        done = policyctl("-c", "/nonexistent/policyd.conf", "recipient",
                         "list")
        self.assertEqual(done.returncode, 3)
        self.assertIn("/nonexistent/policyd.conf", done.stderr)
        self.policyd.write("control = 3\n")
        self.ctl("recipient", "list", code=3)

    def test_a_daemon_without_the_socket(self):
        self.policyd.configure(control="")
        self.start()
        self.ctl("recipient", "list", code=3, says="no admin socket")

    def test_the_socket_is_named_without_a_configuration(self):
        self.start()
        done = policyctl("-s", self.policyd.path("control"), "recipient",
                         "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no recipients have been imported yet", done.stderr)

    def test_the_socket_is_there_after_a_reload(self):
        daemon = self.start()
        self.load("ann@d.example")
        for name in ("other", "control"):
            since = len(daemon.log.lines)
            daemon.configure(control=daemon.path(name))
            daemon.process.send_signal(signal.SIGHUP)
            daemon.log.wait("^reloaded", since)
            self.assertEqual(self.listed(), ["ann@d.example"])

    def test_a_second_daemon_leaves_the_socket_alone(self):
        self.start()
        second = Policyd(self, control=self.policyd.path("control"))
        second.launch()
        self.assertEqual(second.ended(), 73)
        second.log.wait("another program does")
        self.load("ann@d.example")
        self.assertEqual(self.listed(), ["ann@d.example"])

    @unittest.skipUnless(IS_ROOT, "only root has users at hand")
    def test_who_may_not(self):
        daemon = self.start()
        status = os.stat(daemon.path("control"))
        owner = pwd.getpwuid(status.st_uid).pw_name
        group = grp.getgrgid(status.st_gid).gr_name
        self.assertEqual(status.st_mode & 0o777, 0o660)
        self.assertEqual(owner, daemon.user)
        stranger = pwd.getpwnam("daemon").pw_uid
        # Where a stranger may run it.
        program = shutil.copy(POLICYCTL, self.folder)
        done = subprocess.run(
            [program, "-s", daemon.path("control"), "recipient", "list"],
            user=stranger, group=stranger, extra_groups=[],
            capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no permission", done.stderr)
        self.assertIn(f"the user {owner}", done.stderr)
        self.assertIn(f"the group {group}", done.stderr)
        done = subprocess.run(
            [program, "-s", daemon.path("control"), "recipient", "list"],
            user=stranger, group=stranger, extra_groups=[status.st_gid],
            capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1, done)


class ImportTest(PolicyctlTest):
    def test_a_text(self):
        self.start()
        said = self.load("# staff", "", " Ann@D.example ", "bob@d.example",
                         "ann@d.example")
        self.assertEqual(said, "imported: 2 recipients with 2 addresses\n")
        self.assertEqual(self.listed(), ["ann@d.example", "bob@d.example"])

    def test_standard_input(self):
        self.start()
        said = self.ctl("--json", "recipient", "import", "-",
                        text="ann@d.example\n")
        self.assertEqual(json.loads(said), {"recipients": 1, "addresses": 1})
        self.assertEqual(self.listed(), ["ann@d.example"])

    def test_it_replaces_what_was_there(self):
        self.start()
        self.load("ann@d.example", "bob@d.example")
        self.load("carl@d.example", "bob@d.example")
        self.assertEqual(self.listed(), ["bob@d.example", "carl@d.example"])

    def test_the_mail_knows_it_at_once(self):
        daemon = self.start()
        self.load("ann@d.example")
        self.assertIn("550 5.1.1",
                      daemon.ask(recipient="bob@d.example")["action"])
        self.load("bob@d.example")
        self.assertNotIn("550", daemon.ask(recipient="bob@d.example")["action"])
        self.assertIn("550 5.1.1",
                      daemon.ask(recipient="ann@d.example")["action"])

    BAD = (
        # Options, text, what is said.
        ([], "ann@d.example\nbob\n", ":2: bob has no domain"),
        ([], "ann@d.example OK\n", ":1: ann@d.example OK has a space"),
        ([], "\x1b[2Jann@d.example\n", ":1: \\x1b[2Jann@d.example has a con"),
        (["--csv"], "", ":1: the file is empty"),
        (["--csv"], "mailbox\nann\n", ":1: mailbox is no column"),
        (["--csv"], "address,disabled\na@d.example,x\n", ":2: disabled: "),
        (["--csv"], 'address\n"a@d.example\n', ":2: a quote is not closed"),
        (["--csv"], "address,delay\na@d.example,5m\nb@d.example,\n"
                    "a@d.example,6m\n", ":4: a@d.example contradicts line 2"),
    )

    def test_a_bad_file_changes_nothing(self):
        self.start()
        self.load("ann@d.example")
        for options, text, says in self.BAD:
            with self.subTest(text):
                path = self.file(text)
                self.ctl("recipient", "import", "--force", *options, path,
                         code=1, says=path + says)
                self.assertEqual(self.listed(), ["ann@d.example"])
        self.ctl("recipient", "import", self.path("none"), code=1,
                 says="none: No such file")
        self.ctl("recipient", "import", self.folder, code=1,
                 says=f"{self.folder}: ")

    def test_too_many_gone(self):
        self.start()
        self.load(*addresses(100))
        path = self.file("\n".join(addresses(70)))
        self.ctl("recipient", "import", path, code=1,
                 says="the recipients are as they were")
        self.assertEqual(len(self.listed()), 100)
        self.ctl("recipient", "import", "--force", path)
        self.assertEqual(len(self.listed()), 70)
        empty = self.file("# nobody\n", "empty")
        self.ctl("recipient", "import", empty, code=1, says="no recipient")
        self.ctl("recipient", "import", "--force", empty)
        self.assertEqual(self.listed(), [])

    def test_many_and_a_restart(self):
        daemon = self.start()
        every = addresses(20000)
        self.load(*every)
        self.assertEqual(self.listed(), every)
        daemon.kill()
        daemon.start()
        self.assertEqual(self.listed(), every)

    def test_mail_goes_on_meanwhile(self):
        daemon = self.start()
        path = self.file("\n".join(addresses(50000)))
        slowest = 0
        with subprocess.Popen([POLICYCTL, "-c", daemon.file, "recipient",
                               "import", path],
                              stdout=subprocess.DEVNULL) as process, \
                daemon.connect() as connection:
            while process.poll() is None:
                begin = time.monotonic()
                connection.ask(recipient="ann@other.example")
                slowest = max(slowest, time.monotonic() - begin)
        self.assertEqual(process.returncode, 0)
        self.assertLess(slowest, 0.5 * SLOW)

    def begin(self, path, *options):
        """Starts an import, and stops it in the middle of it."""
        process = subprocess.Popen(
            [POLICYCTL, "-c", self.policyd.file, "recipient", "import",
             *options, path], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        other = self.file("other@d.example\n", "other")
        while True:
            process.send_signal(signal.SIGSTOP)
            done = policyctl("-c", self.policyd.file, "recipient", "import",
                             other)
            if "another import is under way" in done.stderr:
                return process
            self.assertIsNone(process.poll(), "it has ended too early")
            process.send_signal(signal.SIGCONT)
            time.sleep(0.02)

    def test_broken_off(self):
        """However it ends, the recipients are the old or the new ones."""
        daemon = self.start()
        self.load(*addresses(1000))
        path = self.file("\n".join(addresses(60000, "new.example")))
        for kill in ("policyctl", "policyd"):
            with self.subTest(kill):
                process = self.begin(path, "--force")
                if kill == "policyctl":
                    process.kill()
                    process.communicate(timeout=PATIENCE)
                else:
                    daemon.kill()
                    process.send_signal(signal.SIGCONT)
                    _, said = process.communicate(timeout=PATIENCE)
                    self.assertEqual(process.returncode, 3)
                    self.assertIn("closed the connection", said)
                    daemon.start()
                self.assertEqual(self.listed(), addresses(1000))
        self.ctl("recipient", "import", "--force", path)
        self.assertEqual(len(self.listed()), 60000)

    def test_one_at_a_time(self):
        self.start()
        process = self.begin(self.file("\n".join(addresses(60000))))
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.listed()), 60000)

    def test_what_is_replaced_does_not_stay_in_the_store(self):
        """Old rows are swept: tables do not grow with each import."""
        daemon = self.start()
        every = addresses(3000)

        def rows():
            out = subprocess.run(
                ["db_stat", "-d", "recipient.db", "-h",
                 os.path.join(daemon.state, "store")],
                capture_output=True, text=True, check=True).stdout
            return int(re.search(r"(?m)^(\d+)\s+Number of data items",
                                 out)[1])
        for _ in range(3):
            self.load(*every)
        daemon.stop()
        self.assertGreaterEqual(rows(), 3000)
        daemon.start()
        time.sleep(8)
        daemon.stop()
        self.assertEqual(rows(), 3000)


class ExportTest(PolicyctlTest):
    ROWS = (
        'ann@d.example,000102030405060708090a0b0c0d0e0f,yes,yes,10M,off,5m,'
        'yes,yes,yes,"@b.example boss@d.example","<>","ann\\x20b@c.example"',
        "boss@d.example,100102030405060708090a0b0c0d0e0f,no,no,,,,"
        "no,no,no,,,",
        "many@d.example,300102030405060708090a0b0c0d0e0f,no,no,,,,"
        'yes,no,no,"*",,',
        "nobody@d.example,200102030405060708090a0b0c0d0e0f,no,no,,,,"
        "yes,no,no,,,",
        '"o,\\x22p@d.example",000102030405060708090a0b0c0d0e0f,yes,yes,10M,'
        'off,5m,yes,yes,yes,,,',
    )

    def test_a_round_trip_keeps_every_setting(self):
        self.start()
        self.table(*self.ROWS)
        text = self.ctl("recipient", "export", "--csv")
        self.assertEqual(text.splitlines(), [HEADER, *self.ROWS])
        read = list(csv.reader(io.StringIO(text)))
        self.assertEqual(read[5][0], r"o,\x22p@d.example")
        path = self.path("saved")
        self.ctl("recipient", "export", "--csv", path)
        self.load("other@d.example", options=["--force"])
        self.ctl("recipient", "import", "--csv", "--force", path)
        self.assertEqual(self.ctl("recipient", "export", "--csv"), text)

    def test_a_text(self):
        self.start()
        self.table(*self.ROWS)
        path = self.path("saved")
        self.assertEqual(self.ctl("recipient", "export", path), "")
        with open(path) as f:
            self.assertEqual(f.read(),
                             "ann@d.example\nboss@d.example\n"
                             "many@d.example\n"
                             "nobody@d.example\no,\\x22p@d.example\n")
        before = self.listed()
        self.ctl("recipient", "import", path)
        self.assertEqual(self.listed(), before)

    def test_a_file_that_cannot_be_written(self):
        self.start()
        self.load("ann@d.example")
        self.ctl("recipient", "export", "/nonexistent/file", code=1,
                 says="/nonexistent/file: No such file")
        self.ctl("recipient", "export", "/dev/full", code=1,
                 says="/dev/full: cannot be written")

    def test_a_file_stays_when_there_is_nothing_to_write(self):
        path = self.file("precious")
        self.ctl("recipient", "export", path, code=3)
        self.start()
        self.ctl("recipient", "export", path, code=1)
        with open(path) as f:
            self.assertEqual(f.read(), "precious")


class ListTest(PolicyctlTest):
    def test_domains_and_json(self):
        self.start()
        self.table("ann@d.example,,yes,no,1000,observe,5m,,,,,,",
                   "bob@e.example,,,,,,,,,,,,")
        self.assertEqual(self.listed("--domain", "E.example"),
                         ["bob@e.example"])
        self.assertEqual(self.listed("--domain", "f.example"), [])
        rows = json.loads(self.ctl("recipient", "list", "--json"))
        self.assertEqual([row["address"] for row in rows],
                         ["ann@d.example", "bob@e.example"])
        ann = rows[0]
        self.assertRegex(ann.pop("id"), "^[0-9a-f]{32}$")
        self.assertEqual(ann, {
            "address": "ann@d.example", "disabled": True,
            "internal_only": False, "max_size": 1000, "greylist": "observe",
            "delay": 300, "permits": False, "refuses": False,
            "allows": False})
        self.assertEqual(json.loads(self.ctl(
            "--json", "recipient", "list", "--domain", "f.example")), [])

    def test_nothing_of_an_address_reaches_a_terminal_raw(self):
        self.start()
        self.load("a\\x22\\x5c\\xc3\\xa4\\x9b2J@d.example")
        for verb in (["list"], ["export"], ["export", "--csv"],
                     ["list", "--json"],
                     ["check", "a\\x22\\x5c\\xc3\\xa4\\x9b2J@d.example"]):
            done = subprocess.run(
                [POLICYCTL, "-c", self.policyd.file, "recipient", *verb],
                capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done)
            self.assertRegex(done.stdout, rb"^[ -~\r\n]+$")
            self.assertIn(b"2j@d.example", done.stdout.lower())

    def test_a_reader_that_stops_does_not_fill_the_daemon(self):
        daemon = self.start()
        self.load(*addresses(60000))
        process = subprocess.Popen(
            [POLICYCTL, "-c", daemon.file, "recipient", "list"],
            stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        self.assertEqual(daemon.ask(recipient="ann@other.example")["action"]
                         .split()[0], "DEFER_IF_PERMIT")
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(out.split(), addresses(60000))


class CheckTest(PolicyctlTest):
    def test_valid_and_unknown(self):
        self.start()
        self.ctl("recipient", "check", "ann@d.example", code=1)
        self.table("ann@d.example,,no,yes,10M,off,5m,,,,x@y.example,,@z")
        said = self.ctl("recipient", "check", "Ann@D.example")
        for pattern in (r"^Ann@D.example: valid\n", r"replica +valid, \d",
                        r"directory +none", r"internal-only +yes",
                        r"max-size +10M", r"greylist +off", r"delay +5m",
                        r"permits-only +yes", r"permitted +<x@y.example>",
                        r"allowed +<@z>"):
            self.assertRegex(said, pattern)
        said = self.ctl("recipient", "check", "bob@d.example", code=1)
        self.assertRegex(said, r"^bob@d.example: unknown\n")

    def test_json(self):
        self.start()
        self.table("ann@d.example,,no,yes,,,,,,,x@y.example,,@z <>")
        said = json.loads(self.ctl("--json", "recipient", "check",
                                   "ann@d.example"))
        self.assertEqual(said["status"], "valid")
        self.assertEqual(said["replica"]["internal_only"], True)
        self.assertEqual(said["directory"], None)
        self.assertEqual(said["permitted"], ["x@y.example"])
        self.assertEqual(said["allowed"], ["", "@z"])

    def test_what_is_no_address(self):
        self.start()
        for word in ("ann", "", "a" * 400 + "@d.example"):
            self.ctl("recipient", "check", word, code=1,
                     says="this is no address")

    def test_there_is_nothing_to_sync(self):
        self.start()
        self.ctl("recipient", "sync", code=1, says="there is nothing to sync")


class NoRecipientsTest(PolicyctlTest):
    SOURCE = "none"

    def test_every_verb_says_so(self):
        self.start()
        for verb in (["check", "ann@d.example"], ["list"], ["export"],
                     ["sync"], ["import", self.file("ann@d.example\n")]):
            with self.subTest(verb[0]):
                self.ctl("recipient", *verb, code=1, says="source =")


class StrangeClientTest(PolicyctlTest):
    """Whatever is sent to the admin socket, the daemon serves."""

    def test_nonsense(self):
        daemon = self.start()
        for data in (b"\0" * 100, b"\n", b"=\n\n", b"request\n\n",
                     b"request=" + b"x" * 200000,
                     b"a=b\n" * 100000, b"request=recipient-list\n\n" * 1000,
                     b"request=recipient-import\n\n" * 2,
                     os.urandom(100000)):
            with daemon.connect("unix:" + daemon.path("control")) as client:
                try:
                    client.send(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass
            self.assertIn("action", daemon.ask())
        self.load("ann@d.example")
        self.assertEqual(self.listed(), ["ann@d.example"])

    def test_too_many_connections(self):
        daemon = self.start()
        self.load("ann@d.example")
        clients = [daemon.connect("unix:" + daemon.path("control"))
                   for _ in range(16)]
        self.ctl("recipient", "list", code=1, says="too many connections")
        clients[0].close()
        eventually(lambda: policyctl("-c", daemon.file, "recipient", "list")
                   .returncode == 0, "a free connection")


if __name__ == "__main__":
    unittest.main(verbosity=2)

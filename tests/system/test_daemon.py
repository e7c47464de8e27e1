# SPDX-License-Identifier: BSD-2-Clause
"""policyd as a daemon: options, configuration, signals, rights, logs."""

import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import time
import unittest

from harness import (IS_ROOT, PATIENCE, POLICYD, SLOW, Policyd, eventually,
                     free_port, pairs, request)

KEYS = """listen control socket-mode socket-owner socket-group state-directory
user pid-file log durability cache-size checkpoint-size max-connections
max-entries answer-within idle-timeout max-attributes max-value-size
max-request-size sweep-interval networks mode delay retry-window keep
ipv4-prefix ipv6-prefix whitelist-after code text header source domains
catch-all recipient-delimiter disabled recipient-on-failure replica
replica-trusted-for max-shrink max-recipients harvest-action harvest-threshold
harvest-half-life harvest-delay harvest-max-held harvest-origins uri srv kind
preset base filter address-attributes bind bind-dn password-file keytab
tls-ca-file tls-certificate tls-key tls-verify start-tls network-timeout
bind-timeout search-timeout max-outstanding max-questions cache-entries
cache-valid cache-unknown sync sync-interval reconcile-interval page-size
whitelist greylist recipients ldap""".split()


def policyd(*options):
    return subprocess.run([POLICYD, *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE)


class OptionsTest(unittest.TestCase):
    CASES = (
        # Options, exit code, what stdout and stderr say.
        (["-h"], 0, r"^usage: policyd .*-c FILE", "^$"),
        (["-V"], 0, r"^policyd \d+\S*\n$", "^$"),
        (["-p"], 0, r"retry-window = 48h", "^$"),
        (["-x"], 64, "^$", "usage: policyd"),
        (["-c"], 64, "^$", "usage: policyd"),
        (["-f", "extra"], 64, "^$", "usage: policyd"),
        (["-t", "-c", "/nonexistent/policyd.conf"], 78, "^$",
            "/nonexistent/policyd.conf: .*No such file or directory"),
        (["-f", "-c", "/nonexistent/policyd.conf"], 78, "^$",
            "/nonexistent/policyd.conf: .*No such file or directory"),
    )

    def test_options(self):
        for options, code, out, err in self.CASES:
            with self.subTest(" ".join(options)):
                done = policyd(*options)
                self.assertEqual(done.returncode, code, done)
                self.assertRegex(done.stdout, out)
                self.assertRegex(done.stderr, err)

    def test_every_setting_is_in_the_manual(self):
        manual = os.path.join(os.path.dirname(__file__), "..", "..",
                              "policyd", "policyd.conf.5")
        with open(manual) as f:
            words = set(re.findall(r"[a-z0-9-]+", " ".join(
                line for line in f if line.startswith(".It Cm"))))
        printed = policyd("-p").stdout
        keys = re.findall(r"(?m)^\s*([a-z0-9-]+) = ", printed)
        self.assertGreater(len(keys), 25)
        for key in keys:
            with self.subTest(key):
                self.assertIn(key, words)

    def test_the_printed_settings_are_a_configuration(self):
        printed = policyd("-p").stdout
        for key in KEYS:
            with self.subTest(key):
                self.assertRegex(printed, rf"(?m)^[\s#]*{key}\b")
        daemon = Policyd(self)
        # As it is, and with every default written out.
        for text in (printed, re.sub(r"(?m)^(\s*)#\s?(?=\S+ = )", r"\1",
                                     printed)):
            daemon.write(text)
            done = daemon.run("-t")
            self.assertEqual(done.returncode, 0, done.stderr + text)

    def test_an_empty_configuration_is_one(self):
        daemon = Policyd(self)
        for text in ("", "# nothing\n", "greylist { }\n"):
            daemon.write(text)
            self.assertEqual(daemon.run("-t").returncode, 0)


class BadConfigurationTest(unittest.TestCase):
    CASES = (
        # What, the file, the line, a word of the complaint.
        ("an unknown key", "log = stderr\ncolour = red\n", 2, "colour"),
        ("a key in the wrong section", "greylist {\n  user = x\n}\n", 2,
            "user"),
        ("a key without its section", "\n\ndelay = 2m\n", 3, "delay"),
        ("an unknown section", "greenlist {\n}\n", 1, "greenlist"),
        ("a section inside a section",
            "greylist {\n  whitelist {\n  }\n}\n", 2, "whitelist"),
        ("a duration without a unit", "greylist {\n  delay = 120\n}\n", 2,
            "unit"),
        ("a duration with an unknown unit", "greylist {\n  delay = 2y\n}\n",
            2, "delay"),
        ("a negative duration", "greylist {\n  delay = -2m\n}\n", 2, "delay"),
        ("an overflowing duration",
            "greylist {\n  keep = 99999999999999999999d\n}\n", 2, "keep"),
        ("a duration that is too long", "greylist {\n  delay = 30d\n}\n", 2,
            "delay"),
        ("a duration with blanks", 'greylist {\n  delay = "2 m"\n}\n', 2,
            "delay"),
        ("an empty duration", 'greylist {\n  delay = ""\n}\n', 2, "delay"),
        ("a size without a unit", "cache-size = 64\n", 1, "unit"),
        ("a size of seconds", "cache-size = 64s\n", 1, "cache-size"),
        ("too small a size", "cache-size = 1K\n", 1, "cache-size"),
        ("a number that is a word", "\nmax-connections = many\n", 2,
            "max-connections"),
        ("a number with rubbish", 'max-connections = "10x"\n', 1,
            "max-connections"),
        ("a number below its least", "max-connections = 0\n", 1,
            "max-connections"),
        ("a negative number", "max-connections = -1\n", 1, "max-connections"),
        ("too long a prefix", "greylist {\n  ipv4-prefix = 33\n}\n", 2,
            "ipv4-prefix"),
        ("an unknown word", "greylist {\n\n  mode = maybe\n}\n", 3,
            "enforce"),
        ("an unknown durability", "durability = sometimes\n", 1, "relaxed"),
        ("an unknown log", "log = file\n", 1, "syslog"),
        ("neither yes nor no", "greylist {\n  header = perhaps\n}\n", 2,
            "header"),
        ("a mode that is not octal", 'socket-mode = "0999"\n', 1,
            "socket-mode"),
        ("a code that is final",
            'greylist {\n  code = "550 5.1.1"\n}\n', 2, "code"),
        ("a text with a format", 'greylist {\n  text = "%s"\n}\n', 2, "%d"),
        ("an empty text", 'greylist {\n  text = ""\n}\n', 2, "text"),
        ("a text of two lines", 'greylist {\n  text = "a\\nb"\n}\n', 2,
            "text"),
        ("an endpoint without a kind", 'listen = { "10040" }\n', 1, "unix:"),
        ("a relative socket", 'listen = { "unix:policy" }\n', 1, "absolute"),
        ("too long a path",
            'listen = {\n"unix:/' + "x" * 200 + '" }\n', 2, "unix:"),
        ("an endpoint without a port", 'listen = { "inet:127.0.0.1" }\n', 1,
            "port"),
        ("too high a port", 'listen = { "inet:127.0.0.1:65536" }\n', 1,
            "port"),
        ("a host name", 'listen = { "inet:localhost:10040" }\n', 1,
            "address"),
        ("no endpoint", "listen = { }\n", None, "listen"),
        ("a network that is none",
            'whitelist {\n  networks = { "10.0.0.0/33" }\n}\n', 2,
            "10.0.0.0/33"),
        ("a network that is a name",
            'whitelist {\n  networks = { "::1",\n    "b.example" }\n}\n', 3,
            "b.example"),
        ("a relative folder", 'state-directory = "state"\n', 1, "absolute"),
        ("a section without an end", "\ngreylist {\n  delay = 2m\n", 2,
            "closed"),
        ("a string without an end", 'user = "nobody\n', None, ""),
        ("a key without a value", "\nuser =\n", None, ""),
        ("no configuration at all", "\x7fELF\x02\x01\x01\n", 1, ""),
        ("a window shorter than the delay",
            "greylist {\n  delay = 2h\n  retry-window = 1h\n}\n", None,
            "retry-window"),
    )

    def test_a_bad_configuration_is_refused_with_its_line(self):
        daemon = Policyd(self)
        for what, text, line, word in self.CASES:
            with self.subTest(what):
                daemon.write(text)
                place = f"{daemon.file}:{line}: " if line else daemon.file
                for option in ("-t", "-f"):
                    done = daemon.run(option)
                    self.assertEqual(done.returncode, 78, done)
                    self.assertIn(place, done.stderr)
                    self.assertIn(word, done.stderr)
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    @unittest.skipUnless(IS_ROOT, "only root becomes another user")
    def test_an_unknown_user_is_refused(self):
        daemon = Policyd(self, user="no-such-user")
        done = daemon.run("-f")
        self.assertEqual(done.returncode, 67, done)
        self.assertIn("no-such-user", done.stderr)

    @unittest.skipUnless(IS_ROOT, "only root gives files away")
    def test_an_unknown_owner_of_the_socket_is_refused(self):
        for key in ("socket_owner", "socket_group"):
            with self.subTest(key):
                done = Policyd(self, **{key: "no-such"}).run("-f")
                self.assertEqual(done.returncode, 67, done)
                self.assertIn("no-such", done.stderr)


class ReloadTest(unittest.TestCase):
    def setUp(self):
        self.policyd = Policyd(self, greylist={"text": "old %d"}).start()

    def reload(self, expected, **settings):
        """Sends SIGHUP and waits for what the log says of it."""
        since = len(self.policyd.log.lines)
        if settings:
            self.policyd.configure(**settings)
        self.policyd.process.send_signal(signal.SIGHUP)
        return self.policyd.log.wait(expected, since)

    def assertAnswers(self, text, **attributes):
        attributes.setdefault("recipient", os.urandom(8).hex())
        self.assertEqual(self.policyd.ask(**attributes)["action"],
                         "DEFER_IF_PERMIT 4.2.0 " + text)

    def test_rules_change_for_connections_that_are_open(self):
        self.assertAnswers("old 120")
        connection = self.policyd.connect()
        connection.ask()
        self.reload("^reloaded", greylist={"text": "new %d", "delay": "1h"})
        self.assertAnswers("new 3600")
        self.assertIn("new 3600",
                      connection.ask(recipient="another")["action"])
        # The triplet's first attempt has not changed.
        self.assertEqual(self.policyd.reason(), "greylisted-early")
        self.reload("^reloaded", greylist={"mode": "off"})
        self.assertEqual(self.policyd.reason(), "mode-off")
        self.reload("^reloaded", greylist={"mode": "enforce"},
                    whitelist={"networks": ["203.0.113.0/24"]})
        self.assertEqual(self.policyd.reason(), "whitelisted-network")

    def test_a_bad_file_changes_nothing(self):
        good = self.policyd.settings
        for text, line in (("greylist {\n  text = new\n  delay = 1\n}\n", 3),
                           ("junk", 1)):
            with self.subTest(text):
                self.policyd.write(text)
                logged = self.reload("the old configuration stays")
                self.assertIn(f"{self.policyd.file}:{line}: ", logged)
                self.assertAnswers("old 120")
        os.unlink(self.policyd.file)
        self.reload("the old configuration stays")
        self.assertAnswers("old 120")
        self.policyd.configure(**good)
        self.reload("^reloaded", greylist={"text": "new"})
        self.assertAnswers("new")

    def test_listeners_come_and_go(self):
        old_unix, old_inet = self.policyd.settings["listen"]
        new_unix = "unix:" + self.policyd.path("new")
        new_inet = f"inet:127.0.0.1:{free_port()}"
        open_before = self.policyd.connect(old_inet)
        self.reload("^reloaded", listen=[old_unix, new_unix, new_inet])
        for endpoint in (old_unix, new_unix, new_inet):
            self.assertAnswers("old 120", endpoint=endpoint)
        with self.assertRaises(ConnectionRefusedError):
            self.policyd.connect(old_inet)
        # Postfix keeps its connections; those are not cut.
        self.assertIn("old 120", open_before.ask(recipient="r")["action"])

        self.reload("^reloaded", listen=[old_unix])
        self.assertFalse(os.path.exists(self.policyd.path("new")))
        self.assertAnswers("old 120", endpoint=old_unix)

    def test_a_listener_that_cannot_be_had_changes_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            logged = self.reload(
                "the old configuration stays",
                listen=[*self.policyd.settings["listen"],
                        f"inet:127.0.0.1:{port}"],
                greylist={"text": "new"})
        self.assertIn(str(port), logged)
        for endpoint in self.policyd.settings["listen"][:2]:
            self.assertAnswers("old 120", endpoint=endpoint)

    def test_what_cannot_change_is_said(self):
        logged = self.reload("^reloaded", state_directory="/elsewhere",
                             cache_size="32M")
        self.assertIn("state-directory", logged)
        self.assertIn("cache-size", logged)
        self.assertAnswers("old 120")

    def test_reloads_during_traffic_are_not_noticed(self):
        connection = self.policyd.connect()
        requests = [request(recipient=f"r{i}") for i in range(2000)]
        for i in range(10):
            self.policyd.configure(greylist={"text": f"text {i}"})
            self.policyd.process.send_signal(signal.SIGHUP)
            for reply in connection.ask_all(requests[i * 200:][:200]):
                self.assertRegex(reply["action"], "(old|text) ")


class StopTest(unittest.TestCase):
    def test_both_signals_end_it_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                policyd = Policyd(self).start()
                connections = [policyd.connect() for _ in range(10)]
                connections[0].ask()
                self.assertEqual(policyd.stop(number), 0)
                for connection in connections:
                    self.assertIsNone(connection.reply())
                for name in ("policy", "policyd.pid"):
                    self.assertFalse(os.path.exists(policyd.path(name)))

    def test_what_was_asked_before_is_answered(self):
        for durability in ("relaxed", "full"):
            with self.subTest(durability):
                self.answer_and_stop(durability)

    def answer_and_stop(self, durability):
        policyd = Policyd(self, durability=durability,
                          greylist={"delay": "1h"}).start()
        names = [f"r{i}@d.example" for i in range(50)]
        connections = [policyd.connect() for _ in names]
        for connection in connections:
            connection.ask(recipient="first@d.example")
        # Stopped, it finds requests and signal at the same time.
        policyd.process.send_signal(signal.SIGSTOP)
        for connection, name in zip(connections, names):
            connection.send(request(recipient=name))
        policyd.process.send_signal(signal.SIGTERM)
        policyd.process.send_signal(signal.SIGCONT)
        self.assertEqual(policyd.ended(), 0)
        for connection in connections:
            self.assertIn("DEFER_IF_PERMIT", connection.reply()["action"])
            self.assertIsNone(connection.reply())

        policyd.start()
        self.assertEqual(set(policyd.reasons(names)), {"greylisted-early"})

    def test_it_ends_soon_whatever_its_peers_do(self):
        policyd = Policyd(self).start()
        half = policyd.connect()
        half.send(request()[:50])
        deaf = policyd.connect()
        deaf.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                deaf.send(request() * 100)
        start = time.monotonic()
        self.assertEqual(policyd.stop(), 0)
        self.assertLess(time.monotonic() - start, 10 * SLOW)


def is_alive(pid):
    """Whether a process runs; one that nobody has buried does not."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class BackgroundTest(unittest.TestCase):
    def end(self, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: not is_alive(pid), "the daemon's end")

    def background(self, policyd):
        """Starts it in the background and returns its process number."""
        done = policyd.run()
        self.assertEqual(done.returncode, 0, done)
        with open(policyd.pid_file) as f:
            pid = int(f.read())
        self.addCleanup(self.end, pid)
        return pid

    def test_it_returns_when_it_serves(self):
        policyd = Policyd(self, log="syslog")
        for _ in range(10):
            pid = self.background(policyd)
            self.assertIn("action", policyd.ask())
            self.assertNotEqual(os.getsid(pid), os.getsid(0))
            self.end(pid)
            self.assertFalse(os.path.exists(policyd.pid_file))

    def test_it_lets_go_of_its_terminal(self):
        policyd = Policyd(self, log="syslog")
        pid = self.background(policyd)
        for number in range(3):
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"),
                             "/dev/null")

    def test_it_returns_its_failure(self):
        first = Policyd(self).start()
        second = Policyd(self, log="syslog", state_directory=first.state)
        done = second.run()
        self.assertEqual(done.returncode, 75)
        self.assertIn(str(first.pid), done.stderr)

    def test_a_pid_file_of_a_dead_daemon_is_replaced(self):
        policyd = Policyd(self)
        with open(policyd.pid_file, "w") as f:
            f.write("1\n")
        policyd.start()
        with open(policyd.pid_file) as f:
            self.assertEqual(f.read(), f"{policyd.pid}\n")

    def test_a_pid_file_that_cannot_be_written_is_refused(self):
        policyd = Policyd(self)
        policyd.configure(pid_file=policyd.file + "/pid")
        done = policyd.run("-f")
        self.assertEqual(done.returncode, 73)
        self.assertIn(policyd.file + "/pid", done.stderr)

    def test_no_pid_file_is_fine(self):
        policyd = Policyd(self, pid_file="").start()
        self.assertIn("action", policyd.ask())

    @unittest.skipUnless(IS_ROOT, "only root has rights to give up")
    def test_root_becomes_the_user_for_good(self):
        policyd = Policyd(self, user="nobody").start()
        user = pwd.getpwnam("nobody")
        with open(f"/proc/{policyd.pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        self.assertEqual(status["Uid"].split(), [str(user.pw_uid)] * 4)
        self.assertEqual(status["Gid"].split(), [str(user.pw_gid)] * 4)
        self.assertLessEqual(set(status["Groups"].split()),
                             {str(user.pw_gid)})
        for name in ("CapPrm", "CapEff"):
            self.assertEqual(int(status[name], 16), 0)
        policyd.ask()
        for folder, _, files in os.walk(policyd.state):
            for name in files:
                owner = os.stat(os.path.join(folder, name)).st_uid
                self.assertEqual(owner, user.pw_uid, name)

    @unittest.skipUnless(IS_ROOT, "only root can be told to stay")
    def test_root_stays_root_when_told_so(self):
        for user in ("", "root"):
            with self.subTest(user):
                policyd = Policyd(self, user=user).start()
                status = os.stat(f"/proc/{policyd.pid}")
                self.assertEqual(status.st_uid, 0)


class ModeTest(unittest.TestCase):
    def test_observe_says_what_it_would_do(self):
        policyd = Policyd(
            self, greylist={"mode": "observe", "delay": "2s"}).start()
        cases = (("greylisted-new", "defer"), ("greylisted-early", "defer"))
        for reason, would in cases:
            self.assertEqual(policyd.ask(instance=reason),
                             {"action": "DUNNO"})
            logged = policyd.logged(reason)
            self.assertEqual(logged["action"], "dunno")
            self.assertEqual(logged["would"], would)
            self.assertEqual(logged["reason"], reason)
        time.sleep(2)
        self.assertEqual(policyd.ask(instance="a.1"), {"action": "DUNNO"})
        self.assertEqual(policyd.logged("a.1")["reason"], "passed")
        self.assertEqual(policyd.reason(), "known")

    def test_off_records_nothing(self):
        policyd = Policyd(self, greylist={"mode": "off"}).start()
        self.assertEqual(policyd.ask(), {"action": "DUNNO"})
        self.assertEqual(policyd.reason(), "mode-off")
        self.assertEqual(policyd.statistics()["triplets"], 0)

    def test_exemptions(self):
        policyd = Policyd(
            self, whitelist={"networks": ["192.0.2.0/25", "2001:db8::/32"]})
        policyd.start()
        cases = (
            ("authenticated", {"sasl_username": "ann"}),
            ("authenticated", {"sasl_method": "PLAIN"}),
            ("tls-client", {"ccert_fingerprint": "AB:CD"}),
            ("tls-client", {"ccert_subject": "mail.b.example"}),
            ("tls-client", {"ccert_pubkey_fingerprint": "AB:CD"}),
            ("whitelisted-network", {"client_address": "192.0.2.127"}),
            ("greylisted-new", {"client_address": "192.0.2.128"}),
            ("whitelisted-network", {"client_address": "2001:db8:ffff::1"}),
            ("greylisted-new", {"client_address": "2001:db9::1"}),
            ("vrfy", {"protocol_state": "VRFY"}),
            ("not-rcpt", {"protocol_state": "DATA"}),
            ("not-rcpt", {"protocol_state": "END-OF-MESSAGE"}),
            ("not-rcpt", {"protocol_state": "CONNECT"}),
            ("not-checked", {"policy_context": "recipient"}),
            ("not-checked", {"policy_context": "outbound"}),
            ("greylisted-new", {"policy_context": "greylist",
                                "sender": "a@greylist.example"}),
            ("greylisted-new", {"policy_context": "anything",
                                "sender": "a@anything.example"}),
        )
        for reason, attributes in cases:
            with self.subTest(f"{attributes}"):
                self.assertEqual(policyd.reason(**attributes), reason)
        self.assertEqual(policyd.statistics()["triplets"], 4)

    def test_a_message_gets_one_header(self):
        policyd = Policyd(self, greylist={"delay": "1s"}).start()
        names = ["one@d.example", "two@d.example", "three@d.example"]
        policyd.reasons(names)
        time.sleep(1.1)
        with policyd.connect() as smtpd:
            replies = [smtpd.ask(recipient=name, instance=instance)["action"]
                       for name, instance in zip(names, "112")]
        header = r"^PREPEND X-Greylist: delayed \d+ seconds by policyd"
        self.assertRegex(replies[0], header)
        self.assertEqual(replies[1], "DUNNO")
        self.assertRegex(replies[2], header)

    def test_no_header_when_told_so(self):
        policyd = Policyd(
            self, greylist={"delay": "1s", "header": "no"}).start()
        policyd.ask()
        time.sleep(1.1)
        self.assertEqual(policyd.ask(), {"action": "DUNNO"})
        self.assertEqual(policyd.reason(), "known")

    def test_the_code_is_the_administrators(self):
        for code in ("DEFER_IF_PERMIT", "DEFER", "451 4.7.1", "450"):
            with self.subTest(code):
                policyd = Policyd(
                    self, greylist={"code": code, "text": "later"}).start()
                self.assertEqual(policyd.ask(), {"action": code + " later"})


class LogTest(unittest.TestCase):
    def test_a_line_for_each_decision(self):
        policyd = Policyd(self).start()
        policyd.ask(instance="1a.2b.0", queue_id="4F9D195432C",
                    client_address="192.0.2.1", client_name="mail.c.example",
                    sender="a b@c.example", recipient="d@e.example")
        policyd.logged("1a.2b.0")
        self.assertEqual(
            policyd.log.find("^action="), [
                "action=defer reason=greylisted-new "
                "client=mail.c.example[192.0.2.1] sender=<a b@c.example> "
                "recipient=<d@e.example> delay=0 wait=120 "
                "queue_id=4F9D195432C instance=1a.2b.0"])
        with open(policyd.log.path) as f:
            self.assertRegex(
                f.readline(),
                r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} "
                rf"policyd\[{policyd.pid}\]: ready: ")

    def test_a_blocked_log_stops_nothing(self):
        """Nobody reads the pipe; lines are dropped and counted."""
        policyd = Policyd(self).start()
        requests = [request(recipient=f"{i}@d.example")
                    for i in range(10000)]
        policyd.log_reader.send_signal(signal.SIGSTOP)
        with policyd.connect() as connection:
            start = time.monotonic()
            for reply in connection.ask_all(requests):
                self.assertIn("DEFER_IF_PERMIT", reply["action"])
            self.assertLess(time.monotonic() - start, 20 * SLOW)
        policyd.log_reader.send_signal(signal.SIGCONT)
        # What policyd has kept comes before the line of the last request,
        # which is dropped, too, as long as there is no room.
        more = 0

        def is_logged():
            nonlocal more
            more += 1
            policyd.ask(instance="last")
            return policyd.log.find("^action=.* instance=last$")
        eventually(is_logged, "the last decision in the log")
        policyd.ask(instance="end")
        policyd.logged("end")
        dropped = policyd.statistics()["dropped-log-lines"]
        self.assertGreater(dropped, 0)
        decisions = policyd.log.find("^action=defer .* wait=120 ")
        self.assertEqual(len(decisions) + dropped, len(requests) + more + 1)

    def test_a_log_that_is_closed_stops_nothing(self):
        policyd = Policyd(self, user="root" if IS_ROOT else "")
        process = subprocess.Popen(
            policyd.command("-f"), stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stderr.readline()
        process.stderr.close()
        for _ in range(100):
            self.assertIn("DEFER_IF_PERMIT", policyd.ask()["action"])
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)

    def syslog(self):
        """A log daemon: a datagram socket at /dev/log."""
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(log.close)
        log.bind("/dev/log")
        self.addCleanup(lambda: os.path.exists("/dev/log") and
                        os.unlink("/dev/log"))
        os.chmod("/dev/log", 0o666)
        log.settimeout(PATIENCE)
        return log

    def line(self, log, word):
        """The next line with this word."""
        while True:
            text = log.recv(65536).decode()
            if word in text:
                return text

    def waiting(self, log):
        """What can be read without waiting; others may write there, too."""
        text = ""
        with contextlib.suppress(BlockingIOError):
            while True:
                text += log.recv(65536).decode()
        return text

    @unittest.skipIf(not IS_ROOT or os.path.exists("/dev/log"),
                     "/dev/log cannot be ours")
    def test_syslog(self):
        log = self.syslog()
        policyd = Policyd(self, log="syslog")
        policyd.launch()
        eventually(lambda: os.path.exists(policyd.path("policy")), "a socket")
        mail_info = 2 * 8 + 6
        self.assertRegex(
            self.line(log, "ready"), rf"^<{mail_info}>\w{{3}} [ \d]\d "
            rf"\d\d:\d\d:\d\d policyd\[{policyd.pid}\]: ready: ")
        policyd.ask()
        self.line(log, "reason=greylisted-new")

        # The log daemon goes away, is slow, and comes back.
        log.close()
        os.unlink("/dev/log")
        for _ in range(100):
            self.assertIn("action", policyd.ask())
        log = self.syslog()
        log.setblocking(False)
        eventually(lambda: "action" in policyd.ask() and
                   "reason=greylisted-early" in self.waiting(log),
                   "a line in the log")
        for _ in range(1000):
            self.assertIn("action", policyd.ask())
        self.waiting(log)
        log.settimeout(PATIENCE)
        policyd.process.send_signal(signal.SIGUSR1)
        counted = pairs(self.line(log, "statistics: "))
        self.assertGreaterEqual(int(counted["dropped-log-lines"]), 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)

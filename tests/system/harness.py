# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests share: a policyd and a Postfix of one's own.

Everything lives in temporary directories and on free loopback ports, and ends
with the test.  The environment says which policyd is tested (POLICYD), and by
which factor all time limits are longer (SLOW, for a sanitizer's build).
"""

import contextlib
import fcntl
import itertools
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

POLICYD = os.path.abspath(os.environ.get("POLICYD", "policyd/policyd"))
SLOW = float(os.environ.get("SLOW", "1"))
IS_ROOT = os.getuid() == 0

# The greatest patience: nothing that works takes nearly as long.
PATIENCE = 20 * SLOW

if not os.access(POLICYD, os.X_OK):
    sys.exit(f"{POLICYD}: no such program; set POLICYD=/path/to/policyd")

instances = itertools.count(1)


def eventually(condition, what, limit=PATIENCE):
    """The first true value of condition(); after `limit` seconds a failure."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what}")
        time.sleep(0.01)


def temporary_directory(test):
    """A directory that every user may look into."""
    path = tempfile.mkdtemp(prefix="policyd-test-")
    test.addCleanup(shutil.rmtree, path, ignore_errors=True)
    os.chmod(path, 0o755)
    return path


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def as_bytes(text):
    return text if isinstance(text, bytes) else str(text).encode()


def request(**attributes):
    """The bytes of a request as Postfix sends it at RCPT TO.

    Named attributes replace the usual ones; None leaves one out.
    """
    every = {
        "request": "smtpd_access_policy",
        "protocol_state": "RCPT",
        "protocol_name": "ESMTP",
        "helo_name": "mail.b.example",
        "queue_id": "",
        "instance": f"test.{next(instances)}.0",
        "sender": "ann@b.example",
        "recipient": "carl@d.example",
        "client_address": "203.0.113.9",
        "client_name": "mail.b.example",
        "sasl_method": "",
        "sasl_username": "",
        "size": "1234",
    }
    every.update(attributes)
    lines = [as_bytes(name) + b"=" + as_bytes(value) + b"\n"
             for name, value in every.items() if value is not None]
    return b"".join(lines) + b"\n"


def connect_to(endpoint, limit=PATIENCE):
    """A socket connected to "unix:/path", "inet:host:port" or "inet:[v6]:port".
    """
    kind, _, address = endpoint.partition(":")
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        target = address
    else:
        host, _, port = address.rpartition(":")
        s = socket.socket(
            socket.AF_INET6 if host.startswith("[") else socket.AF_INET)
        target = (host.strip("[]"), int(port))
    s.settimeout(limit)
    end = time.monotonic() + limit
    while True:
        try:
            s.connect(target)
            return s
        except BlockingIOError:
            # The unix socket's queue is full for the moment.
            if time.monotonic() > end:
                raise
            time.sleep(0.001)
        except OSError:
            s.close()
            raise


class Connection:
    """One connection as an smtpd has it: a request goes out, a reply comes."""

    def __init__(self, endpoint, limit=PATIENCE):
        self.socket = connect_to(endpoint, limit)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """The attributes of the next reply; None when policyd closes."""
        while b"\n\n" not in self.received:
            try:
                more = self.socket.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                more = b""
            if not more:
                if self.received:
                    raise AssertionError(f"half a reply: {self.received!r}")
                return None
            self.received += more
        reply, _, self.received = self.received.partition(b"\n\n")
        lines = reply.decode("utf-8").split("\n")
        return dict(line.split("=", 1) for line in lines)

    def ask(self, **attributes):
        self.send(request(**attributes))
        return self.reply()

    def ask_all(self, requests, at_once=50):
        """The replies to many requests, `at_once` of them on their way."""
        replies = []
        for i in range(0, len(requests), at_once):
            part = requests[i:i + at_once]
            self.send(b"".join(part))
            replies += [self.reply() for _ in part]
        return replies

    def is_open(self):
        """Whether policyd has neither closed nor said anything."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)


def configuration(settings):
    """The text of a configuration file: dicts are sections, lists lists."""
    def value(v):
        if isinstance(v, (list, tuple)):
            return "{ " + ", ".join(value(one) for one in v) + " }"
        return str(v) if isinstance(v, int) else f'"{v}"'

    lines = []
    for name, v in settings.items():
        name = name.replace("_", "-")
        if isinstance(v, dict):
            lines.append(f"{name} {{\n{configuration(v)}}}\n")
        else:
            lines.append(f"{name} = {value(v)}\n")
    return "".join(lines)


class Log:
    """A log file that grows: its lines, without what stands before them."""

    def __init__(self, path, prefix):
        self.path = path
        self.prefix = re.compile(prefix)
        self.offset = 0
        self.all = []

    @property
    def lines(self):
        with open(self.path, "rb") as f:
            f.seek(self.offset)
            new = f.read()
        whole = new[:new.rfind(b"\n") + 1]
        self.offset += len(whole)
        self.all += [self.prefix.sub("", line, count=1) for line in
                     whole.decode("utf-8", "backslashreplace").splitlines()]
        return self.all

    def find(self, pattern, since=0):
        return [l for l in self.lines[since:] if re.search(pattern, l)]

    def wait(self, pattern, since=0, limit=PATIENCE):
        """The first line that matches, once it is there."""
        def first():
            return self.find(pattern, since)[:1]
        try:
            return eventually(first, f"/{pattern}/ in the log", limit)[0]
        except AssertionError as e:
            tail = "\n".join(self.lines[-20:])
            raise AssertionError(f"{e}; its last lines are:\n{tail}") from None


PAIR = re.compile(r"([\w-]+)=(<[^>]*>|\S*)")


def pairs(line):
    """The name=value pairs of a log line as a dict, <> taken off."""
    return {name: value[1:-1] if value.startswith("<") else value
            for name, value in PAIR.findall(line)}


class Policyd:
    """A policyd in a directory of its own.

    Settings are given as in the configuration file, with _ for -:
    Policyd(self, max_entries=3, greylist={"delay": "2s"}).  Started by root it
    becomes the user nobody.  It must end well, and with a sanitizer's build
    silently, or the test fails.
    """

    def __init__(self, test, **settings):
        self.test = test
        self.directory = temporary_directory(test)
        self.file = self.path("policyd.conf")
        self.state = self.path("state")
        self.pid_file = self.path("policyd.pid")
        self.unix = "unix:" + self.path("policy")
        self.inet = f"inet:127.0.0.1:{free_port()}"
        self.user = "nobody" if IS_ROOT else pwd.getpwuid(os.getuid()).pw_name
        self.settings = {
            "listen": [self.unix, self.inet],
            "state_directory": self.state,
            "user": self.user,
            "control": self.path("control"),
            "pid_file": self.pid_file,
            "log": "stderr",
            "whitelist": {"networks": []},
        }
        self.environment = dict(os.environ)
        self.process = None
        self.log_reader = None
        self.known = {}
        self.seen = 0
        os.mkdir(self.state, 0o700)
        if IS_ROOT:
            shutil.chown(self.directory, self.user)
            shutil.chown(self.state, self.user)
        with open(self.path("log"), "wb"):
            self.log = Log(self.path("log"), r"^\S+ policyd\[\d+\]: ")
        self.configure(**settings)
        test.addCleanup(self.close)

    def path(self, name):
        return os.path.join(self.directory, name)

    def configure(self, **settings):
        """Writes the configuration anew, with these settings changed."""
        for name, value in settings.items():
            if isinstance(value, dict):
                value = {**self.settings.get(name, {}), **value}
            self.settings[name] = value
        self.write(configuration(self.settings))

    def write(self, text):
        with open(self.file, "w") as f:
            f.write(text)
        os.chmod(self.file, 0o644)

    def command(self, *options):
        return [POLICYD, "-c", self.file, *options]

    def run(self, *options):
        """Runs policyd to its end and returns what it said."""
        return subprocess.run(self.command(*options), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)

    @property
    def pid(self):
        return self.process.pid

    def launch(self):
        """Starts it and does not wait.

        A process of its own takes the log out of the pipe, so that neither a
        busy test nor a limit on policyd's files holds it up.
        """
        with open(self.log.path, "ab") as log:
            self.process = subprocess.Popen(
                self.command("-f"), env=self.environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE)
            self.log_reader = subprocess.Popen(
                ["cat"], stdin=self.process.stderr, stdout=log)
        # Room for bursts, so that policyd drops none of its lines.
        fcntl.fcntl(self.process.stderr, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.process.stderr.close()
        return self

    def start(self):
        """Starts it and returns once it serves."""
        since = len(self.log.lines)
        self.launch()
        eventually(lambda: self.log.find("^ready: ", since) or
                   self.process.poll() is not None, "the line ready:")
        if self.process.poll() is not None:
            code = self.ended()
            raise AssertionError(f"policyd ended with {code}: " +
                                 "\n".join(self.log.lines[since:]))
        return self

    def ended(self):
        """Waits until it has ended and its log is complete."""
        code = self.process.wait(PATIENCE)
        self.log_reader.wait(PATIENCE)
        self.process = self.log_reader = None
        return code

    def stop(self, number=signal.SIGTERM):
        """Ends it with a signal and returns its exit code."""
        self.process.send_signal(number)
        return self.ended()

    def kill(self):
        self.stop(signal.SIGKILL)

    def close(self):
        try:
            if self.process is not None:
                self.test.assertEqual(self.stop(), 0, "exit code at SIGTERM")
        finally:
            if self.process is not None:
                self.kill()
        bad = self.log.find("Sanitizer|runtime error:|[Aa]ssertion")
        self.test.assertEqual(bad, [])

    def connect(self, endpoint=None, limit=PATIENCE):
        connection = Connection(endpoint or self.settings["listen"][0], limit)
        self.test.addCleanup(connection.close)
        return connection

    def ask(self, endpoint=None, **attributes):
        """The reply to one request on a connection of its own."""
        with Connection(endpoint or self.settings["listen"][0]) as connection:
            return connection.ask(**attributes)

    def logged(self, instance):
        """What the log says of the decision about an instance."""
        def look():
            lines = self.log.lines
            for line in lines[self.seen:]:
                if line.startswith("action="):
                    decision = pairs(line)
                    self.known[decision["instance"]] = decision
            self.seen = len(lines)
            return self.known.get(instance)
        return eventually(look, f"a decision about {instance} in the log")

    def reason(self, **attributes):
        """Asks, and returns the reason of the decision."""
        instance = attributes.setdefault("instance",
                                         f"test.{next(instances)}.0")
        self.known.pop(instance, None)
        self.test.assertIsNotNone(self.ask(**attributes), "no reply")
        return self.logged(instance)["reason"]

    def reasons(self, recipients, **attributes):
        """The reasons for many recipients, asked on some connections at once.
        """
        names = [f"test.{next(instances)}.0" for _ in recipients]
        requests = [request(recipient=recipient, instance=name, **attributes)
                    for recipient, name in zip(recipients, names)]
        with contextlib.ExitStack() as stack:
            connections = [
                stack.enter_context(Connection(self.settings["listen"][0]))
                for _ in range(50)]
            for i in range(0, len(requests), len(connections)):
                asked = list(zip(connections, requests[i:]))
                for connection, data in asked:
                    connection.send(data)
                for connection, _ in asked:
                    self.test.assertIsNotNone(connection.reply(), "no reply")
        return [self.logged(name)["reason"] for name in names]

    def statistics(self):
        """The counters of the statistics line."""
        since = len(self.log.lines)
        self.process.send_signal(signal.SIGUSR1)
        line = self.log.wait("^statistics: ", since)
        return {name: int(value) for name, value in pairs(line).items()}


class Client(smtplib.SMTP):
    """A mail server with an address and a name of our choice."""

    def __init__(self, port, address, name="[UNAVAILABLE]", **more):
        super().__init__("127.0.0.1", port, "test.example", PATIENCE)
        self.ehlo()
        given = {"ADDR": address, "NAME": name, **more}
        self.expect(220, *self.docmd("XCLIENT", " ".join(
            f"{key}={value}" for key, value in given.items())))
        self.ehlo()

    def expect(self, code, got, text):
        if got != code:
            raise AssertionError(f"{code} expected, got {got} {text}")

    def begin(self, sender):
        self.expect(250, *self.mail(sender))

    def attempt(self, sender, *recipients):
        """Begins a message; returns code and text for each recipient."""
        self.begin(sender)
        return [(code, text.decode()) for code, text in
                (self.rcpt(recipient) for recipient in recipients)]

    def finish(self, text="Subject: test\n\nHello.\n"):
        self.expect(250, *self.data(text))


class Postfix:
    """A private Postfix on loopback.

    `policy` is asked for every recipient after reject_unauth_destination; the
    domain d.example is delivered into one maildir, and loopback may XCLIENT.
    """

    SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
"""
    PARAMETERS = {
        "compatibility_level": "3.6",
        "queue_directory": "{directory}/queue",
        "data_directory": "{directory}/data",
        "maillog_file": "{directory}/mail.log",
        "maillog_file_prefixes": "{directory}",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "mx.d.example",
        "mynetworks": "127.0.0.0/8",
        "mydestination": "",
        "alias_maps": "",
        "virtual_mailbox_domains": "d.example",
        "virtual_mailbox_base": "{directory}/mail",
        "virtual_mailbox_maps": "static:inbox/",
        "virtual_uid_maps": "static:65534",
        "virtual_gid_maps": "static:65534",
        "smtpd_authorized_xclient_hosts": "127.0.0.1",
        "smtpd_peername_lookup": "no",
        "smtpd_error_sleep_time": "0",
        "smtpd_relay_restrictions": "",
        "smtpd_recipient_restrictions":
            "reject_unauth_destination, {policy}",
    }

    def __init__(self, test, policy, **parameters):
        if not IS_ROOT or shutil.which("postfix", path="/usr/sbin") is None:
            raise AssertionError("this test needs root and the Debian package "
                                 "postfix (debconf: No configuration)")
        self.test = test
        self.directory = temporary_directory(test)
        self.port = free_port()
        for name in ("etc", "queue", "data", "mail"):
            os.mkdir(self.path(name), 0o755)
        shutil.chown(self.path("data"), "postfix")
        shutil.chown(self.path("mail"), 65534)
        lines = [f"{name} = {value}\n" for name, value in
                 {**self.PARAMETERS, **parameters}.items()]
        self.write("etc/main.cf", "".join(lines).format(
            directory=self.directory, policy=policy))
        self.write("etc/master.cf", self.SERVICES.format(port=self.port))
        self.write("mail.log", "")
        self.log = Log(self.path("mail.log"), r"^.*? \S+ (?=postfix/)")
        self.control("start")
        test.addCleanup(self.control, "stop")
        eventually(self.serves, "an smtpd that greets")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def control(self, verb):
        done = subprocess.run(
            ["/usr/sbin/postfix", "-c", self.path("etc"), verb],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"postfix {verb} failed: " +
                                 "\n".join(self.log.lines[-20:]))

    def serves(self):
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE).quit()
            return True

    def client(self, address, name="[UNAVAILABLE]", **more):
        client = Client(self.port, address, name, **more)
        self.test.addCleanup(client.close)
        return client

    def delivered(self, count):
        """The text of all messages, once there are so many."""
        box = self.path("mail/inbox/new")

        def look():
            names = os.listdir(box) if os.path.isdir(box) else []
            return names if len(names) >= count else None
        texts = []
        for name in eventually(look, f"{count} messages delivered"):
            with open(os.path.join(box, name), encoding="utf-8") as f:
                texts.append(f.read())
        return texts

    def complaints(self):
        """What Postfix warns of, but for the clock: a file system may round
        its time stamps up."""
        clock = ("file system clock is", "resetting file time stamps")
        return [line for line in
                self.log.find("(warning|error|fatal|panic): ")
                if not any(words in line for words in clock)]

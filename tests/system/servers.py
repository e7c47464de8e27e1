# SPDX-License-Identifier: BSD-2-Clause
"""What the LDAP servers of the tests share.

Each server has a directory and a loopback address of its own, so that several
runs go on at once, and ends with the test that started it.  `cleanup` is what
a test, a class or a module offers for that: self.addCleanup,
cls.addClassCleanup or unittest.addModuleCleanup.
"""

import base64
import contextlib
import datetime
import errno
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import PATIENCE, SLOW, eventually

numbers = itertools.count(1)


def new_directory(cleanup, name):
    path = tempfile.mkdtemp(prefix=f"policyd-test-{name}-")
    cleanup(shutil.rmtree, path, ignore_errors=True)
    os.chmod(path, 0o755)
    return path


def new_address(port=389):
    """A loopback address that nobody else uses: by the number of this process,
    since some servers listen on fixed ports only."""
    pid = os.getpid()
    network = f"127.{16 + (pid >> 8) % 224}.{pid & 255}"
    for number in numbers:
        address = f"{network}.{number}"
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((address, port))
                return address
            except OSError as e:
                if e.errno != errno.EADDRINUSE:
                    raise


def run(*command, text=None, env=None, accept=(0,)):
    """Runs a program to its end; what it says is part of a failure."""
    done = subprocess.run(command, input=text, capture_output=True, text=True,
                          timeout=60 * SLOW, env=env,
                          **({"stdin": subprocess.DEVNULL}
                             if text is None else {}))
    if done.returncode not in accept:
        raise AssertionError(f"{' '.join(command)} ended with "
                             f"{done.returncode}:\n{done.stdout[-2000:]}"
                             f"{done.stderr[-2000:]}")
    return done.stdout


class Authority:
    """Who signs the certificates; made with openssl."""

    CONFIGURATION = """
[ca]
default_ca = any
[any]
database = index
serial = serial
rand_serial = yes
new_certs_dir = .
policy = policy
unique_subject = no
[policy]
commonName = supplied
"""

    def __init__(self, cleanup, name="Test Authority"):
        self.directory = new_directory(cleanup, "certificates")
        self.file = self.path("ca.pem")
        self.key("ca.key")
        self.openssl("req", "-x509", "-new", "-key", "ca.key", "-days", "30",
                     "-subj", f"/CN={name}", "-out", "ca.pem",
                     "-addext", "basicConstraints=critical,CA:TRUE",
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.write("ca.conf", self.CONFIGURATION)
        self.write("index", "")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise AssertionError(f"openssl {arguments}: {done.stderr}")

    def key(self, name):
        self.openssl("genpkey", "-algorithm", "EC", "-out", name,
                     "-pkeyopt", "ec_paramgen_curve:P-256")
        os.chmod(self.path(name), 0o600)

    def issue(self, name, subject, names=(), days=(-1, 30), usage="serverAuth"):
        """A certificate and its key, as paths.  `names` are such as
        "IP:127.0.0.1" and "DNS:dc1.example.test"; it is valid between so many
        days from now."""
        def date(day):
            when = datetime.datetime.now(datetime.timezone.utc) \
                + datetime.timedelta(days=day)
            return when.strftime("%Y%m%d%H%M%SZ")

        self.key(f"{name}.key")
        extensions = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature",
                      f"extendedKeyUsage={usage}"]
        if names:
            extensions.append("subjectAltName=" + ",".join(names))
        self.write("extensions", "\n".join(extensions) + "\n")
        self.openssl("req", "-new", "-key", f"{name}.key", "-out", "request",
                     "-subj", f"/CN={subject}")
        self.openssl("ca", "-batch", "-notext", "-md", "sha256",
                     "-config", "ca.conf", "-keyfile", "ca.key",
                     "-cert", "ca.pem", "-in", "request",
                     "-out", f"{name}.pem", "-extfile", "extensions",
                     "-startdate", date(days[0]), "-enddate", date(days[1]))
        return self.path(f"{name}.pem"), self.path(f"{name}.key")

    def issue_for_server(self, address, *names):
        """The certificates that a server may show, by what is wrong."""
        right = [f"IP:{address}", *(f"DNS:{name}" for name in names)]
        subject = names[0] if names else address
        return {
            "good": self.issue("good", subject, right),
            "expired": self.issue("expired", subject, right, (-60, -30)),
            "other-name": self.issue("other-name", "other.invalid",
                                     ["DNS:other.invalid", "IP:192.0.2.99"]),
        }


def ldif_line(name, value):
    data = value if isinstance(value, bytes) else str(value).encode()
    if re.fullmatch(rb"[!-9;=-~]([ -~]*[!-~])?", data):
        return f"{name}: {data.decode()}\n"
    return f"{name}:: {base64.b64encode(data).decode()}\n"


def each(values):
    return values if isinstance(values, (list, tuple)) else [values]


def ldif_entry(dn, attributes):
    """The LDIF of an entry; a value may be a list, None leaves one out."""
    return ldif_line("dn", dn) + "".join(
        ldif_line(name, value) for name, values in attributes.items()
        for value in each(values) if value is not None) + "\n"


def ldif_replace(dn, attributes):
    """The LDIF that replaces these attributes; an empty list removes one."""
    parts = [f"replace: {name}\n" +
             "".join(ldif_line(name, value) for value in each(values))
             for name, values in attributes.items()]
    return ldif_line("dn", dn) + "changetype: modify\n" + \
        "-\n".join(parts) + "\n"


class Server:
    """A server process that listens on an address of its own.

    A subclass says what to run (command), and when it serves (serves).
    """

    def __init__(self, cleanup, name, address=None):
        self.name = name
        self.directory = new_directory(cleanup, name)
        self.address = address or new_address()
        self.process = None
        cleanup(self.end)

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ, LC_ALL="C.UTF-8")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def log(self):
        with contextlib.suppress(FileNotFoundError), \
                open(self.path("log"), errors="replace") as f:
            return f.read()
        return ""

    def start(self):
        with open(self.path("output"), "ab") as output:
            # A group of its own, since some fork.
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, cwd=self.directory, start_new_session=True,
                env=self.environment())

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended:\n{self.words()}")
            return self.serves()
        try:
            eventually(ready, f"{self.name} serves", 3 * PATIENCE)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.words()}") from None
        return self

    def words(self):
        with open(self.path("output"), errors="replace") as f:
            return f.read()[-2000:] + self.log()[-2000:]

    @property
    def pid(self):
        return self.process.pid

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def pause(self):
        """It goes on to exist, and its system goes on to accept connections.
        """
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        """Ends it well, if it does so in time."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        # What it forked, too.
        self.kill()

    def restart(self):
        self.stop()
        return self.start()

    def end(self):
        if self.process is not None:
            self.send(signal.SIGCONT)
            self.kill()

    def accepts(self, port):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex((self.address, port)) == 0

    # Changes, as the administrator makes them.

    def administrator(self):
        """The options of ldapmodify and ldapsearch."""
        raise NotImplementedError

    # Whatever certificate it shows at the moment.
    TRUSTING = dict(os.environ, LDAPTLS_REQCERT="never", LC_ALL="C.UTF-8")

    def change(self, ldif):
        run("ldapmodify", *self.administrator(), text=ldif, env=self.TRUSTING)

    def add(self, *entries):
        """Adds (dn, attributes) pairs."""
        self.change("".join(
            ldif_entry(dn, {"changetype": "add", **attributes})
            for dn, attributes in entries))

    def replace(self, dn, **attributes):
        self.change(ldif_replace(dn, attributes))

    def replace_all(self, changes):
        """Replaces attributes of many entries: (dn, attributes) pairs."""
        self.change("".join(ldif_replace(dn, attributes)
                            for dn, attributes in changes))

    def delete(self, *names):
        self.change("".join(ldif_line("dn", dn) + "changetype: delete\n\n"
                            for dn in names))

    def move(self, dn, parent):
        """The entry keeps its own name and gets another parent."""
        self.change(ldif_line("dn", dn) + "changetype: modrdn\n" +
                    ldif_line("newrdn", re.split(r"(?<!\\),", dn)[0]) +
                    "deleteoldrdn: 1\n" + ldif_line("newsuperior", parent))

    def search(self, base, pattern, *attributes, scope="sub"):
        """The lines that ldapsearch prints, without wrapping."""
        return run("ldapsearch", "-LLL", *self.administrator(), "-b", base,
                   "-s", scope, "-o", "ldif-wrap=no", pattern, *attributes,
                   env=self.TRUSTING).splitlines()

    def value(self, dn, attribute):
        """The text of an attribute of one entry."""
        for line in self.search(dn, "(objectClass=*)", attribute,
                                scope="base"):
            name, _, text = line.partition(":")
            if name.lower() == attribute.lower():
                return base64.b64decode(text[1:]).decode() \
                    if text.startswith(":") else text.strip()
        return None

# SPDX-License-Identifier: BSD-2-Clause
"""A policyd that knows the recipients, and how it is asked."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import samba
import slapd
from harness import (IS_ROOT, PATIENCE, POLICYD, SLOW, Connection, Policyd,
                     as_bytes, eventually, request)

POLICYCTL = os.path.join(os.path.dirname(POLICYD), "policyctl")

# The answers, up to what is said in words.
VALID = "DUNNO"
UNKNOWN = "550 5.1.1"
DISABLED = "550 5.2.1"
NOT_PERMITTED = "550 5.7.1"
TOO_BIG = "552 5.3.4"
UNAVAILABLE = "451 4.3.0"
HARVEST = "450 4.7.1"

# A sender whom nobody has in a list.
STRANGER = "stranger@b.example"

# An answer that needs nobody else, and one that has to wait for nobody: less
# than any time-out of the configuration.
AT_ONCE = 1 * SLOW


def verdict(reply):
    """What a reply decides: DUNNO, or the two codes of a refusal."""
    action = reply["action"]
    match = re.match(r"[245]\d\d [245]\.\d+\.\d+(?= )", action)
    return match[0] if match else action


def controller_settings(controller, account="svc", **more):
    """The section ldap for a domain controller."""
    return {"kind": "active-directory", "uri": [controller.ldaps],
            "base": samba.BASE, "bind_dn": f"{account}@example.test",
            "tls_ca_file": controller.authority.file, **more}


def slapd_settings(*servers, account="svc", **more):
    """The section ldap for OpenLDAP servers, or relays in front of one."""
    return {"kind": "openldap", "base": slapd.BASE,
            "uri": [getattr(s, "uri", None) or s.ldap for s in servers],
            "bind_dn": f"cn={account},{slapd.SERVICE}", **more}


class Recipients(Policyd):
    """A policyd that checks the recipients of d.example.

    `ldap` is the section of this name; then the password file of the account
    that binds is made, too.  Clients may try as many unknown recipients as they
    like, unless a test says otherwise.
    """

    def __init__(self, test, ldap=None, recipients={}, password=slapd.PASSWORD,
                 **settings):
        super().__init__(test)
        self.control = self.path("control")
        section = {"domains": ["d.example"], "harvest_action": "off",
                   "source": "file" if ldap is None else "ldap", **recipients}
        if ldap is not None:
            if "bind_dn" in ldap:
                ldap = {"password_file": self.secret("secret", password),
                        **ldap}
            settings["ldap"] = ldap
        self.configure(control=self.control, recipients=section, **settings)

    def secret(self, name, text):
        """A file that only the daemon may read."""
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(as_bytes(text))
        return self.make_secret(path)

    def make_secret(self, path):
        os.chmod(path, 0o600)
        if IS_ROOT:
            shutil.chown(path, self.user)
        return path

    # Questions.

    def verdict(self, recipient, sender=STRANGER, **attributes):
        """The verdict about a recipient, and nothing of the greylist."""
        return verdict(self.ask(recipient=recipient, sender=sender,
                                policy_context="recipient", **attributes))

    def verdicts(self, recipients, sender=STRANGER, **attributes):
        """The verdicts about many, asked on one connection, as a dict."""
        requests = [request(recipient=one, sender=sender,
                            policy_context="recipient", **attributes)
                    for one in recipients]
        with Connection(self.settings["listen"][0]) as connection:
            replies = connection.ask_all(requests)
        return {one: verdict(reply)
                for one, reply in zip(recipients, replies)}

    def timed(self, recipient, **attributes):
        """The verdict, and how many seconds it took."""
        start = time.monotonic()
        return self.verdict(recipient, **attributes), time.monotonic() - start

    def expect(self, expected, sender=STRANGER, limit=0, **attributes):
        """Compares verdicts with a dict of them; within `limit` seconds they
        may become right."""
        end = time.monotonic() + limit
        while True:
            got = self.verdicts(list(expected), sender, **attributes)
            if got == expected or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.test.assertEqual(got, expected)

    def becomes(self, recipient, expected, limit=PATIENCE, **attributes):
        """Waits for a verdict; returns all the verdicts on the way to it."""
        seen = []

        def right():
            got = self.verdict(recipient, **attributes)
            if not seen or seen[-1] != got:
                seen.append(got)
            return got == expected
        eventually(right, f"{expected} for {recipient}", limit)
        return seen

    # The replica.

    def loaded(self, since=0, limit=PATIENCE):
        """Waits for a full load; the numbers of recipients and addresses."""
        line = self.log.wait("^replica loaded: ", since, limit)
        match = re.search(r"(\d+) recipients with (\d+) addresses", line)
        return int(match[1]), int(match[2])

    def start_loaded(self):
        """Starts it, and returns once the replica is complete."""
        since = len(self.log.lines)
        self.start()
        self.loaded(since)
        return self

    # policyctl.

    def policyctl(self, *arguments, text=None, code=0):
        """Runs it, and returns what it prints."""
        done = subprocess.run(
            [POLICYCTL, "-s", self.control, *arguments], input=text,
            capture_output=True, text=True, timeout=3 * PATIENCE,
            **({"stdin": subprocess.DEVNULL} if text is None else {}))
        if code is not None:
            self.test.assertEqual(done.returncode, code,
                                  (arguments, done.stdout, done.stderr))
        return done.stdout + (done.stderr if code != 0 else "")

    def policyctl_json(self, *arguments, code=0):
        return json.loads(self.policyctl("--json", *arguments, code=code))

    def request_sync(self):
        """Asks for a full load and does not wait for its end."""
        asked = subprocess.Popen(
            [POLICYCTL, "-s", self.control, "recipient", "sync"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.test.addCleanup(asked.wait)
        self.test.addCleanup(asked.kill)

    def listed(self):
        """The addresses of the replica."""
        return self.policyctl("recipient", "list").split()

    # The directory process.

    @property
    def directory_pid(self):
        """Its number, once there is one."""
        def children():
            with contextlib.suppress(FileNotFoundError), \
                    open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                return f.read().split()
        found = eventually(children, "a directory process")
        self.test.assertEqual(len(found), 1)
        return int(found[0])

    def kill_directory(self, number=signal.SIGKILL):
        """Sends it a signal; returns its number."""
        pid = self.directory_pid
        os.kill(pid, number)
        return pid


def directory_says(test, *patterns, **sections):
    """Runs policyd -t, which tries the directory, and looks for what it says;
    returns the exit code."""
    done = Recipients(test, **sections).run("-t")
    said = done.stdout + done.stderr
    for pattern in patterns:
        test.assertRegex(said, pattern)
    return done.returncode

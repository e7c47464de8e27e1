# SPDX-License-Identifier: BSD-2-Clause
"""The store fails, is damaged, is full, is another's: the mail goes on.

Whatever happens, each answer is a deferral or DUNNO, and comes at once; and the
store heals by itself when its cause is gone.
"""

import contextlib
import itertools
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest

from harness import (IS_ROOT, SLOW, Policyd, eventually, request,
                     temporary_directory)

PROMPT = 2 * SLOW


def recipients(name, count):
    return [f"{name}{i}@d.example" for i in range(count)]


def overwrite(path, rubbish, start=0):
    """Makes rubbish of a file, from a place on, about as long as it was."""
    size = os.path.getsize(path) - start
    with open(path, "r+b") as f:
        f.seek(start)
        f.write(rubbish * (size // len(rubbish)))


def tables(policyd):
    store = os.path.join(policyd.state, "store")
    return [os.path.join(store, name) for name in os.listdir(store)
            if name.endswith(".db")]


class StoreTest(unittest.TestCase):
    instances = itertools.count()

    def start(self, **settings):
        settings.setdefault("greylist", {"delay": "1h"})
        self.policyd = Policyd(self, **settings)
        self.forgive_leaks()
        return self.policyd.start()

    def forgive_leaks(self):
        """Berkeley DB does not free all of its memory after a failure."""
        path = self.policyd.path("leaks")
        with open(path, "w") as f:
            f.write("leak:libdb\n")
        self.policyd.environment["LSAN_OPTIONS"] = f"suppressions={path}"

    def reason(self, recipient):
        """The reason for an answer that came at once and harms nobody."""
        instance = f"reason.{next(self.instances)}"
        start = time.monotonic()
        reply = self.policyd.ask(recipient=recipient, instance=instance)
        self.assertLess(time.monotonic() - start, PROMPT)
        reason = self.policyd.logged(instance)["reason"]
        self.assertRegex(f"{reason} {reply['action']}",
                         "^(greylisted-.* DEFER_IF_PERMIT .*|store-.* DUNNO)$")
        return reason

    def await_reason(self, reason, name="wait"):
        """Asks for new recipients until there is this reason."""
        number = iter(range(1 << 30))
        eventually(
            lambda: self.reason(f"{name}{next(number)}@d.example") == reason,
            reason)

    def assertKnown(self, names):
        self.assertEqual(set(self.policyd.reasons(names)),
                         {"greylisted-early"})


class FullDiskTest(StoreTest):
    def fail_and_heal(self, fill, free):
        policyd = self.policyd
        before = recipients("before", 500)
        self.assertEqual(set(policyd.reasons(before)), {"greylisted-new"})
        fill()
        self.await_reason("store-unavailable", "full")
        for _ in range(20):
            self.assertEqual(self.reason("during@d.example"),
                             "store-unavailable")
            time.sleep(0.1)
        policyd.log.wait("the store failed")
        self.assertEqual(len(policyd.log.find("the store failed")), 1)
        self.assertEqual(policyd.ask()["action"], "DUNNO")

        since = len(policyd.log.lines)
        free()
        self.await_reason("greylisted-new", "healed")
        policyd.log.wait("the store is back", since)
        self.assertKnown(before)
        policyd.stop()
        policyd.start()
        self.assertKnown(before)
        self.assertEqual(policyd.log.find(r"broken-\d"), [])

    def limit_files(self, size):
        """What prlimit --fsize does, to a running daemon of our own user.
        """
        hard = resource.prlimit(self.policyd.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.policyd.pid, resource.RLIMIT_FSIZE,
                         (hard if size is None else size, hard))

    def test_files_that_may_not_grow(self):
        for durability in ("relaxed", "full"):
            with self.subTest(durability):
                self.start(user="", durability=durability)
                self.fail_and_heal(lambda: self.limit_files(0),
                                   lambda: self.limit_files(None))

    @unittest.skipUnless(IS_ROOT, "only root mounts a file system")
    def test_a_full_file_system(self):
        disk = temporary_directory(self)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=777",
                        "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        self.start(state_directory=os.path.join(disk, "state"))
        ballast = os.path.join(disk, "ballast")

        def fill():
            with open(ballast, "wb", buffering=0) as f:
                try:
                    for size in (1 << 16, 1):
                        while True:
                            f.write(b"x" * size)
                except OSError:
                    pass
        self.fail_and_heal(fill, lambda: os.unlink(ballast))

    def test_a_start_with_a_full_disk(self):
        """It serves without the store, and greylists once there is room."""
        before = recipients("before", 100)
        self.start(user="", pid_file="")
        self.policyd.reasons(before)
        self.policyd.kill()
        command = self.policyd.command

        def limited(*options):
            return ["prlimit", "--fsize=0:", *command(*options)]
        self.policyd.command = limited
        self.policyd.start()
        self.await_reason("store-unavailable")
        self.limit_files(None)
        self.await_reason("greylisted-new")
        self.assertKnown(before)


class DamageTest(StoreTest):
    def begin_anew(self, byte, only=""):
        self.start()
        self.policyd.reasons(recipients("before", 100))
        self.policyd.stop()
        for path in tables(self.policyd):
            if path.endswith(only):
                overwrite(path, byte)
        since = len(self.policyd.log.lines)
        self.policyd.start()
        line = self.policyd.log.wait(r"broken-1", since)
        self.assertTrue(
            os.path.isdir(os.path.join(self.policyd.state, "store.broken-1")))
        self.assertIn("empty store", line)
        self.assertEqual(self.reason("new@d.example"), "greylisted-new")
        self.assertEqual(self.reason("new@d.example"), "greylisted-early")
        self.policyd.stop()
        self.policyd.start()
        self.assertEqual(self.reason("new@d.example"), "greylisted-early")

    def test_a_store_that_is_rubbish_at_the_start_is_begun_anew(self):
        for byte in (b"garbage ", b"\xff", b"\0"):
            with self.subTest(byte):
                self.begin_anew(byte)

    def test_one_file_that_is_rubbish_at_the_start(self):
        for name in ("triplet.db", "client.db", "meta.db"):
            with self.subTest(name):
                self.begin_anew(b"garbage ", name)

    def test_rows_that_are_rubbish_behind_a_good_beginning(self):
        """The store opens, and fails when it is read: it gives up in the end.
        """
        before = recipients("before", 2000)
        self.start()
        self.policyd.reasons(before)
        self.policyd.stop()
        overwrite(os.path.join(self.policyd.state, "store", "triplet.db"),
                  b"\xff", start=4096)
        self.policyd.start()
        eventually(lambda: self.reason(before[0]) == "greylisted-early",
                   "greylisting", 60 * SLOW)
        self.policyd.log.wait("broken-1")

    def test_a_log_that_is_rubbish_at_the_start(self):
        """With or without what was in it, it starts and greylists."""
        self.start()
        self.policyd.reasons(recipients("before", 100))
        self.policyd.kill()
        store = os.path.join(self.policyd.state, "store")
        for name in os.listdir(store):
            if name.startswith("log."):
                overwrite(os.path.join(store, name), b"garbage ")
        self.policyd.start()
        self.assertEqual(self.reason("new@d.example"), "greylisted-new")
        self.assertEqual(self.reason("new@d.example"), "greylisted-early")

    def test_files_that_become_rubbish_while_it_runs(self):
        """With so small a cache most rows have to be read from the file."""
        before = recipients("before", 20000)
        for byte in (b"garbage ", b"\xff"):
            with self.subTest(byte):
                policyd = self.start(cache_size="1M", checkpoint_size="1M")
                policyd.reasons(before)
                # Until the pages have been written.
                time.sleep(3)
                for path in tables(policyd):
                    overwrite(path, byte)
                self.survive(policyd, before)

    def test_pages_of_zeros_end_the_process_and_not_the_service(self):
        """Berkeley DB never returns from them: the next process begins anew.
        """
        before = recipients("before", 20000)
        policyd = self.start(cache_size="1M", checkpoint_size="1M")
        policyd.reasons(before)
        time.sleep(3)
        for path in tables(policyd):
            overwrite(path, b"\0")
        with policyd.connect() as peer, contextlib.suppress(OSError):
            for recipient in before[::50]:
                peer.send(request(recipient=recipient))
        self.assertEqual(policyd.ended(), os.EX_SOFTWARE)
        policyd.log.wait("damaged store, ending: .* is moved to .*broken-1")
        policyd.start()
        self.assertEqual(self.reason("new@d.example"), "greylisted-new")

    def survive(self, policyd, before):
        """Whatever it reads, it answers; in the end it greylists again."""
        with policyd.connect() as peer:
            start = time.monotonic()
            while time.monotonic() - start < 5 * SLOW:
                replies = peer.ask_all([
                    request(recipient=recipient) for recipient in before[::50]
                ])
                for reply in replies:
                    self.assertRegex(reply["action"],
                                     "^(DUNNO$|DEFER_IF_PERMIT )")
                time.sleep(0.05)
        policyd.stop()
        policyd.start()
        eventually(lambda: [self.reason("after@d.example")
                            for _ in range(2)][1] == "greylisted-early",
                   "greylisting", 60 * SLOW)

    def test_the_folder_disappears_while_it_runs(self):
        self.start()
        self.reason("before@d.example")
        shutil.rmtree(os.path.join(self.policyd.state, "store"))
        for i in range(20):
            self.reason(f"during{i}@d.example")
        self.policyd.kill()
        self.policyd.start()
        self.assertEqual(self.reason("after@d.example"), "greylisted-new")

    def test_rows_of_another_version_are_refused(self):
        """Nothing is moved aside: the version that wrote them can read them.
        """
        self.start()
        self.reason("before@d.example")
        self.policyd.stop()
        path = os.path.join(self.policyd.state, "store", "meta.db")
        with open(path, "rb") as f:
            page = f.read()
        # In the page a value stands right in front of its key: length (2
        # bytes), type (1 byte), data, and zeros until a multiple of four.
        at = page.find(b"\1\0\x01" + b"1" + b"\6\0\1format")
        self.assertGreater(at, 0, "the row of the format")
        with open(path, "wb") as f:
            f.write(page[:at + 3] + b"9" + page[at + 4:])
        done = self.policyd.run("-f")
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertRegex(done.stderr, 'format "9"')
        self.assertFalse(
            os.path.exists(os.path.join(self.policyd.state, "store.broken-1")))


class PlaceTest(StoreTest):
    def assertRefused(self, code, *words):
        done = self.policyd.run("-f")
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_folder_that_cannot_be_made(self):
        self.policyd = Policyd(self)
        self.policyd.configure(
            state_directory=self.policyd.file + "/state")
        self.assertRefused(73, self.policyd.file + "/state",
                           "Not a directory")

    def test_a_folder_that_cannot_be_written(self):
        self.policyd = Policyd(self)
        os.chmod(self.policyd.state, 0o555)
        if IS_ROOT:
            shutil.chown(self.policyd.state, "root")
        self.assertRefused(73, self.policyd.state, "Permission denied")

    def test_a_folder_that_is_not_there_is_made(self):
        self.policyd = Policyd(self)
        self.policyd.configure(state_directory=self.policyd.state + "2")
        self.policyd.start()
        status = os.stat(self.policyd.state + "2")
        self.assertEqual(status.st_mode & 0o007, 0, "others look into it")
        self.assertEqual(self.reason("new@d.example"), "greylisted-new")

    def test_a_second_daemon_is_refused(self):
        first = self.start()
        self.policyd = Policyd(self, state_directory=first.state)
        self.assertRefused(75, first.state, str(first.pid))
        self.policyd = first
        self.assertEqual(self.reason("new@d.example"), "greylisted-new")

    def test_the_number_of_a_dead_daemon_is_in_nobodys_way(self):
        self.start()
        self.policyd.kill()
        self.policyd.start()
        self.assertEqual(self.reason("new@d.example"), "greylisted-new")


class SizeTest(StoreTest):
    def test_a_full_store_lets_new_triplets_through(self):
        self.start(max_entries=1000)
        fitting = recipients("fits", 1000)
        self.assertEqual(set(self.policyd.reasons(fitting)),
                         {"greylisted-new"})
        self.assertEqual(self.reason("another@d.example"), "store-full")
        self.assertEqual(self.policyd.ask(recipient="x")["action"], "DUNNO")
        self.assertKnown(fitting)
        self.assertEqual(self.policyd.statistics()["triplets"], 1000)

        self.policyd.stop()
        self.policyd.start()
        self.assertEqual(self.reason("another@d.example"), "store-full")
        self.policyd.configure(max_entries=1001)
        self.policyd.process.send_signal(signal.SIGHUP)
        self.await_reason("greylisted-new", "another")

    def test_what_is_over_is_swept(self):
        self.start(sweep_interval="1s",
                   greylist={"delay": "1s", "retry_window": "2s",
                             "keep": "2s", "whitelist_after": 1})
        self.policyd.reasons(recipients("pending", 500))
        self.reason("passes@d.example")
        time.sleep(1.1)
        self.assertEqual(self.policyd.reason(recipient="passes@d.example"),
                         "passed")
        counted = self.policyd.statistics()
        self.assertGreaterEqual(counted["triplets"], 1)
        self.assertEqual(counted["clients"], 1)

        def rows():
            counted = self.policyd.statistics()
            return counted["triplets"], counted["clients"]
        eventually(lambda: rows() == (0, 0), "an empty store")
        self.assertEqual(self.policyd.statistics()["rows-expired"], 502)
        self.assertEqual(self.reason("passes@d.example"), "greylisted-new")

    def test_the_log_files_of_the_store_do_not_grow_for_ever(self):
        self.start(checkpoint_size="1M", sweep_interval="1s",
                   greylist={"delay": "1s", "retry_window": "2s"})
        store = os.path.join(self.policyd.state, "store")
        with self.policyd.connect() as peer:
            for i in range(100):
                peer.ask_all([request(recipient=recipient) for recipient in
                              recipients(f"r{i}.", 1000)])

        def logs():
            return [n for n in os.listdir(store) if n.startswith("log.")]
        eventually(lambda: len(logs()) <= 2, "log files are removed")
        self.assertNotIn("log.0000000001", logs())


if __name__ == "__main__":
    unittest.main(verbosity=2)

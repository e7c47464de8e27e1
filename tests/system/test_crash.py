# SPDX-License-Identifier: BSD-2-Clause
"""What was answered is remembered: policyd is killed under load, many times.

Eight connections ask for new triplets without a pause until kill -9.  After the
next start every triplet that had its answer is known.
"""

import random
import threading
import time
import unittest

from harness import SLOW, Policyd, request

CONNECTIONS = 8
AT_ONCE = 10
# So many triplets of all rounds are asked for again in the end.
SAMPLE = 5000


class Load(threading.Thread):
    """Asks until the connection breaks; `answered` are the recipients."""

    def __init__(self, policyd, name):
        super().__init__()
        self.connection = policyd.connect()
        self.name = name
        self.answered = []
        self.wrong = []

    def run(self):
        number = 0
        try:
            while True:
                part = [f"{self.name}.{number + i}@d.example"
                        for i in range(AT_ONCE)]
                number += AT_ONCE
                self.connection.send(b"".join(
                    request(recipient=recipient) for recipient in part))
                for recipient in part:
                    self.take(recipient, self.connection.reply())
        except (OSError, AssertionError, EOFError):
            # The kill cut it short, in the middle of a reply perhaps.
            self.connection.close()

    def take(self, recipient, reply):
        if reply is None:
            raise EOFError
        self.answered.append(recipient)
        if not reply["action"].startswith("DEFER_IF_PERMIT"):
            self.wrong.append((recipient, reply))


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(1)

    def kill_under_load(self, policyd, name):
        """Returns the recipients that were answered."""
        loads = [Load(policyd, f"{name}.{i}") for i in range(CONNECTIONS)]
        for load in loads:
            load.start()
        time.sleep(self.random.uniform(0.02, 0.25))
        policyd.kill()
        for load in loads:
            load.join()
            self.assertEqual(load.wrong, [])
        return [one for load in loads for one in load.answered]

    def kill_while_starting(self, policyd):
        policyd.launch()
        time.sleep(self.random.uniform(0, 0.1) * SLOW)
        policyd.kill()

    def rounds(self, count, **settings):
        policyd = Policyd(self, greylist={"delay": "1h"}, **settings).start()
        every = []
        for i in range(count):
            answered = self.kill_under_load(policyd, f"round{i}")
            self.assertGreater(len(answered), 0)
            if i % 4 == 3:
                self.kill_while_starting(policyd)
            policyd.start()
            self.assertEqual(policyd.log.find(r"broken-\d"), [])
            self.assertAllKnown(policyd, answered)
            every += answered
        self.assertAllKnown(
            policyd, self.random.sample(every, min(SAMPLE, len(every))))
        self.assertGreaterEqual(policyd.statistics()["triplets"], len(every))

    def assertAllKnown(self, policyd, recipients):
        reasons = policyd.reasons(recipients)
        lost = [recipient for recipient, reason in zip(recipients, reasons)
                if reason != "greylisted-early"]
        self.assertEqual(lost, [])

    def test_nothing_that_was_answered_is_lost(self):
        self.rounds(20, durability="relaxed")

    def test_nothing_that_was_answered_is_lost_with_full_durability(self):
        self.rounds(20, durability="full")

    def test_checkpoints_and_sweeps_in_between_lose_nothing(self):
        self.rounds(10, checkpoint_size="1M", cache_size="1M",
                    sweep_interval="1s")


if __name__ == "__main__":
    unittest.main(verbosity=2)

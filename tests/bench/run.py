#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark: policyd, a server that decides nothing, and postgrey.

All get the same work from the same generator, on a core of their own, and take
turns in short runs; what counts is the median of the ratios of neighbouring
runs, since the machine may be busy now and then.  README.md beside this file
says what each case measures.
"""

import argparse
import collections
import contextlib
import itertools
import json
import os
import platform
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

# So many triplets are the customary store; larger ones have cases of their own.
SMALL = 10_000
LARGE = 1_000_000
# What adds no triplets comes first.
MODES = ("known", "mix", "new")
CONNECTIONS = 100

# For the case that compares stores of all sizes: more than the largest takes,
# and so many requests at random that nearly all of it has been read.
ROOMY_CACHE = "3G"
WARM_REQUESTS = 600_000

# The directory: so many recipients, two addresses each.
RECIPIENTS = 100_000
# In the domain of Active Directory, whose controllers are slower to fill.
CONTROLLER_PEOPLE = 100
# Searches that are under way at once.
OUTSTANDING = 32

PATIENCE = 120

# Answered at once by every server, and remembered by none.
PROBE = (b"request=smtpd_access_policy\nprotocol_state=CONNECT\n"
         b"client_address=192.0.2.1\nclient_name=unknown\n\n")


class Failure(Exception):
    """What makes a measurement worthless."""


Target = collections.namedtuple("Target", "case text bound at_most unit")

TARGETS = (
    Target("cpu-new", "server CPU, new triplets, policyd : nothing",
           3.0, True, "x"),
    Target("cpu-known", "server CPU, known triplets, policyd : nothing",
           2.0, True, "x"),
    Target("postgrey", "decisions a second, policyd : postgrey",
           40, False, "x"),
    Target("checkpoint-p999", "p99.9 with checkpoint and sweep : without",
           2.0, True, "x"),
    Target("scale", "decisions a second, largest store : smallest",
           0.6, False, "x"),
    Target("disk", "bytes on disk for a triplet, without the log",
           120, True, "bytes"),
    Target("recovery", "start after kill -9 to the first answer",
           2.0, True, "s"),
    Target("cpu-replica", "server CPU, recipients in the replica : unchecked",
           1.25, True, "x"),
    Target("live", "look-ups a second, policyd : plain libldap",
           0.9, False, "x"),
    Target("load", "seconds of a full load, policyd : ldapsearch",
           2.0, True, "x"),
    Target("replica-disk", "bytes on disk for a recipient with two addresses",
           300, True, "bytes"),
    Target("changes", "until a user who is removed in AD is refused",
           30, True, "s"),
    Target("outage", "slowest answer for the known while the DC hangs",
           1.0, True, "s"),
)


def busy_seconds(cpus):
    """How long these cores have worked since the machine was started."""
    ticks = 0
    with open("/proc/stat") as stat:
        for line in stat:
            name, *fields = line.split()
            if name.startswith("cpu") and name[3:].isdigit() \
                    and int(name[3:]) in cpus:
                # Without idle (4th) and iowait (5th); guests count as user.
                ticks += sum(map(int, fields[:3] + fields[5:8]))
    return ticks / os.sysconf("SC_CLK_TCK")


def configuration(settings):
    """The text of a configuration file, from values as they stand there."""
    text = ""
    for key, value in settings.items():
        key = key.replace("_", "-")
        text += f"{key} {{\n{configuration(value)}}}\n" \
            if isinstance(value, dict) else f"{key} = {value}\n"
    return text


def wait_until(condition, what, process, limit=PATIENCE):
    end = time.monotonic() + limit
    while not condition():
        if process.poll() is not None:
            raise Failure(f"{what}: it ended with {process.returncode}")
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {limit} s")
        time.sleep(0.001)


class Server:
    """A server under test, which listens on a UNIX socket of its directory."""

    name = None
    # How many triplets it knows.
    known = SMALL

    def __init__(self, bench, directory):
        self.bench = bench
        self.directory = directory
        self.socket = os.path.join(directory, "policy")
        self.log = os.path.join(directory, "log")
        self.next_new = self.known
        self.process = None

    def command(self):
        raise NotImplementedError

    def spawn(self):
        cpus = self.bench.options.server_cpus
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def start(self):
        self.spawn()
        try:
            wait_until(self.answers, f"{self.name} does not start",
                       self.process)
        except Failure as failure:
            self.kill()
            raise Failure(f"{failure}\n{self.last_words()}") from None

    def answers(self):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.settimeout(PATIENCE)
                s.connect(self.socket)
                s.sendall(PROBE)
                return s.recv(512).startswith(b"action=")
            except OSError:
                return False

    def reply_to(self, recipient):
        """What it says of the recipient: b"DUNNO", b"550 5.1.1" ..."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.socket)
            s.sendall(b"request=smtpd_access_policy\nprotocol_state=RCPT\n"
                      b"policy_context=recipient\nsender=\nrecipient=" +
                      recipient.encode() + b"\n\n")
            return s.recv(512).removeprefix(b"action=")

    def finds(self, recipient):
        return self.reply_to(recipient).startswith(b"DUNNO")

    def connects(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.socket) == 0

    def last_words(self):
        with open(self.log, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log) - 2000))
            return log.read().decode(errors="replace")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} does not stop") from None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def forget_log(self):
        """Log files of gigabytes are nothing that we want to measure."""
        os.truncate(self.log, 0)


class Nothing(Server):
    name = "nothing"

    def command(self):
        return [self.bench.options.nothing, f"unix:{self.socket}"]


class Policyd(Server):
    name = "policyd"

    def __init__(self, bench, directory, known=SMALL, **settings):
        self.known = known
        super().__init__(bench, directory)
        self.state = os.path.join(directory, "state")
        self.conf = os.path.join(directory, "policyd.conf")
        self.write_conf(settings)

    @property
    def control(self):
        return os.path.join(self.directory, "control")

    def write_conf(self, settings):
        """A dict among the settings is a section."""
        every = {
            "listen": f'{{ "unix:{self.socket}" }}',
            "state-directory": f'"{self.state}"',
            "user": '""',
            "control": '""',
            "pid-file": '""',
            "log": "stderr",
            "max-connections": "2000",
            # A row for the network of each triplet counts, too.
            "max-entries": str(4 * max(self.bench.options.triplets)
                               + 20_000_000),
        }
        every.update(settings)
        with open(self.conf, "w") as conf:
            conf.write(configuration(every))

    def write_secret(self, text):
        """A file that only its user may read."""
        path = os.path.join(self.directory, "secret")
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def command(self):
        return [self.bench.options.policyd, "-f", "-c", self.conf]

    def disk(self):
        """Bytes on disk by file; the log's files are one, "log"."""
        sizes = collections.Counter(log=0)
        for parent, _, files in os.walk(self.state):
            for name in files:
                # The daemon may remove a log file meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    status = os.stat(os.path.join(parent, name))
                    name = "log" if name.startswith("log.") else name
                    sizes[name] += status.st_blocks * 512
        return sizes

    def says(self, words):
        with open(self.log) as log:
            return any(words in line for line in log)

    def policyctl(self, *arguments, text=None):
        program = os.path.join(os.path.dirname(self.bench.options.policyd),
                               "policyctl")
        done = subprocess.run([program, "-s", self.control, *arguments],
                              input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"policyctl: {done.stderr}")

    def had_checkpoint(self, seconds):
        """In the last seconds; it writes the number of rows."""
        changed = os.stat(os.path.join(self.state, "store/meta.db")).st_mtime
        return time.time() - changed < seconds


class Postgrey(Server):
    """postgrey without its whitelists of names, which would cost it time for
    work that the others do not do."""

    name = "postgrey"

    def __init__(self, bench, directory):
        super().__init__(bench, directory)
        self.state = os.path.join(directory, "state")
        self.user = "postgrey" if os.getuid() == 0 else None
        os.mkdir(self.state)
        if self.user is not None:
            user = pwd.getpwnam(self.user)
            os.chown(self.state, user.pw_uid, user.pw_gid)
            os.chown(directory, user.pw_uid, user.pw_gid)

    def command(self):
        command = [self.bench.options.postgrey, f"--unix={self.socket}",
                   f"--dbdir={self.state}", "--delay=1",
                   "--whitelist-clients=/dev/null",
                   "--whitelist-recipients=/dev/null"]
        if self.user is None:
            command += [f"--user={os.getuid()}", f"--group={os.getgid()}"]
        return command

    def start(self):
        super().start()
        # It has no way to fill its store but to be asked twice.
        for _ in range(2):
            self.bench.load(self, "new", "-b", "0", "-n", str(self.known))
            time.sleep(2)

    def stop(self):
        """It hears SIGTERM only when it is asked something."""
        self.kill()


class Bench:
    """The directory of all servers, the runs so far, and how to make more."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.generator_cpus = options.load_cpus
        self.runs = []
        self.targets = []
        self.extra = {}
        self.case = None
        self.seed = 0
        self.stores = {}

    def say(self, text):
        if sys.stderr.isatty():
            print(f"{self.case}: {text}", file=sys.stderr)

    def new_directory(self, name):
        path = tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory)
        os.chmod(path, 0o755)
        return path

    # Servers.

    def filled_store(self, triplets):
        """A store of so many triplets that have passed, made once."""
        if triplets not in self.stores:
            path = self.new_directory(f"store-{triplets}")
            self.say(f"filling a store with {triplets:,} triplets")
            subprocess.run([self.options.fill, path, "0", str(triplets),
                            "passed"], check=True, stdout=subprocess.DEVNULL)
            self.stores[triplets] = path
        return self.stores[triplets]

    def new_policyd(self, known=SMALL, **settings):
        """Not yet running, with a copy of a filled store."""
        server = Policyd(self, self.new_directory("policyd"), known,
                         **settings)
        shutil.copytree(self.filled_store(known), server.state)
        # What is written now is not written while we measure.
        os.sync()
        return server

    @contextlib.contextmanager
    def running(self, server):
        self.say(f"starting {server.name}")
        server.start()
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()
            shutil.rmtree(server.directory, ignore_errors=True)

    def nothing(self):
        return self.running(Nothing(self, self.new_directory("nothing")))

    def policyd(self, known=SMALL, **settings):
        return self.running(self.new_policyd(known, **settings))

    def postgrey(self):
        return self.running(Postgrey(self, self.new_directory("postgrey")))

    @property
    def has_postgrey(self):
        return os.access(self.options.postgrey, os.X_OK)

    # Load.

    def load_command(self, server, mode, *arguments):
        self.seed += 1
        return [self.options.load, "-s", f"unix:{server.socket}", "-m", mode,
                "-k", str(server.known), "-b", str(server.next_new),
                "-p", str(server.process.pid), "-S", str(self.seed), "--json",
                *arguments]

    def on_load_cpus(self):
        os.sched_setaffinity(0, self.generator_cpus)

    def load(self, server, mode, *arguments):
        done = subprocess.run(self.load_command(server, mode, *arguments),
                              capture_output=True, text=True,
                              preexec_fn=self.on_load_cpus)
        if done.returncode != 0:
            raise Failure(f"{server.name}: {done.stderr}"
                          f"{server.last_words()}")
        result = json.loads(done.stdout)
        server.next_new = max(server.next_new, result["next_new"])
        server.forget_log()
        return result

    def run(self, server, mode, connections=CONNECTIONS, seconds=None,
            rate=None, variant="", arguments=()):
        """One measurement, which is kept."""
        arguments = ["-c", str(connections),
                     "-T", str(seconds or self.options.seconds), *arguments]
        if rate is not None:
            arguments += ["-r", str(rate)]
        began, before = time.monotonic(), self.busy()
        result = self.load(server, mode, *arguments)
        result.update(case=self.case, server=server.name, variant=variant,
                      triplets=server.known,
                      others=others(result, before, self.busy(),
                                    time.monotonic() - began))
        check_answers(server, result)
        self.runs.append(result)
        self.say(f"{server.name} {variant} {mode}, {connections} connections, "
                 f"{server.known:,} triplets: "
                 f"{result['decisions_per_second']:,.0f}/s, "
                 f"{result['server_cpu_us']:.2f} us")
        return result

    def busy(self):
        return {"server": busy_seconds(self.options.server_cpus),
                "generator": busy_seconds(self.options.load_cpus)}

    def warm(self, server, mode):
        self.load(server, mode, "-c", str(CONNECTIONS), "-T", "1")

    def take_turns(self, servers, mode, connections=CONNECTIONS, rounds=None):
        """Rounds of one run of each server; a list of rounds, each a list of
        results in the servers' order."""
        for server in servers:
            self.warm(server, mode)
        return [[self.run(server, mode, connections) for server in servers]
                for _ in range(rounds or self.options.rounds)]

    def judge(self, value, note=""):
        """Compares the case's figure with its bound; None: it has none."""
        target = next(t for t in TARGETS if t.case == self.case)
        self.targets.append(dict(target._asdict(), value=value, note=note,
                                 verdict=verdict(target, value)))


def others(result, before, after, seconds):
    """The share that other programs had of the server's core or of the
    generator's, whichever is more."""
    return max(0, *(after[who] - before[who]
                    - result[f"{who}_cpu_us"] * result["decisions"] / 1e6
                    for who in before)) / seconds


def verdict(target, value):
    if value is None:
        return "not measured"
    met = value <= target.bound if target.at_most else value >= target.bound
    return "met" if met else "missed"


def check_answers(server, result):
    """A server that answers wrongly may be as fast as it likes."""
    mode, actions = result["mode"], result["actions"]
    deferred, total = actions["defer"], sum(actions.values())
    if server.name == "nothing":
        wrong = total - actions["dunno"]
    elif mode == "new":
        wrong = total - deferred
    elif mode == "known":
        wrong = deferred + actions["other"]
    else:
        wrong = 0 if 0.1 * total < deferred < 0.3 * total or total < 1000 \
            else deferred
    if wrong > 0:
        raise Failure(f"{server.name}, {mode} triplets: {wrong} of {total} "
                      f"answers are wrong: {actions}")


def median_ratio(rounds, key, above, below):
    return statistics.median(r[above][key] / r[below][key] for r in rounds)


# The cases.

def case_cpu(bench, mode):
    with bench.nothing() as nothing, bench.policyd() as policyd:
        rounds = bench.take_turns([nothing, policyd], mode)
    return median_ratio(rounds, "server_cpu_us", 1, 0)


def case_cpu_new(bench):
    bench.judge(case_cpu(bench, "new"))


def case_cpu_known(bench):
    bench.judge(case_cpu(bench, "known"))


def case_mix(bench):
    case_cpu(bench, "mix")


def case_postgrey(bench):
    if not bench.has_postgrey:
        bench.judge(None, f"{bench.options.postgrey} is not installed")
        return
    ratios = {}
    with bench.nothing() as nothing, bench.policyd() as policyd, \
            bench.postgrey() as postgrey:
        for mode in MODES:
            rounds = bench.take_turns([nothing, policyd, postgrey], mode)
            ratios[mode] = median_ratio(rounds, "decisions_per_second", 1, 2)
    worst = min(ratios, key=ratios.get)
    bench.judge(ratios[worst], f"the worst of {', '.join(MODES)}: {worst}")


def case_connections(bench):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(bench.nothing()),
                   stack.enter_context(bench.policyd())]
        if bench.has_postgrey:
            servers.append(stack.enter_context(bench.postgrey()))
        for mode in MODES:
            for connections in bench.options.connections:
                bench.take_turns(servers, mode, connections,
                                 min(3, bench.options.rounds))


# Where others take so much of a core, a latency says more about the machine
# than about the server.
DISTURBED = 0.05


def case_checkpoint(bench):
    """Both get the same rate, half of what the server can do.  A round in which
    others held up even the quiet one does not count, they hide what we look
    for; nor does one without a checkpoint."""
    variants = {
        "quiet": {"checkpoint_size": "100G", "sweep_interval": "0s"},
        "busy": {"checkpoint_size": "1M", "sweep_interval": "1s"},
    }
    known = min(LARGE, max(bench.options.triplets))
    rate = None
    rounds = []
    for _ in range(bench.options.rounds):
        results = {}
        for variant, settings in variants.items():
            with bench.policyd(known, **settings) as policyd:
                top = bench.load(policyd, "mix", "-c", str(CONNECTIONS),
                                 "-T", "2")["decisions_per_second"]
                rate = rate or int(top / 2)
                result = bench.run(policyd, "mix", rate=rate, variant=variant,
                                   seconds=3 * bench.options.seconds)
                result["checkpoint"] = policyd.had_checkpoint(
                    result["seconds"])
            results[variant] = result
        if results["quiet"]["others"] < DISTURBED \
                and results["busy"]["checkpoint"]:
            rounds.append({variant: result["latency_us"]["p99.9"]
                           for variant, result in results.items()})
    note = f"{known:,} triplets, mix at {rate:,}/s, {len(rounds)} rounds"
    if not rounds:
        bench.judge(None, f"{note} undisturbed")
        return
    busy, quiet = (statistics.median(r[variant] for r in rounds)
                   for variant in ("busy", "quiet"))
    bench.judge(statistics.median(r["busy"] / r["quiet"] for r in rounds),
                f"{note}: {busy:.0f} us : {quiet:.0f} us")


def case_scale(bench):
    """What is new makes a small store larger, so each round has a copy, and
    begins with what adds nothing.  The cache holds the largest store, as the
    manual advises who has so many triplets; it is the same for all sizes."""
    sizes = sorted(bench.options.triplets)
    rates = {(mode, size): [] for mode in MODES for size in sizes}
    for _ in range(min(3, bench.options.rounds)):
        for size in sizes:
            with bench.policyd(size, cache_size=ROOMY_CACHE) as policyd:
                bench.load(policyd, "known", "-c", str(CONNECTIONS),
                           "-n", str(min(10 * size, WARM_REQUESTS)))
                for mode in MODES:
                    result = bench.run(policyd, mode)
                    rates[mode, size].append(result["decisions_per_second"])
    ratios = {mode: statistics.median(
        large / small for large, small
        in zip(rates[mode, sizes[-1]], rates[mode, sizes[0]]))
        for mode in MODES}
    worst = min(ratios, key=ratios.get)
    bench.judge(ratios[worst], f"{sizes[-1]:,} : {sizes[0]:,}, the worst of "
                f"{', '.join(MODES)}: {worst}")


def case_disk(bench):
    """A store that has grown by new triplets, as the daemon writes it; and, for
    comparison, one whose triplets have all passed, each from a network of its
    own, so that there is a row of a network for each."""
    count = min(LARGE, max(bench.options.triplets))
    policyd = bench.new_policyd()
    with bench.running(policyd):
        bench.load(policyd, "new", "-c", str(CONNECTIONS), "-n", str(count))
        policyd.stop()
        pending = policyd.disk()
    passed = bench.new_policyd(count).disk()
    triplets = [policyd.next_new, count]
    sizes = [(files.total() - files["log"]) / n
             for files, n in zip([pending, passed], triplets)]
    bench.extra["disk"] = {"triplets": triplets, "bytes_per_triplet": sizes,
                           "files": [pending, passed]}
    bench.judge(sizes[0], f"{triplets[0]:,} triplets by the daemon; "
                f"{sizes[1]:.0f} if each has passed from its own network")


def load_and_kill(bench, policyd, seconds):
    command = bench.load_command(policyd, "mix", "-c", str(CONNECTIONS),
                                 "-T", str(seconds + PATIENCE))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL,
                          preexec_fn=bench.on_load_cpus) as load:
        time.sleep(seconds)
        if load.poll() is not None or policyd.process.poll() is not None:
            raise Failure(f"policyd failed under load\n{policyd.last_words()}")
        policyd.kill()


def time_to_first_answer(bench, policyd):
    """The first request is a real one, whose answer is in the store."""
    began = time.monotonic()
    policyd.spawn()
    wait_until(policyd.connects, "no start after kill -9", policyd.process)
    answer = bench.load(policyd, "known", "-n", "1")
    seconds = time.monotonic() - began
    check_answers(policyd, answer)
    return seconds


def case_recovery(bench):
    known = min(LARGE, max(bench.options.triplets))
    under_load = 3 if bench.options.quick else 30
    policyd = bench.new_policyd(known)
    times = []
    with bench.running(policyd):
        for _ in range(2):
            bench.say(f"{under_load} s of load, then kill -9")
            load_and_kill(bench, policyd, under_load)
            policyd.forget_log()
            times.append(time_to_first_answer(bench, policyd))
            # What was new before must not be asked as new again.
            policyd.next_new += 1_000_000 * under_load
    bench.extra["recovery"] = {"triplets": known, "seconds": times}
    bench.judge(max(times), f"{known:,} triplets and {under_load} s of load, "
                f"the worst of {len(times)}")


def recipients_of(source, *domains, **settings):
    """The section recipients, for a benchmark."""
    listed = ", ".join(f'"{domain}"' for domain in domains)
    return {"source": source, "domains": f"{{ {listed} }}",
            "harvest-action": "off", **settings}


def case_cpu_replica(bench):
    """Both greylist the same known triplets; one looks the recipients up in its
    replica before."""
    people = subprocess.run([bench.options.load, "--people"], check=True,
                            capture_output=True, text=True).stdout
    domains = {line.partition("@")[2] for line in people.split()}
    checking = bench.new_policyd()
    checking.write_conf({"control": f'"{checking.control}"',
                         "recipients": recipients_of("file", *domains)})
    with bench.policyd() as plain, bench.running(checking):
        checking.policyctl("recipient", "import", "-", text=people)
        warm = bench.load(checking, "known", "-n", "1000")
        check_answers(checking, warm)
        rounds = bench.take_turns([plain, checking], "known")
    bench.judge(median_ratio(rounds, "server_cpu_us", 1, 0))


def directory_entries():
    """So many people, two addresses each."""
    import slapd
    for dn, attributes in slapd.population():
        if "mail" not in attributes:
            yield dn, attributes
    for i in range(RECIPIENTS):
        yield slapd.person(f"r{i}", [f"r{i}@d.example", f"a{i}@d.example"])


def use_system_tests(bench):
    """Their modules run the directories."""
    system = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "..", "system")
    os.environ["POLICYD"] = bench.options.policyd
    sys.path.insert(0, system)


@contextlib.contextmanager
def slapd_running(bench):
    """An OpenLDAP server, on the core of the load generator."""
    use_system_tests(bench)
    import servers
    import slapd
    with contextlib.ExitStack() as stack:
        bench.say(f"filling OpenLDAP with {RECIPIENTS:,} people")
        server = slapd.Slapd(stack.callback, servers.Authority(stack.callback),
                             directory_entries())
        os.sched_setaffinity(0, bench.options.load_cpus)
        server.start()
        os.sched_setaffinity(0, range(os.cpu_count()))
        yield server


def ldap_policyd(bench, server, **settings):
    """Not yet running, without triplets."""
    import slapd
    policyd = Policyd(bench, bench.new_directory("policyd"))
    secret = policyd.write_secret(slapd.PASSWORD)
    policyd.write_conf({
        "control": f'"{policyd.control}"',
        "recipients": recipients_of("ldap", "d.example",
                                    **settings.pop("recipients", {})),
        "ldap": {"uri": f'{{ "{server.ldap}" }}', "kind": "openldap",
                 "base": f'"{slapd.BASE}"',
                 "bind-dn": f'"cn=svc,{slapd.SERVICE}"',
                 "password-file": f'"{secret}"', **settings}})
    return policyd


def libldap_rate(bench, server):
    import slapd
    done = subprocess.run(
        [bench.options.ldapload, server.ldap, f"cn=svc,{slapd.SERVICE}",
         slapd.PASSWORD, slapd.BASE, str(RECIPIENTS), str(OUTSTANDING),
         str(bench.options.seconds)], capture_output=True, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, bench.options.server_cpus))
    if done.returncode != 0:
        raise Failure(done.stderr)
    return float(done.stdout)


def case_live(bench):
    """policyd has no replica and remembers nothing, so that each decision is a
    search."""
    with slapd_running(bench) as server:
        policyd = ldap_policyd(bench, server, recipients={"replica": "no"},
                               **{"cache-entries": 0,
                                  "max-outstanding": OUTSTANDING})
        rates = []
        bench.generator_cpus = bench.options.server_cpus
        with bench.running(policyd):
            wait_until(lambda: policyd.finds("r0@d.example"),
                       "no answer from the directory", policyd.process)
            for _ in range(bench.options.rounds):
                result = bench.run(policyd, "known",
                                   arguments=["-R", str(RECIPIENTS)])
                rates.append((result["decisions_per_second"],
                              libldap_rate(bench, server)))
        bench.generator_cpus = bench.options.load_cpus
    bench.extra["live"] = rates
    mine, plain = (statistics.median(column) for column in zip(*rates))
    bench.judge(statistics.median(a / b for a, b in rates),
                f"{mine:,.0f}/s : {plain:,.0f}/s")


def ldapsearch_seconds(bench, server):
    import slapd
    began = time.monotonic()
    subprocess.run(
        ["ldapsearch", "-LLL", "-x", "-H", server.ldap, "-D",
         f"cn=svc,{slapd.SERVICE}", "-w", slapd.PASSWORD, "-b", slapd.BASE,
         "-E", "pr=1000/noprompt", "(mail=*)", "entryUUID", "mail"],
        check=True, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, bench.options.server_cpus))
    return time.monotonic() - began


def load_seconds(bench, policyd):
    """From the start of the daemon to a replica that is whole."""
    began = time.monotonic()
    policyd.start()
    wait_until(lambda: policyd.says("replica loaded"), "no full load",
               policyd.process)
    return time.monotonic() - began


def case_load(bench):
    with slapd_running(bench) as server:
        times = []
        for _ in range(min(3, bench.options.rounds)):
            plain = ldapsearch_seconds(bench, server)
            policyd = ldap_policyd(bench, server, sync="full")
            times.append((load_seconds(bench, policyd), plain))
            policyd.stop()
            shutil.rmtree(policyd.directory)
    bench.extra["load"] = times
    mine, plain = (statistics.median(column) for column in zip(*times))
    bench.judge(statistics.median(a / b for a, b in times),
                f"{RECIPIENTS:,} recipients, {mine:.2f} s : {plain:.2f} s")


def case_replica_disk(bench):
    with slapd_running(bench) as server:
        policyd = ldap_policyd(bench, server, sync="full",
                               recipients={"replica": "no"})
        with bench.running(policyd):
            policyd.stop()
            empty = policyd.disk()
        policyd = ldap_policyd(bench, server, sync="full")
        load_seconds(bench, policyd)
        policyd.stop()
        full = policyd.disk()
        shutil.rmtree(policyd.directory)
    sizes = {name: size - empty[name] for name, size in full.items()
             if name != "log"}
    bench.extra["replica-disk"] = sizes
    bench.judge(sum(sizes.values()) / RECIPIENTS,
                ", ".join(f"{name} {size / RECIPIENTS:.0f}"
                          for name, size in sorted(sizes.items()) if size))


@contextlib.contextmanager
def controller_running(bench):
    """A Samba domain controller with people like those of the other cases."""
    use_system_tests(bench)
    import samba
    with contextlib.ExitStack() as stack:
        bench.say("making a domain")
        controller = samba.Domain(stack.callback).controller().start()
        controller.add(*(samba.user(f"r{i}", f"r{i}@d.example")
                         for i in range(CONTROLLER_PEOPLE)))
        yield controller


def controller_policyd(bench, controller, **recipients):
    """Not yet running; its account may read what DirSync wants."""
    import samba
    policyd = Policyd(bench, bench.new_directory("policyd"))
    secret = policyd.write_secret(samba.PASSWORD)
    policyd.write_conf({
        "control": f'"{policyd.control}"',
        "recipients": recipients_of("ldap", "d.example", **recipients),
        "ldap": {"uri": f'{{ "{controller.ldaps}" }}',
                 "base": f'"{samba.BASE}"',
                 "bind-dn": '"svc-sync@example.test"',
                 "tls-ca-file": f'"{controller.authority.file}"',
                 "password-file": f'"{secret}"'}})
    return policyd


def change_seconds(policyd, controller, name):
    """A user comes and goes: how long until policyd accepts, and refuses."""
    import samba
    address = f"{name}@d.example"
    dn, attributes = samba.user(name, address)
    controller.add((dn, attributes))
    began = time.monotonic()
    wait_until(lambda: policyd.finds(address), "a new user", policyd.process)
    accepted = time.monotonic() - began
    # In the replica, which keeps the address until the next sync.
    time.sleep(12)
    controller.delete(dn)
    began = time.monotonic()
    wait_until(lambda: not policyd.finds(address), "a user who is gone",
               policyd.process)
    return accepted, time.monotonic() - began


def case_changes(bench):
    with controller_running(bench) as controller:
        policyd = controller_policyd(bench, controller)
        with bench.running(policyd):
            wait_until(lambda: policyd.says("replica loaded"), "no full load",
                       policyd.process)
            times = [change_seconds(policyd, controller, f"change{i}")
                     for i in range(min(3, bench.options.rounds))]
    bench.extra["changes"] = times
    accepted, refused = (max(column) for column in zip(*times))
    bench.judge(refused, f"added: accepted after {1000 * accepted:.1f} ms")


class Stranger(threading.Thread):
    """Asks for unknown recipients until it is told to stop."""

    def __init__(self, policyd):
        super().__init__(daemon=True)
        self.policyd = policyd
        self.answers = []
        self.over = threading.Event()

    def run(self):
        for i in itertools.count():
            began = time.monotonic()
            reply = self.policyd.reply_to(f"nobody{i}@d.example")
            self.answers.append((began, time.monotonic() - began, reply[:9]))
            if self.over.wait(0.05):
                return


def case_outage(bench):
    """The controller stops in the middle of the load, as with SIGSTOP, and the
    replica may not say "unknown" on its own for longer than a second."""
    seconds = 10 if bench.options.quick else 60
    with controller_running(bench) as controller:
        policyd = controller_policyd(bench, controller,
                                     **{"replica-trusted-for": "1s"})
        with bench.running(policyd):
            wait_until(lambda: policyd.says("replica loaded"), "no full load",
                       policyd.process)
            stranger = Stranger(policyd)
            stranger.start()
            controller.pause()
            hung = time.monotonic()
            result = bench.run(policyd, "known", seconds=seconds, rate=2000,
                               arguments=["-R", str(CONTROLLER_PEOPLE)])
            controller.resume()
            stranger.over.set()
            stranger.join()
    later = [one for one in stranger.answers if one[0] > hung + 2]
    refused = sum(reply.startswith(b"5") for _, _, reply in later)
    if refused or not all(reply.startswith((b"4", b"5"))
                          for _, _, reply in stranger.answers):
        raise Failure(f"{refused} unknown recipients were refused")
    bench.judge(result["latency_us"]["max"] / 1e6, f"{seconds} s; {len(later)} unknown recipients, "
                "all deferred, the slowest in "
                f"{max(took for _, took, _ in later):.1f} s")


CASES = {
    "cpu-new": case_cpu_new,
    "cpu-known": case_cpu_known,
    "mix": case_mix,
    "postgrey": case_postgrey,
    "connections": case_connections,
    "checkpoint-p999": case_checkpoint,
    "scale": case_scale,
    "disk": case_disk,
    "recovery": case_recovery,
    "cpu-replica": case_cpu_replica,
    "live": case_live,
    "load": case_load,
    "replica-disk": case_replica_disk,
    "changes": case_changes,
    "outage": case_outage,
}


# The report.

def kind(run):
    return (run["case"], run["mode"], run["connections"], run["triplets"])


def summaries(runs):
    """One row for what was measured several times: medians, and the medians
    of the ratios to the other servers in the same round."""
    groups = {}
    for run in runs:
        group = groups.setdefault((*kind(run), run["variant"]), {})
        group.setdefault(run["server"], []).append(run)
    return [summary(group, mine)
            for group in groups.values() for mine in group.values()]


def summary(group, mine):
    def median(get):
        return statistics.median(get(run) for run in mine)

    def ratio(server, key):
        others = group.get(server)
        if others is None or others is mine:
            return None
        return statistics.median(a[key] / b[key]
                                 for a, b in zip(mine, others))

    first = mine[0]
    return {
        **{key: first[key] for key in ("case", "server", "variant", "mode",
                                       "connections", "triplets")},
        "rounds": len(mine),
        "decisions_per_second": median(lambda r: r["decisions_per_second"]),
        "server_cpu_us": median(lambda r: r["server_cpu_us"]),
        "others": median(lambda r: r["others"]),
        "generator_cpu_us": median(lambda r: r["generator_cpu_us"]),
        "latency_us": {name: median(lambda r, n=name: r["latency_us"][n])
                       for name in first["latency_us"]},
        "cpu_to_nothing": ratio("nothing", "server_cpu_us"),
        "rate_to_nothing": ratio("nothing", "decisions_per_second"),
        "rate_to_postgrey": ratio("postgrey", "decisions_per_second"),
    }


def cell(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def table_row(row):
    latency = row["latency_us"]
    server = f"{row['server']} {row['variant']}".strip()
    return [row["case"], server, row["mode"], str(row["connections"]),
            f"{row['triplets']:,}", cell(row["decisions_per_second"], 0),
            *(cell(latency[name], 0) for name in
              ("p50", "p90", "p99", "p99.9", "p99.99", "max")),
            cell(row["server_cpu_us"], 2), cell(row["cpu_to_nothing"], 2),
            cell(row["rate_to_nothing"], 2), cell(row["rate_to_postgrey"], 1),
            f"{row['others']:.0%}"]


def print_columns(rows, left):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(text.ljust(width) if i < left else text.rjust(width)
                        for i, (text, width) in enumerate(zip(row, widths))
                        ).rstrip())


def print_report(bench, rows):
    if rows:
        print("Latencies and CPU are microseconds; CPU is the server's for a "
              "decision.  Others:\nwhat other programs took of a core "
              "meanwhile; where it is much, only CPU is to be\ntrusted.\n")
        print_columns([["case", "server", "triplets", "conn.", "known",
                        "decisions/s", "p50", "p90", "p99", "p99.9", "p99.99",
                        "max", "CPU", "CPU:nothing", "rate:nothing",
                        "rate:postgrey", "others"], *map(table_row, rows)], 3)
        print()
    if bench.targets:
        print_columns([["target", "what", "measured", "bound", "verdict",
                        "how"], *map(target_row, bench.targets)], 2)


def target_row(target):
    sign = "<=" if target["at_most"] else ">="
    return [target["case"], target["text"],
            cell(target["value"], 2) + " " + target["unit"],
            f"{sign} {target['bound']:g} {target['unit']}",
            target["verdict"], target["note"]]


def machine():
    with open("/proc/cpuinfo") as info:
        models = [line.partition(":")[2].strip() for line in info
                  if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(),
            "cores": os.cpu_count(), "kernel": platform.release(),
            "load_average": os.getloadavg()[0]}


def report(bench, before):
    rows = summaries(bench.runs)
    print_report(bench, rows)
    if bench.options.json is None:
        return
    options = {key: sorted(value) if isinstance(value, set) else value
               for key, value in vars(bench.options).items()}
    with open(bench.options.json, "w") as file:
        json.dump({"machine": before, "load_average_after": os.getloadavg()[0],
                   "options": options, "targets": bench.targets,
                   "summary": rows, "runs": bench.runs, **bench.extra},
                  file, indent=1)
        file.write("\n")


# The command line.

def numbers(text):
    return [int(part) for part in text.split(",")]


def cpu_set(text):
    return set(numbers(text))


def case_names(text):
    names = text.split(",")
    for name in names:
        if name not in CASES:
            raise argparse.ArgumentTypeError(
                f"no case {name}; there are {', '.join(CASES)}")
    return names


def parse_options():
    built = os.environ.get("BENCH", os.path.dirname(__file__))
    parser = argparse.ArgumentParser(description="Measures policyd.")
    add = parser.add_argument
    add("--policyd", default=os.environ.get("POLICYD", "policyd/policyd"))
    for name in ("load", "nothing", "fill", "ldapload"):
        add(f"--{name}", default=os.path.join(built, name))
    add("--postgrey", default="/usr/sbin/postgrey")
    add("--quick", action="store_true",
        help="few and short runs, no store of 10 million triplets")
    add("--cases", type=case_names, default=list(CASES),
        help="some of " + ",".join(CASES))
    add("--connections", type=numbers, default=[1, 10, 100, 500])
    add("--triplets", type=numbers)
    add("--rounds", type=int, help="how often a measurement is repeated")
    add("--seconds", type=int, help="how long one run takes")
    add("--server-cpus", type=cpu_set, default={0},
        help="the cores of the servers (0)")
    add("--load-cpus", type=cpu_set, default={1},
        help="the cores of the load generator (1)")
    add("--json", metavar="FILE", help="writes all numbers there")
    options = parser.parse_args()
    quick = options.quick
    options.triplets = options.triplets or (
        [SMALL, LARGE] if quick else [SMALL, LARGE, 10 * LARGE])
    options.rounds = options.rounds or (3 if quick else 5)
    options.seconds = options.seconds or (1 if quick else 3)
    return options


def run_cases(bench):
    for name in bench.options.cases:
        bench.case = name
        CASES[name](bench)


def main():
    options = parse_options()
    before = machine()
    directory = tempfile.mkdtemp(prefix="policyd-bench-")
    os.chmod(directory, 0o755)
    bench = Bench(options, directory)
    failed = None
    try:
        run_cases(bench)
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        failed = error
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    report(bench, before)
    if failed is not None:
        sys.exit(f"run.py: {bench.case}: {failed}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run.py: terminated"))
    main()

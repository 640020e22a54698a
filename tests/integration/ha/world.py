"""A cluster of real daemons that may lose everything: an ensemble of ZooKeeper, masters and agents.

Everything runs in a network, mount and process namespace of its own (enter()), so its addresses and ports are nobody
else's and whatever is left goes with it. Each master and agent has besides a network namespace of its own, joined to
a bridge by a link that can be cut and slowed. ZooKeeper's members, and whatever the test runs, are on the bridge.

Nothing waits for a time to pass, but for what it waits for; `limit_s` fails the test with everybody's log.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ENSEMBLE = os.path.join(HERE, "../zookeeper/ensemble.sh")
NET = "10.77.0"
BRIDGE = "br-ha"
SESSION_S = 2
# With these a test does not take minutes; each is a flag that operators have.
MASTER_FLAGS = [f"--zk_session_timeout={SESSION_S}secs", "--agent_ping_timeout=1secs",
                "--max_agent_ping_timeouts=3", "--allocation_interval=50ms"]
AGENT_FLAGS = ["--resources=cpus:4;mem:2048;disk:1024;ports:[31000-31999]",
               "--registration_backoff_factor=50ms"]
# What no log may say, whatever is done to the daemons.
SURPRISES = re.compile(r"[Aa]ssert|Sanitizer|runtime error|[Ll]eaked|not_readable|not readable|Segmentation|"
                       r"_invalid|is damaged|stack smashing|free\(\)|malloc")


def enter():
    """Goes on in namespaces of its own; ends with 77 where that cannot be."""
    if os.environ.get("HA_INSIDE"):
        return
    if os.geteuid() != 0:
        skip("namespaces need root")
    for tool in ("unshare", "nsenter", "ip", "tc"):
        if shutil.which(tool) is None:
            skip(f"no {tool}")
    # bash is the first process of the namespace, and waits for whom nobody else does.
    os.environ["HA_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash",
                          "-c", '"$@"; exit $?', "bash", sys.executable, "-B", *sys.argv])


def skip(why):
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(77)


class Failure(Exception):
    pass


class Skipped(Exception):
    pass


def run(*argv, **options):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, **options)


def wait_until(what, condition, limit_s=20):
    """The first true answer of `condition`."""
    deadline = time.monotonic() + limit_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure(f"not within {limit_s} s: {what}")
        time.sleep(0.02)


class Daemon:
    """A process that is started again and again, its log one file."""

    def __init__(self, world, name, argv, node=None):
        self.world, self.name, self.argv, self.node = world, name, argv, node
        self.log_path = os.path.join(world.directory, name + ".log")
        self.process = None
        self.is_paused = self.is_ending = False
        self.looked_to = self.began_at = 0

    def start(self, *flags):
        assert not self.runs()
        self.looked_to = self.began_at = len(self.log())
        into = ["nsenter", f"--net=/proc/{self.node.holder.pid}/ns/net"] if self.node else []
        with open(self.log_path, "ab") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen([*into, *self.argv, *flags], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        self.is_paused = self.is_ending = False

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_since(self):
        return self.log()[self.looked_to:]

    def mark(self):
        self.looked_to = len(self.log())

    def has_spoken(self):
        """It knows by now what SIGTERM means."""
        return len(self.log()) > self.began_at

    def says(self, words):
        return re.search(words, self.log_since())

    def says_ever(self, words):
        return re.search(words, self.log())

    def wait_says(self, words, limit_s=20):
        """After what was waited for or marked before."""
        def look():
            found = self.says(words)
            if found is None and not self.runs():
                found = self.says(words)
                if found is None:
                    raise Failure(f"{self.name} has ended with {self.process.returncode}, and not said '{words}'")
            return found
        found = wait_until(f"{self.name} says '{words}'", look, limit_s)
        self.looked_to += found.end()
        return found

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, limit_s=20):
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end") from None

    def kill(self):
        if self.runs():
            self.process.kill()
            self.process.wait()

    def end(self, number=signal.SIGTERM, limit_s=20):
        """One that has just been started knows first what the signal means."""
        wait_until(f"{self.name} has begun", lambda: self.has_spoken() or not self.runs(), limit_s)
        self.send(number)
        return self.wait(limit_s)

    def pause(self):
        self.send(signal.SIGSTOP)
        self.is_paused = True

    def resume(self):
        if self.runs():
            self.send(signal.SIGCONT)
        self.is_paused = False


class Node:
    """A network namespace with one link to the bridge."""

    def __init__(self, name, number):
        self.name, self.ip, self.link = name, f"{NET}.{number}", "v-" + name
        # pylint: disable=consider-using-with
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        wait_until("a namespace", lambda: self._net() not in (None, own))
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "link", "set", self.link, "master", BRIDGE, "up")
        for words in (f"addr add {self.ip}/24 dev eth0", "link set eth0 up", "link set lo up"):
            run("nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "ip", *words.split())
        self.is_cut = self.is_slow = False

    def _net(self):
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/{self.holder.pid}/ns/net")

    def cut(self):
        run("ip", "link", "set", self.link, "down")
        self.is_cut = True

    def slow(self):
        """200 ms late; where this kernel cannot do that, through 256 kbit/s."""
        late = subprocess.run(["tc", "qdisc", "add", "dev", self.link, "root", "netem", "delay", "200ms", "50ms"],
                              stderr=subprocess.DEVNULL, check=False)
        if late.returncode != 0:
            run(*f"tc qdisc add dev {self.link} root tbf rate 256kbit burst 2kb latency 5s".split())
        self.is_slow = True

    def heal(self):
        if self.is_cut:
            run("ip", "link", "set", self.link, "up")
        if self.is_slow:
            run("tc", "qdisc", "del", "dev", self.link, "root")
        self.is_cut = self.is_slow = False


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class World:
    def __init__(self, binaries, members=1, masters=3, agents=1):
        self.bin = os.path.abspath(binaries)
        self.directory = tempfile.mkdtemp(prefix="mesos-ha-", dir="/var/tmp")
        os.chmod(self.directory, 0o755)
        self.small_disks, self.nodes = [], []
        self.others = []
        self.group = "mesos-ha-" + self.directory[-8:].replace("_", "x")
        self._bridge(members)
        self.members = members
        self.zk_directory = os.path.join(self.directory, "zk")
        self.zk_down, self.zk_paused = set(), set()
        self.servers = self.ensemble("start", str(members))
        self.zk = f"zk://{self.servers}/mesos"
        self.masters = [self._master(i) for i in range(masters)]
        self.agents = [self._agent(i) for i in range(agents)]
        os.environ["MESOS_MASTER"] = self.zk
        self.mesos = os.path.join(self.bin, "mesos")

    def _bridge(self, members):
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "link", "set", BRIDGE, "up")
        run("ip", "addr", "add", f"{NET}.254/24", "dev", BRIDGE)
        for i in range(1, members + 1):
            run("ip", "addr", "add", f"{NET}.{i}/24", "dev", BRIDGE)

    def _node(self, name, number):
        self.nodes.append(Node(name, number))
        return self.nodes[-1]

    def _master(self, i):
        node = self._node(f"master{i}", 11 + i)
        return Daemon(self, node.name, [
            os.path.join(self.bin, "mesos-master"), f"--zk={self.zk}", f"--ip={node.ip}", "--port=5050",
            f"--hostname={node.ip}", f"--work_dir={self.directory}/{node.name}", *MASTER_FLAGS], node)

    def _agent(self, i):
        node = self._node(f"agent{i}", 21 + i)
        return Daemon(self, node.name, [
            os.path.join(self.bin, "mesos-agent"), f"--master={self.zk}", f"--ip={node.ip}", "--port=5051",
            f"--hostname={node.name}", f"--work_dir={self.directory}/{node.name}",
            f"--init_path={self.bin}/mesos-init", f"--cgroups_root={self.group}-{i}", *AGENT_FLAGS], node)

    def ensemble(self, command, *words):
        environment = {**os.environ, "NET": NET}
        done = subprocess.run([ENSEMBLE, command, self.zk_directory, *words], env=environment, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
        if done.returncode == 77:
            self.close(keep=False)
            sys.exit(77)
        if done.returncode != 0:
            raise Failure(f"ensemble.sh {command} ended with {done.returncode}")
        return done.stdout.strip()

    def members_do(self, command, members):
        """All at once: none serves before most are there."""
        # pylint: disable=consider-using-with
        doing = [subprocess.Popen([ENSEMBLE, command, self.zk_directory, str(member)], env={**os.environ, "NET": NET})
                 for member in members]
        if any([one.wait() for one in doing]):
            raise Failure(f"ensemble.sh {command} {members} fails")

    # --- who leads ---

    def start(self):
        for daemon in self.masters:
            daemon.start()
        self.leader()
        for daemon in self.agents:
            daemon.start()
        for daemon in self.agents:
            daemon.wait_says(" registered ")

    def ask(self, daemon, path, method="GET", body=None, headers=None, limit_s=5):
        """An Answer, redirects and all; None when nobody answers."""
        connection = http.client.HTTPConnection(daemon.node.ip, 5050, timeout=limit_s)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def call(self, daemon, kind, **fields):
        return self.ask(daemon, "/api/v1", "POST", json.dumps({"type": kind, **fields}),
                        {"Content-Type": "application/json", "Accept": "application/json"})

    def agents_of_leader(self):
        """As it has them just now: one that has just been elected has none yet."""
        def look():
            answer = self.call(self.leader(), "GET_AGENTS")
            return answer if answer and answer.status == 200 else None
        return wait_until("a leader tells its agents", look).json()["get_agents"].get("agents", [])

    def state_of(self, daemon):
        """leader, recovering, standby, electing; None when it does not answer."""
        if not daemon.runs() or daemon.is_paused or daemon.node.is_cut:
            return None
        answer = self.ask(daemon, "/ready", limit_s=1)
        return answer.json()["state"] if answer else None

    def leader(self, limit_s=20):
        """The master that leads, as soon as there is one."""
        return wait_until("a master leads", lambda: next(
            (one for one in self.masters if self.state_of(one) == "leader"), None), limit_s)

    def standbys(self):
        def look():
            leader = self.leader()
            rest = [one for one in self.masters if one is not leader and one.runs()]
            return rest if all(self.state_of(one) == "standby" for one in rest) else None
        return wait_until("the others stand by", look)

    def wait_active(self, agents):
        wait_until(f"{agents} agents are there", lambda: self.active_agents() == agents)

    def active_agents(self):
        done = self.cli("agents", "--json", check=False)
        if done.returncode != 0:
            return -1
        return sum(1 for agent in json.loads(done.stdout) if agent.get("active"))

    # --- programs beside them ---

    def cli(self, *words, check=True, text=None, limit_s=60):
        done = subprocess.run([self.mesos, *words], input=text, capture_output=True, encoding="utf-8", check=False,
                              timeout=limit_s)
        if check and done.returncode != 0:
            raise Failure(f"mesos {' '.join(words)}: exit code {done.returncode}: {done.stderr}{done.stdout}")
        return done

    def json(self, *words):
        return json.loads(self.cli(*words, "--json").stdout)

    def program(self, name, *argv):
        daemon = Daemon(self, name, list(argv))
        self.others.append(daemon)
        return daemon

    def small_disk(self, daemon, size):
        """Its work_dir becomes a file system of its own."""
        place = os.path.join(self.directory, daemon.name)
        os.makedirs(place, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={size}", "small", place)
        self.small_disks.append(place)
        return place

    # --- the end ---

    def daemons(self):
        return [*self.agents, *self.masters, *self.others]

    def heal(self):
        for daemon in self.masters + self.agents:
            daemon.node.heal()
            daemon.resume()
        self.members_do("resume", self.zk_paused)
        self.members_do("up", self.zk_down)
        self.zk_paused.clear()
        self.zk_down.clear()

    def surprises(self, allowed=None):
        found = []
        for daemon in self.daemons():
            for line in daemon.log().splitlines():
                if SURPRISES.search(line) and not (allowed and re.search(allowed, line)):
                    found.append(f"{daemon.name}: {line}")
        return found

    def cgroups(self):
        return [os.path.join(where, name) for where, names, _ in os.walk("/sys/fs/cgroup")
                for name in names if name.startswith(self.group)]

    def strangers(self):
        """Processes of this namespace that are not the test's."""
        known = {1, os.getpid()}
        known.update(node.holder.pid for node in self.nodes)
        found = []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                    words = file.read().replace("\0", " ").strip()
                if pid not in known and words and "org.apache.zookeeper" not in words:
                    found.append(f"{pid}: {words}")
        return found

    def mounts(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return [line.split()[4] for line in file
                    if self.directory in line and line.split()[4] not in self.small_disks]

    def finish(self, allowed=None):
        """Agents go for good and masters end; then nothing of them may be left."""
        self.heal()
        for daemon in self.others:
            daemon.kill()
        for daemon in self.agents:
            if daemon.runs() and (code := daemon.end(signal.SIGUSR1)) != 0:
                raise Failure(f"{daemon.name} ended with {code}")
        for daemon in self.masters:
            if daemon.runs() and (code := daemon.end()) != 0:
                raise Failure(f"{daemon.name} ended with {code}")
        for what, left in (("cgroups", self.cgroups()), ("processes", self.strangers()), ("mounts", self.mounts()),
                           ("surprises in a log", self.surprises(allowed))):
            if left:
                raise Failure(f"{what}:\n  " + "\n  ".join(left[:20]))

    def close(self, keep):
        for daemon in self.daemons() if hasattr(self, "agents") else []:
            daemon.kill()
        if hasattr(self, "servers"):
            self.ensemble("stop")
        for group in sorted(self.cgroups(), key=len, reverse=True):
            remove_group(group)
        if not keep:
            for place in self.small_disks + self.mounts():
                subprocess.run(["umount", "-l", place], stderr=subprocess.DEVNULL, check=False)
            shutil.rmtree(self.directory, ignore_errors=True)

    def show(self):
        for daemon in self.daemons():
            lines = daemon.log().splitlines()
            print(f"--- {daemon.name}", *lines[-60:], sep="\n", file=sys.stderr)


def remove_group(top):
    for where, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            with open(os.path.join(where, "cgroup.procs"), encoding="utf-8") as file:
                for pid in file.read().split():
                    if pid != "0":
                        os.kill(int(pid), signal.SIGKILL)

    def remove():
        for where, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(where)
        return not os.path.exists(top)
    with contextlib.suppress(Failure):
        wait_until("a cgroup goes", remove, 3)


def main(test, binaries, **options):
    """Runs test(world); 0 when all is well. KEEP=1 leaves the directory of one that failed."""
    world = None
    try:
        world = World(binaries, **options)
        test(world)
        print("all is well")
        code = 0
    except Skipped as why:
        print(f"SKIPPED: {why}", file=sys.stderr)
        code = 77
    except Exception as problem:  # pylint: disable=broad-exception-caught
        if world is None:
            raise
        world.show()
        print(f"FAILED: {type(problem).__name__}: {problem}", file=sys.stderr)
        if not isinstance(problem, Failure):
            traceback.print_exc()
        code = 1
    if world is not None:
        world.close(keep=code == 1 and "KEEP" in os.environ)
    return code

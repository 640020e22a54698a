#!/usr/bin/env python3
"""Everything at once: three members of ZooKeeper, three masters, five agents; a framework and mesos each work,
round after round, while a schedule of faults goes on. At the end all is healed; then each item has been done, each line
printed once and in order, and nothing is left behind.

    chaos_test.py BIN drawn         faults drawn by SEED (the clock's without it), for HA_SECONDS (240)
    chaos_test.py BIN fixed         each kind of fault once

The schedule is printed as it happens; the same SEED draws the same one.
"""

import os
import random
import signal
import sys
import time

from world import Failure, enter, main, wait_until

SECONDS = float(os.environ.get("HA_SECONDS", "240"))
SEED = int(os.environ.get("SEED", "0")) or time.time_ns() % 1000000
LINES = 60
ITEMS = 40
RETRIES = "20"  # of a line: on a full disk its command fails
HEALED_S = 90
NO_MASTER = 3  # exit code of a command that found none, and so has done nothing


# --- the work ---

class Each:
    """Rounds of mesos each; every one is checked."""

    def __init__(self, world):
        self.world, self.round = world, 0
        self.input = os.path.join(world.directory, "lines")
        with open(self.input, "w", encoding="utf-8") as file:
            file.writelines(f"{i}\n" for i in range(LINES))
        self.job = world.program("each", "bash", "-c", 'exec "${@:3}" < "$1" > "$2"', "bash", self.input, self.output(),
                                 world.mesos, "each", "--retries", RETRIES, "--patience", "2secs", "-P", "12", "--",
                                 "sh", "-c", "sleep 0.$(($(date +%N | cut -c1-2 | sed 's/^0//') % 9)); echo {}")
        self.job.start()

    def output(self):
        return os.path.join(self.world.directory, "lines.out")

    def turn(self, again):
        if self.job.runs():
            return False
        with open(self.output(), encoding="utf-8") as file:
            got = file.read()
        if self.job.process.returncode == NO_MASTER and got == "":
            print("nobody led for as long as mesos each looks for a master before it begins (25 s): it begins again")
            self.job.start()
            return False
        if self.job.process.returncode != 0 or got != "".join(f"{i}\n" for i in range(LINES)):
            raise Failure(f"mesos each ended with {self.job.process.returncode} and printed: {got.split()}")
        self.round += 1
        if again:
            self.job.start()
        return True


class Scheduler:
    """Rounds of the framework in C; it ends when each of its items has finished."""

    def __init__(self, world):
        self.world, self.round = world, 0
        self.job = world.program("scheduler", os.path.join(world.bin, "../tests/ha_scheduler"), world.zk, "items",
                                 str(ITEMS), "sleep 0.5", "300")
        self.job.start()

    def turn(self, again):
        if self.job.runs():
            return False
        if self.job.process.returncode != 0:
            raise Failure(f"the framework ended with {self.job.process.returncode}")
        said = self.job.log_since()
        if "after its end" in said:
            raise Failure("a task came back after its end")
        if any(f"status {i}." not in said for i in range(ITEMS)):
            raise Failure("an item was never heard of")
        self.round += 1
        if again:
            self.job.start()
        return True


# --- the faults: each begins, and gives back what ends it ---

def say(words):
    print(f"{time.monotonic() - BEGAN:7.2f} {words}", flush=True)


BEGAN = time.monotonic()


def killed(daemon):
    say(f"kill -9 {daemon.name}")
    daemon.resume()
    daemon.kill()
    return daemon.start


def ended(daemon):
    say(f"SIGTERM {daemon.name}")
    daemon.send(signal.SIGTERM)
    daemon.is_ending = True

    def again():
        if (code := daemon.wait()) != 0:
            raise Failure(f"{daemon.name} ended with {code} after SIGTERM")
        daemon.start()
    return again


def paused(daemon):
    say(f"SIGSTOP {daemon.name}")
    daemon.pause()
    return daemon.resume


def cut(daemon):
    say(f"cut the link of {daemon.name}")
    daemon.node.cut()
    return daemon.node.heal


def slowed(daemon):
    say(f"slow link of {daemon.name}")
    daemon.node.slow()
    return daemon.node.heal


def filled(daemon):
    say(f"full disk of {daemon.name}")
    path = os.path.join(daemon.world.directory, daemon.name, "ballast")
    try:
        with open(path, "wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
    except OSError:
        pass
    return lambda: os.unlink(path)


def zk_fault(world, verb, back, members):
    say(f"ZooKeeper: {verb} {members}")
    gone = world.zk_down if verb == "down" else world.zk_paused
    for member in members:
        world.ensemble(verb, str(member))
        gone.add(member)

    def heal():
        world.members_do(back, members)
        gone.difference_update(members)
    return heal


def sound(daemons):
    return [one for one in daemons if one.runs() and one.has_spoken() and not one.is_paused and not one.is_ending and
            not one.node.is_cut and not one.node.is_slow]


def leading(world):
    return [one for one in sound(world.masters) if world.state_of(one) == "leader"] or sound(world.masters)


def one_of(rng, daemons):
    return rng.choice(daemons) if daemons else None


DAEMON_FAULTS = {
    "kill the leader": (killed, leading),
    "end the leader": (ended, leading),
    "pause the leader": (paused, leading),
    "cut the leader off": (cut, leading),
    "slow leader": (slowed, leading),
    "kill a master": (killed, lambda world: sound(world.masters)),
    "pause a master": (paused, lambda world: sound(world.masters)),
    "kill an agent": (killed, lambda world: sound(world.agents)),
    "end an agent": (ended, lambda world: sound(world.agents)),
    "pause an agent": (paused, lambda world: sound(world.agents)),
    "cut an agent off": (cut, lambda world: sound(world.agents)),
    "slow agent": (slowed, lambda world: sound(world.agents)),
    "full disk": (filled, lambda world: [one for one in sound(world.agents) if os.path.join(
        world.directory, one.name) in world.small_disks and not os.path.exists(
            os.path.join(world.directory, one.name, "ballast"))]),
}
ZK_FAULTS = {
    "a member down": ("down", "up", 1),
    "a member pauses": ("pause", "resume", 1),
    "most pause": ("pause", "resume", 2),
    "all down": ("down", "up", 3),
}
KINDS = [*DAEMON_FAULTS, *ZK_FAULTS]


def begin(world, rng, kind):
    """What ends it; None when there is nobody left for it."""
    if kind in ZK_FAULTS:
        if world.zk_down or world.zk_paused:
            return None
        verb, back, count = ZK_FAULTS[kind]
        return zk_fault(world, verb, back, rng.sample(range(1, 4), count))
    fault, whom = DAEMON_FAULTS[kind]
    victim = one_of(rng, whom(world))
    return fault(victim) if victim else None


class Schedule:
    """Some faults at a time, each for a while."""

    def __init__(self, world, rng, at_once):
        self.world, self.rng, self.at_once, self.open = world, rng, at_once, []
        self.count = 0
        self.begun = lambda kind: None

    def turn(self, next_kind):
        now = time.monotonic()
        for fault in [one for one in self.open if one[0] <= now]:
            self.open.remove(fault)
            say(f"over: {fault[2]}")
            fault[1]()
        if len(self.open) < self.at_once and (kind := next_kind()):
            lasts = self.rng.uniform(0.3, 4.5)
            if heal := begin(self.world, self.rng, kind):
                self.open.append((now + lasts, heal, kind))
                self.count += 1
                self.begun(kind)

    def end(self):
        for _, heal, kind in sorted(self.open, key=lambda one: one[0]):
            say(f"over: {kind}")
            heal()
        self.open.clear()


# --- a run ---

def work(world, schedule, next_kind, is_over):
    jobs = [Each(world), Scheduler(world)]
    pause_until = time.monotonic()
    while not is_over():
        for job in jobs:
            job.turn(True)
        if time.monotonic() >= pause_until:
            schedule.turn(next_kind)
            pause_until = time.monotonic() + schedule.rng.uniform(0.1, 0.8)
        for daemon in world.masters + world.agents:
            check_runs(world, daemon)
        time.sleep(0.02)
    schedule.end()
    say("all is healed")
    for job in jobs:
        wait_until(f"{job.job.name} ends", lambda job=job: job.turn(False), HEALED_S)
    wait_until("all agents are there", lambda: world.active_agents() == len(world.agents), HEALED_S)
    nobody_waits(world)
    print(f"{schedule.count} faults; {jobs[0].round} rounds of mesos each ({LINES} lines each), "
          f"{jobs[1].round} of the framework ({ITEMS} items each)")
    world.finish(allowed="election_trouble")


def was_heard_of(world, ident):
    """By its driver, which then can tear it down: it said so, came back with the id or had a task."""
    said = any(one.says_ever(f"registered {ident}") for one in world.others)
    returned = any(one.says_ever(f"framework_resubscribed .*{ident}") for one in world.masters)
    return said or returned or any(ident in names for agent in world.agents for _, names, _ in os.walk(
        os.path.join(world.directory, agent.name)))


def nobody_waits(world):
    """Both have torn their frameworks down, so there is no task; an agent may just be ending one. What may be left is a
    framework that nobody knows of: stored, but its SUBSCRIBED died with the master, and its driver subscribed anew; or
    one whose TEARDOWN died with it and found no other for as long as a driver says it again (20 s)."""
    for one in world.json("frameworks").get("frameworks", []):
        info, ident = one["framework_info"], one["framework_info"]["id"]["value"]
        if any(one.says_ever(f"framework_removed .*{ident}") for one in world.masters):
            print(f"nobody led for 20 s after a TEARDOWN, and its driver gave up: {info['name']} {ident}")
        elif was_heard_of(world, ident):
            raise Failure(f"a framework was left behind: {info['name']} {ident}")
        else:
            print(f"a SUBSCRIBED died with its master: {info['name']} {ident}")
        world.cli("framework", "teardown", ident)
    try:
        wait_until("there is no task", lambda: world.json("tasks") == [])
    except Failure:
        raise Failure(f"tasks that nobody waits for: {world.cli('tasks').stdout}\n"
                      f"{world.cli('frameworks').stdout}") from None


def check_runs(world, daemon):
    """Nobody ends whom the schedule has not ended."""
    if daemon.runs() or daemon.process.returncode in (-signal.SIGKILL, 0):
        return
    raise Failure(f"{daemon.name} has ended by itself, with {daemon.process.returncode}; its log is in "
                  f"{world.directory}")


def begin_world(world):
    for daemon in world.agents[:2]:
        world.small_disk(daemon, "16m")
    world.start()


def drawn(world):
    print(f"SEED={SEED} HA_SECONDS={SECONDS:g}", flush=True)
    begin_world(world)
    rng = random.Random(SEED)
    schedule = Schedule(world, rng, 3)
    until = time.monotonic() + SECONDS
    work(world, schedule, lambda: rng.choice(KINDS), lambda: time.monotonic() > until)


def fixed(world):
    begin_world(world)
    left = list(KINDS)
    schedule = Schedule(world, random.Random(1), 2)
    schedule.begun = left.remove
    work(world, schedule, lambda: left[0] if left else None, lambda: not left and not schedule.open)


if __name__ == "__main__":
    enter()
    sys.exit(main({"drawn": drawn, "fixed": fixed}[sys.argv[2]], sys.argv[1], members=3, masters=3, agents=5))

#!/usr/bin/env python3
"""Masters with --zk, one failure at a time.

    failover_test.py BIN TEST       BIN: the build's bin/; TEST: a function below
"""

import os
import signal
import subprocess
import sys
import time

from world import SESSION_S, Skipped, enter, main, wait_until


def each(world, lines, command, *flags):
    """mesos each in the background; its stdout is a file."""
    path = os.path.join(world.directory, "input")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in range(lines))
    out = os.path.join(world.directory, "output")
    return world.program("each", "bash", "-c", 'exec "${@:3}" < "$1" > "$2"', "bash", path, out, world.mesos, "each",
                         *flags, "--", "sh", "-c", command), out


def check_each(job, out, lines, limit_s=60):
    code = job.wait(limit_s)
    with open(out, encoding="utf-8") as file:
        got = file.read().split()
    assert code == 0, f"mesos each: exit code {code}"
    assert got == [str(i) for i in range(lines)], f"mesos each printed {len(got)} of {lines} lines: {got[:50]}"


def lines_of(path):
    if not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8") as file:
        return file.read().count("\n")


def leader_is_killed(world):
    """mesos each goes on when its master is killed; all lines come, once."""
    world.start()
    job, out = each(world, 300, "sleep 0.3; echo {}")
    job.start()
    wait_until("some lines are done", lambda: lines_of(out) > 5)
    old = world.leader()
    killed = time.monotonic()
    old.kill()
    new = world.leader()
    elected = time.monotonic()
    world.agents[0].wait_says(" registered ")
    back = time.monotonic()
    before = lines_of(out)
    wait_until("lines come again", lambda: lines_of(out) > before + 12)
    print(f"leader killed -> next one leads: {elected - killed:.2f} s (session timeout {SESSION_S} s), "
          f"agent is back: {back - killed:.2f} s, tasks of the new leader end: {time.monotonic() - killed:.2f} s")
    old.start()
    check_each(job, out, 300)
    assert new is world.leader()
    world.finish()


def scheduler(world, name, items, command, *more):
    return world.program(name, os.path.join(world.bin, "../tests/ha_scheduler"), world.zk, name, str(items), command,
                         *more)


def framework_id(job):
    return job.wait_says(r"registered (\S+)").group(1)


def frameworks(world, which="frameworks"):
    return {one["framework_info"]["id"]["value"]: one for one in world.json("frameworks").get(which, [])}


def running(world):
    return [task["task_id"]["value"] for task in world.json("tasks") if task["state"] == "TASK_RUNNING"]


def leader_hands_over(world):
    """SIGTERM: the next one leads at once, and offers within a second."""
    world.start()
    job = scheduler(world, "sleeper", 100, "sleep 0.2")
    job.start()
    job.wait_says("TASK_FINISHED")
    old = world.leader()
    job.mark()
    began = time.monotonic()
    old.send(signal.SIGTERM)
    job.wait_says("disconnected")
    job.wait_says("reregistered")
    job.wait_says("offers")
    offers = time.monotonic() - began
    assert old.wait() == 0
    print(f"SIGTERM -> next offers: {offers:.2f} s")
    assert offers < SESSION_S, "the session's end was waited for"
    assert job.wait() == 0
    world.finish()


def offers_after_a_kill(world):
    """kill -9: session timeout and a second later there are offers."""
    world.start()
    job = scheduler(world, "sleeper", 200, "sleep 0.2")
    job.start()
    job.wait_says("TASK_FINISHED")
    job.mark()
    began = time.monotonic()
    world.leader().kill()
    job.wait_says("disconnected")
    job.wait_says("reregistered")
    job.wait_says("offers")
    offers = time.monotonic() - began
    print(f"kill -9 -> next offers: {offers:.2f} s; the session timeout is {SESSION_S} s")
    assert job.wait() == 0
    world.finish()


ROUTES = ("/master/state", "/state", "/state?x=1", "/master/tasks", "/tasks", "/slaves", "/frameworks",
          "/master/state-summary", "/roles", "/weights", "/quota", "/maintenance/schedule", "/machine/down")


def standbys_redirect(world):
    """All but the leader send API calls, old routes and drivers to it, and say how they are themselves."""
    world.start()
    leader = world.leader()
    place = f"//{leader.node.ip}:5050"
    for one in world.standbys():
        for route in ROUTES:
            answer = world.ask(one, route)
            if answer.status == 404 and world.ask(leader, route).status == 404:
                print(f"no route {route}")
                continue
            assert (answer.status, answer.headers.get("Location")) == (307, place + route), (route, answer.status)
        answer = world.call(one, "GET_STATE")
        assert (answer.status, answer.headers["Location"]) == (307, place + "/api/v1"), answer.status
        upgrade = world.ask(one, "/api/mesos/1", headers={"Connection": "Upgrade", "Upgrade": "mesos/1"})
        assert (upgrade.status, upgrade.headers["Location"]) == (307, place + "/api/mesos/1"), upgrade.status
        assert world.ask(one, "/ready").json() == {"state": "standby", "leader": place[2:]}
        assert world.ask(one, "/version").status == 200
        assert world.ask(one, "/metrics/snapshot").status == 200
        assert b"master/elected" in world.ask(one, "/metrics/snapshot").body
    assert world.ask(leader, "/ready").json() == {"state": "leader"}
    for one in world.masters:
        assert world.ask(one, "/health").status == 200
        for route in ("/redirect", "/master/redirect"):
            assert world.ask(one, route).headers["Location"] == place
    wait_until("the CLI finds it through a standby", lambda: world.cli(
        "agents", f"--master={world.standbys()[0].node.ip}:5050").stdout)

    world.ensemble("pause", "1")
    world.zk_paused.add(1)
    wait_until("nobody leads", lambda: [world.state_of(one) for one in world.masters] == ["electing"] * 3)
    for one in world.masters:
        assert world.ask(one, "/health").status == 200
        assert world.ask(one, "/ready").status == 503
        assert world.call(one, "GET_STATE").status == 503
        assert world.ask(one, "/redirect").status == 503
    assert world.cli("agents", f"--master={world.masters[0].node.ip}:5050", check=False).returncode == 3
    world.heal()
    world.leader()
    world.finish()


def zookeeper_is_gone(world):
    """With all of ZooKeeper gone tasks go on; the leader steps down; when it is back, so is everything."""
    world.start()
    job, out = each(world, 40, "sleep 0.2; echo {}", "-P", "4")
    job.start()
    wait_until("some lines are done", lambda: lines_of(out) > 2)
    witness = scheduler(world, "long", 1, "sleep 6; echo over >&2")
    witness.start()
    witness.wait_says("TASK_RUNNING")
    old = world.leader()
    for member in range(1, 4):
        world.ensemble("down", str(member))
        world.zk_down.add(member)
    old.wait_says("master_deposed", SESSION_S + 5)
    wait_until("nobody leads", lambda: all(world.state_of(one) == "electing" for one in world.masters))
    assert all(one.runs() for one in world.daemons())
    time.sleep(0 if os.environ.get("HA_QUICK") else 5)
    world.heal()
    began = time.monotonic()
    world.leader(40)
    print(f"ZooKeeper is back -> a master leads: {time.monotonic() - began:.2f} s")
    check_each(job, out, 40)
    assert witness.wait() == 0
    assert "TASK_LOST" not in witness.log() and "0.1 " not in witness.log()
    world.finish()


def two_members_of_three_are_enough(world):
    """Each member in turn ends and comes back; who leads does not notice."""
    world.start()
    leader = world.leader()
    leader.mark()
    for member in range(1, 4):
        world.ensemble("down", str(member))
        wait_until("a role is set", lambda: world.cli("role", "set", f"eng{member}", "--weight=2",
                                                      check=False).returncode == 0)
        world.ensemble("up", str(member))
    assert len(world.call(leader, "GET_WEIGHTS").json()["get_weights"]["weight_infos"]) == 3
    assert world.leader() is leader and not leader.says("master_deposed")
    world.finish()


def leader_sleeps(world):
    """A leader that stands still for longer than its session finds another in its place, and stands by."""
    world.start()
    job, out = each(world, 60, "sleep 0.3; echo {}")
    job.start()
    wait_until("some lines are done", lambda: lines_of(out) > 2)
    old = world.leader()
    process = old.process
    old.pause()
    new = world.leader()
    assert new is not old
    old.mark()
    old.resume()
    old.wait_says("master_deposed")
    wait_until("it stands by", lambda: world.state_of(old) == "standby")
    assert old.process is process and world.leader() is new
    check_each(job, out, 60)
    world.finish()


def leader_is_cut_off(world):
    """A leader without a network steps down by itself; after that it is a standby like others."""
    world.start()
    job, out = each(world, 60, "sleep 0.3; echo {}")
    job.start()
    wait_until("some lines are done", lambda: lines_of(out) > 2)
    old = world.leader()
    old.node.cut()
    old.wait_says("master_deposed", SESSION_S + 5)
    new = world.leader()
    old.node.heal()
    wait_until("it stands by", lambda: world.state_of(old) == "standby")
    assert new is world.leader()
    check_each(job, out, 60)
    world.finish()


def one_master_does_not_know(world):
    """The first of a list has no way to ZooKeeper: the next is asked, by commands and by drivers."""
    world.start()
    lost = world.standbys()[0]
    assert lost.end() == 0
    lost.start("--zk=zk://127.0.0.1:1/mesos")
    wait_until("it looks for a leader", lambda: world.state_of(lost) == "electing")
    places = f"--master={lost.node.ip}:5050,{world.leader().node.ip}:5050"
    world.cli("agents", places)
    assert world.cli("run", places, "--", "echo", "hello").stdout == "hello\n"
    world.finish(allowed="election_trouble")


def second_scheduler_takes_over(world):
    """The same framework id twice: the first hears that it was replaced, the tasks go on."""
    world.start()
    first = scheduler(world, "first", 1, "sleep 1000", "60")
    first.start()
    ident = framework_id(first)
    first.wait_says("TASK_RUNNING")
    world.leader().send(signal.SIGTERM)
    first.wait_says("reregistered")
    second = scheduler(world, "second", 0, "", "60", ident)
    second.start()
    assert framework_id(second) == ident
    first.wait_says("error Framework failed over")
    assert first.wait() == 3
    wait_until("its task runs", lambda: running(world) == ["0.0"])
    world.cli("framework", "teardown", "second")
    second.wait_says("error")
    wait_until("its task has ended", lambda: running(world) == [])
    world.finish()


def failover_timeout_spans_masters(world):
    """A framework is away: its time runs on while masters change, and its tasks end with it."""
    patience = 64  # whoever was away has a minute with each new master, at least
    if "HA_SECONDS" not in os.environ:
        raise Skipped("takes more than a minute: scripts/test.sh --long runs it")
    world.start()
    job = scheduler(world, "away", 1, "sleep 1000", str(patience))
    job.start()
    ident = framework_id(job)
    job.wait_says("TASK_RUNNING")
    job.kill()
    left = time.monotonic()
    wait_until("it is away", lambda: not frameworks(world)[ident].get("connected"))
    world.leader().kill()
    world.leader()
    wait_until("its task is there", lambda: running(world) == ["0.0"])
    assert ident in frameworks(world), "it was removed early"
    wait_until("it is removed", lambda: ident not in frameworks(world), patience + 10)
    took = time.monotonic() - left
    print(f"removed after {took:.1f} s; its failover timeout is {patience} s")
    assert patience - 1 <= took <= patience + 1.5, took
    wait_until("its task has ended", lambda: running(world) == [])
    late = scheduler(world, "late", 1, "true", str(patience), ident)
    late.start()
    late.wait_says("error")
    world.finish()


def framework_is_torn_down(world):
    """mesos framework teardown: by id, by its beginning, by name; its tasks end."""
    world.start()
    for which in ("id", "name", "beginning"):
        job = scheduler(world, "job-" + which, 1, "sleep 1000", "60")
        job.start()
        ident = framework_id(job)
        job.wait_says("TASK_RUNNING")
        row = next(line.split() for line in world.cli("frameworks").stdout.splitlines() if ident in line)
        assert row[3] == "*", f"it names no role: {row}"
        word = {"id": ident, "name": "job-" + which, "beginning": ident[:-1]}[which]
        done = world.cli("framework", "teardown", word)
        assert ident in done.stdout, done.stdout
        job.wait_says("error")
        wait_until("its task has ended", lambda: running(world) == [])
        assert world.cli("framework", "teardown", ident, check=False).returncode == 4
    jobs = [scheduler(world, name, 0, "", "60") for name in ("twin", "twin")]
    for job in jobs:
        job.start()
        job.wait_says("registered")
    assert world.cli("framework", "teardown", "twin", check=False).returncode == 5
    assert world.cli("framework", "teardown", "nobody", check=False).returncode == 4
    assert world.cli("framework", "teardown", check=False).returncode == 2
    world.finish()


def interrupted_run_ends_its_task(world):
    """Ctrl-C of mesos run ends its task, after a failover too."""
    world.start()
    job = world.program("run", world.mesos, "run", "--", "sleep", "1000")
    job.start()
    wait_until("it runs", lambda: len(running(world)) == 1)
    world.leader().kill()
    world.agents[0].wait_says(" registered ")
    job.send(signal.SIGINT)
    assert job.wait() in (128 + signal.SIGINT, 128 + signal.SIGTERM)  # its own end, or the task's
    assert running(world) == [] and frameworks(world) == {}
    world.finish()


def unset_failover_timeout_is_a_week(world):
    """What our driver says when its user does not; a framework's own 0 stays 0."""
    world.start()
    for said, wanted in (("-", 7 * 24 * 3600), ("0", 0), ("30", 30)):
        job = scheduler(world, "said", 0, "", said)
        job.start()
        ident = framework_id(job)
        assert frameworks(world)[ident]["framework_info"].get("failover_timeout", 0) == wanted
        world.cli("framework", "teardown", ident)
        job.wait_says("error")
    world.finish()


def settings_of(world):
    leader = world.leader()
    agents = world.call(leader, "GET_AGENTS").json()["get_agents"].get("agents", [])
    return {
        "weights": world.call(leader, "GET_WEIGHTS").json(),
        "quota": world.call(leader, "GET_QUOTA").json(),
        "schedule": world.call(leader, "GET_MAINTENANCE_SCHEDULE").json(),
        "drains": sorted((one["agent_info"]["hostname"], one.get("drain_info", {}).get("state", ""),
                          one.get("deactivated", False)) for one in agents),
        "reserved": sorted(str(one["total_resources"]) for one in agents if "reservations" in str(one)),
    }


def settings_survive(world):
    """Weights, quota, reservations, drains and the schedule are those of before, whoever leads."""
    world.start()
    leader = world.leader()
    world.cli("role", "set", "eng", "--weight=3", "--limit=cpus=3,mem=1000", "--guarantee=cpus=1")
    agents = {one["agent_info"]["hostname"]: one["agent_info"]["id"]
              for one in world.call(leader, "GET_AGENTS").json()["get_agents"]["agents"]}
    reserved = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1},
                "reservations": [{"type": "DYNAMIC", "role": "eng", "principal": "me"}]}
    answer = world.call(leader, "RESERVE_RESOURCES",
                        reserve_resources={"agent_id": agents["agent2"], "resources": [reserved]})
    assert answer.status == 202, answer.body
    world.cli("agent", "drain", "agent0", "--wait")
    world.cli("agent", "deactivate", "agent1")
    plan = os.path.join(world.directory, "plan")
    with open(plan, "w", encoding="utf-8") as file:
        file.write('{"windows":[{"machine_ids":[{"hostname":"agent2"}],'
                   '"unavailability":{"start":{"nanoseconds":4000000000000000000}}}]}')
    world.cli("maintenance", "set", plan)
    wait_until("the reservation is there", lambda: settings_of(world)["reserved"])
    before = settings_of(world)
    assert [one[1:] for one in before["drains"]] == [("DRAINED", True), ("", True), ("", False)], before["drains"]
    for _ in range(2):
        old = world.leader()
        old.kill()
        world.leader()
        wait_until("agents are back", lambda: len(settings_of(world)["drains"]) == 3)
        after = settings_of(world)
        assert before == after, f"{before}\n{after}"
        old.start()
    world.finish()


def drain_goes_on(world):
    """A leader that is killed in the middle of a drain: the drain goes on, and who waits for it waits on."""
    world.start()
    job = world.program("stubborn", world.mesos, "run", "--shell", "trap '' TERM; echo up; while :; do sleep 0.2; done")
    job.start()
    job.wait_says("up")
    waiting = world.program("drain", world.mesos, "agent", "drain", "agent0", "--deadline=6secs", "--wait")
    waiting.start()

    def state():
        return [one.get("drain_info", {}).get("state") for one in world.agents_of_leader()]

    world.agents[0].wait_says(" draining ")
    state()  # whoever asked for the drain has been answered before
    old = world.leader()
    old.kill()
    assert waiting.wait(60) == 0, waiting.log()
    assert job.wait(60) > 128, job.log()
    wait_until("the leader says that it is drained", lambda: state() == ["DRAINED"])
    old.start()
    world.finish()


def order_outlives_its_leader(world):
    """The leader dies before it has answered a drain: the next one gets it."""
    world.start()
    old = world.leader()
    place = "".join(f"{int(part):02X}" for part in reversed(old.node.ip.split("."))) + f":{5050:04X} 01 "

    def asking():
        with open("/proc/net/tcp", encoding="ascii") as file:
            return {line.split()[1] for line in file if place in line}

    def waits():
        before = asking()
        time.sleep(0.1)
        return before & asking()

    world.ensemble("pause", "1")  # so what must be stored is not answered
    world.zk_paused.add(1)
    places = ",".join(f"{one.node.ip}:5050" for one in world.masters)
    order = world.program("drain", world.mesos, "agent", "drain", "agent0", f"--master={places}")
    order.start()
    wait_until("the order is given", waits)
    old.kill()
    world.heal()
    assert order.wait(30) == 0, order.log()
    wait_until("it is drained", lambda: [one.get("drain_info", {}).get("state") for one in
                                         world.agents_of_leader()] == ["DRAINED"])
    world.finish()


ONE = {"members": 1}
TESTS = {
    order_outlives_its_leader: ONE,
    drain_goes_on: ONE,
    leader_is_killed: ONE,
    leader_hands_over: ONE,
    offers_after_a_kill: ONE,
    standbys_redirect: ONE,
    zookeeper_is_gone: {"members": 3},
    two_members_of_three_are_enough: {"members": 3},
    leader_sleeps: ONE,
    leader_is_cut_off: ONE,
    one_master_does_not_know: ONE,
    second_scheduler_takes_over: ONE,
    failover_timeout_spans_masters: ONE,
    framework_is_torn_down: ONE,
    interrupted_run_ends_its_task: ONE,
    unset_failover_timeout_is_a_week: ONE,
    settings_survive: {"members": 1, "agents": 3},
}

if __name__ == "__main__":
    enter()
    ((found, options),) = [(test, given) for test, given in TESTS.items() if test.__name__ == sys.argv[2]]
    sys.exit(main(found, sys.argv[1], **options))

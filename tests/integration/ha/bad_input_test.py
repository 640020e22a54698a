#!/usr/bin/env python3
"""What a master is given and must not believe: registries, election paths, credentials, URLs, disks.

    bad_input_test.py BIN TEST       BIN: the build's bin/; TEST: a function below
"""

import os
import signal
import subprocess
import sys
import time

from world import Daemon, Failure, enter, main, run, wait_until


def zkcli(world, *words, check=True):
    done = subprocess.run(["java", "-cp", "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar",
                           "org.apache.zookeeper.ZooKeeperMain", "-server", world.servers, *words],
                          capture_output=True, encoding="utf-8", check=False, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise Failure(f"zkCli {words}: {done.stderr}")
    # What it tells of its own connection comes between when it likes.
    return "".join(line for line in done.stdout.splitlines(True)
                   if line.strip() and not line.startswith(("WATCHER::", "WatchedEvent", "Connecting to ")))


def content(world):
    """All that ZooKeeper has below the registry, with versions."""
    place = "/mesos/registry"
    names = zkcli(world, "ls", place).strip().splitlines()[-1].strip("[]").split(", ")
    return [zkcli(world, "get", "-s", f"{place}/{name}") for name in sorted(names)]


def end_all(world):
    for master in world.masters:
        if master.runs():
            assert master.end() == 0


def make_registry(world):
    world.start()
    world.cli("role", "set", "eng", "--weight=3")
    end_all(world)


def refused(world, words):
    """Every master says so, ends with 1, and has changed nothing."""
    before = content(world)
    for master in world.masters:
        master.start()
    for master in world.masters:
        assert master.wait() == 1, f"{master.name} ended with {master.process.returncode}"
        assert master.says(words), f"{master.name} does not say '{words}'"
        assert master.says("master_cannot_lead")
    assert content(world) == before, "something was written"


def newer_registry_is_refused(world):
    """A format that is not known: named, exit code 1, nothing is overwritten."""
    make_registry(world)
    zkcli(world, "set", "/mesos/registry/head", "MESOSREG~~~~and more of tomorrow")
    refused(world, "/mesos/registry/head is of format 2122219134")
    world.finish()


def damaged_registry_is_refused(world):
    """The node is named; with what it was, masters lead again."""
    make_registry(world)
    dump = world.cli("registry", "dump", world.zk).stdout
    node = "/mesos/registry/" + next(name for name in zkcli(world, "ls", "/mesos/registry").strip().splitlines()[-1]
                                     .strip("[]").split(", ") if name.startswith("changes-"))
    zkcli(world, "set", node, "damaged")
    refused(world, node + " is not a node of a registry of ours")
    zkcli(world, "deleteall", "/mesos/registry")
    world.cli("registry", "restore", world.zk, "-", text=dump)
    for master in world.masters:
        master.start()
    assert b"eng" in world.call(world.leader(), "GET_WEIGHTS").body
    wait_until("the agent is back", lambda: world.active_agents() == 1)
    world.finish(allowed=" is not a node of a registry of ours")


def missing_change_is_refused(world):
    """A gap in the registry: what came after it is not believed."""
    make_registry(world)
    zkcli(world, "delete", "/mesos/registry/changes-0000000001-0000000000", check=False)
    names = zkcli(world, "ls", "/mesos/registry")
    first = sorted(name for name in names.strip().splitlines()[-1].strip("[]").split(", ") if "changes" in name)[0]
    zkcli(world, "delete", "/mesos/registry/" + first, check=False)
    refused(world, "/mesos/registry")
    world.finish()


def foreign_nodes_in_the_election(world):
    """Nobody leads behind a master of old; all other strangers are nobody's business."""
    world.masters = world.masters[:2]
    zkcli(world, "create", "/mesos", "")
    zkcli(world, "create", "/mesos/info_0000000000", "protobuf")
    zkcli(world, "create", "/mesos/somebody", "else")
    zkcli(world, "create", "/mesos/json.info_none", "else")
    for master in world.masters:
        master.start()
    for master in world.masters:
        master.wait_says("info_0000000000")
        assert world.state_of(master) == "electing"
    zkcli(world, "delete", "/mesos/info_0000000000")
    leader = world.leader()
    assert world.standbys() != []
    for agent in world.agents:
        agent.start()
        agent.wait_says(" registered ")
    assert leader is world.leader()
    world.finish()


def foreign_leader_is_no_address(world):
    """The smallest node is of somebody whose MasterInfo is none: nobody of ours leads, nobody believes it."""
    world.masters = world.masters[:1]
    zkcli(world, "create", "/mesos", "")
    zkcli(world, "create", "/mesos/json.info_0000000000", "{not json")
    master = world.masters[0]
    master.start()
    for agent in world.agents:
        agent.start()
        agent.wait_says("no_master_leads|master_not_found")
    wait_until("it knows of no leader", lambda: world.state_of(master) == "electing")
    assert world.cli("agents", "--timeout=1secs", check=False).returncode != 0
    zkcli(world, "delete", "/mesos/json.info_0000000000")
    world.leader()
    world.agents[0].wait_says(" registered ")
    world.finish()


def wrong_credentials_change_nothing(world):
    """A master with another password can neither lead nor write, says so, and goes on trying."""
    right, wrong = (f"zk://{words}@{world.servers}/mesos" for words in ("ops:right", "ops:wrong"))
    for master, url in zip(world.masters, (right, right, wrong)):
        master.start(f"--zk={url}")
        if master is world.masters[0]:
            world.leader()
    stranger = world.masters[2]
    stranger.wait_says("no permission")
    world.agents[0].start()
    world.agents[0].wait_says(" registered ")
    for old in world.masters[:2]:
        assert world.state_of(stranger) != "leader"
        assert world.leader() is not stranger
        assert old.end() == 0
    assert stranger.runs() and world.state_of(stranger) != "leader"
    assert "right" not in stranger.log() and "wrong" not in stranger.log(), "a password in a log"
    world.finish()


def wrong_urls_are_refused(world):
    """One line, exit code 1 or 2, before anything is done."""
    bad_file = os.path.join(world.directory, "url")
    with open(bad_file, "w", encoding="utf-8") as file:
        file.write("zk:/typo\n")
    for url in ("zk://", "zk:///mesos", "zk://127.0.0.1:0/mesos", "zk://127.0.0.1:99999/mesos", "zk://h:2181/a//b",
                "zk://h:2181/a/../b", "http://h:2181/mesos", "h:2181", f"file://{bad_file}", "file:///nowhere"):
        done = subprocess.run([os.path.join(world.bin, "mesos-master"), f"--zk={url}", "--port=0",
                               f"--work_dir={world.directory}/nobody"], capture_output=True, encoding="utf-8",
                              check=False, timeout=10)
        said = done.stderr + done.stdout
        assert done.returncode in (1, 2) and said.count("\n") <= 2, (url, done.returncode, said)
    deep = world.masters[0]
    deep.start(f"--zk=zk://{world.servers}/a/b/c/d")
    assert world.leader() is deep
    assert "json.info_" in zkcli(world, "ls", "/a/b/c/d")
    world.finish()


def registry_file_cut_short(world):
    """A master alone, with LMDB: a file cut short, a disk read-only, a work_dir that is a file."""
    alone = world.program("alone", os.path.join(world.bin, "mesos-master"), "--port=5050", "--ip=127.0.0.1",
                          f"--work_dir={world.directory}/alone")
    alone.start()
    alone.wait_says("master_recovered")
    world.cli("role", "set", "eng", "--weight=3", "--master=127.0.0.1:5050")
    assert alone.end() == 0
    place = os.path.join(world.directory, "alone")
    (data,) = [os.path.join(where, name) for where, _, names in os.walk(place) for name in names
               if name == "state.mdb"]
    with open(data, "rb") as file:
        whole = file.read()
    for size in (len(whole) // 2 // 4096 * 4096, 8192, 4096, 100, 1):
        with open(data, "wb") as file:
            file.write(whole[:size])
        alone.start()
        assert alone.wait() == 1, f"cut to {size} bytes: it ended with {alone.process.returncode}"
        assert alone.says(r"error=.*" + "registry"), f"cut to {size} bytes: {alone.log_since()}"
        with open(data, "rb") as file:
            assert file.read() == whole[:size], f"cut to {size} bytes: written to"
    with open(data, "wb") as file:
        file.write(b"x" * len(whole))
    alone.start()
    assert alone.wait() == 1
    with open(data, "wb") as file:
        file.write(whole)
    run("mount", "--bind", place, place)
    run("mount", "-o", "remount,ro,bind", place)
    alone.start()
    assert alone.wait() == 1 and alone.says("[Rr]ead-only"), alone.log_since()
    run("umount", place)
    alone.start()
    alone.wait_says("master_recovered")
    assert "eng" in world.cli("roles", "--master=127.0.0.1:5050").stdout
    assert alone.end() == 0
    os.rename(place, place + ".old")
    with open(place, "w", encoding="utf-8"):
        pass
    alone.start()
    assert alone.wait() == 1
    world.finish()


def moves_there_and_back(world):
    """Standalone, then three masters, then standalone: tasks go on, and a failover timeout is kept."""
    (agent,) = world.agents
    node = world.masters[0].node
    flags = ("--port=5050", f"--ip={node.ip}", f"--hostname={node.ip}", f"--work_dir={world.directory}/alone")
    alone = Daemon(world, "alone", [os.path.join(world.bin, "mesos-master"), *flags], node)
    world.others.append(alone)
    address = f"{node.ip}:5050"
    alone.start()
    alone.wait_says("master_recovered")
    agent.start(f"--master={address}")
    agent.wait_says(" registered ")
    job = world.program("job", os.path.join(world.bin, "../tests/ha_scheduler"), address, "job", "1", "sleep 1000",
                        "4321")
    job.start()
    ident = job.wait_says(r"registered (\S+)").group(1)
    job.wait_says("TASK_RUNNING")
    assert alone.end() == 0
    world.cli("registry", "move", f"{world.directory}/alone", world.zk)
    for master in world.masters:
        master.start()
        world.leader()
    job.wait_says("reregistered")
    agent.wait_says(" registered ")

    def timeouts():
        return [one["framework_info"]["failover_timeout"] for one in world.json("frameworks")["frameworks"]
                if one["framework_info"]["id"]["value"] == ident]
    assert timeouts() == [4321]
    end_all(world)
    world.cli("registry", "move", world.zk, f"{world.directory}/alone")
    alone.start()
    job.wait_says("reregistered")
    os.environ["MESOS_MASTER"] = address
    assert timeouts() == [4321]
    wait_until("the agent has brought its task",
               lambda: [task["state"] for task in world.json("tasks")] == ["TASK_RUNNING"])
    assert "TASK_LOST" not in job.log()
    world.cli("framework", "teardown", "job")
    wait_until("its task has ended", lambda: world.json("tasks") == [])
    assert agent.end(signal.SIGUSR1) == 0
    assert alone.end() == 0
    world.finish()


def empty_ensemble_in_the_same_place(world):
    """ZooKeeper comes back with nothing: what agents know is a cluster again, and work goes on."""
    world.start()
    job = world.program("job", os.path.join(world.bin, "../tests/ha_scheduler"), world.zk, "job", "10", "sleep 4", "60")
    job.start()
    job.wait_says("TASK_RUNNING")
    world.ensemble("down", "1")
    run("rm", "-rf", f"{world.zk_directory}/1/data/version-2")
    wait_until("nobody leads", lambda: all(world.state_of(one) == "electing" for one in world.masters))
    world.ensemble("up", "1")
    began = time.monotonic()
    leader = world.leader(60)
    print(f"an empty ZooKeeper -> a master leads: {time.monotonic() - began:.1f} s")
    wait_until("the agent is back", lambda: world.active_agents() == 1)
    assert job.wait(30) == 0
    assert leader is world.leader()
    world.finish()


ONE = {"members": 1}
TESTS = {
    newer_registry_is_refused: ONE,
    damaged_registry_is_refused: ONE,
    missing_change_is_refused: ONE,
    foreign_nodes_in_the_election: ONE,
    foreign_leader_is_no_address: ONE,
    wrong_credentials_change_nothing: ONE,
    wrong_urls_are_refused: {"members": 1, "agents": 0},
    registry_file_cut_short: {"members": 1, "masters": 0, "agents": 0},
    moves_there_and_back: ONE,
    empty_ensemble_in_the_same_place: ONE,
}

if __name__ == "__main__":
    enter()
    ((found, options),) = [(test, given) for test, given in TESTS.items() if test.__name__ == sys.argv[2]]
    sys.exit(main(found, sys.argv[1], **options))

"""A real Slurm cluster of one node, with or without accounting, whose files and sockets are all in one folder.

Needs root, and Debian's packages slurm-wlm, munge, slurmdbd and mariadb-server; `make test-cluster` installs them.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmdbd", "mariadbd", "mariadb-install-db", "mariadb", "sacctmgr")

CONFIGURATION = """
ClusterName=one
SlurmctldHost={node}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=1
KillWait=5
{accounting}
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 State=UNKNOWN
PartitionName=debug Nodes={node} Default=YES MaxTime=60 State=UP
"""
NO_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
ACCOUNTING = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
"""
DATABASE = """
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage_port}
StorageUser=slurm
StoragePass=test
StorageLoc=accounts
PidFile={folder}/slurmdbd.pid
"""


def what_is_missing() -> str:
    """Return why no cluster can be started here, or nothing."""
    missing = [name for name in PROGRAMS if _program(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "not root"


class OneNode:
    """A cluster that runs.

    Attributes
    ----------
    environment : dict
        Variables by which Slurm's commands find it.
    accounting : bool
    node : str
    """

    def __init__(self, folder: Path, accounting: bool) -> None:
        self.accounting = accounting
        self.node = socket.gethostname().partition(".")[0]
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._folder, self._processes = folder, dict[str, subprocess.Popen[bytes]]()
        for name in ("state", "spool"):
            (folder / name).mkdir()

    def start(self) -> None:
        """Start all daemons, and return once a job can run."""
        folder, ports = self._folder, _free_ports(4)
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o400)
        files = [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("key-file", "socket", "pid-file")]
        self._daemon(
            "munged", "--foreground", "--force", *files, f"--seed-file={folder}/munge.seed", "--log-file=/dev/stderr"
        )
        wait_for(lambda: (folder / "munge.socket").exists())
        accounting = ACCOUNTING.format(folder=folder, port=ports[2]) if self.accounting else NO_ACCOUNTING
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                node=self.node,
                cpus=os.cpu_count(),
                controller_port=ports[0],
                node_port=ports[1],
                accounting=accounting,
            )
        )
        if self.accounting:
            self._start_accounting(ports[2], ports[3])
        self.start_controller()
        self._daemon("slurmd", "-D")
        wait_for(lambda: self.ask("sinfo", "--noheader", "--format=%T") == "idle")

    def start_controller(self) -> None:
        self._daemon("slurmctld", "-D")
        wait_for(lambda: "UP" in self.ask("scontrol", "ping"))

    def stop_controller(self) -> None:
        self._stop("slurmctld")

    def ask(self, *command: str) -> str:
        """Return what a command of Slurm prints."""
        done = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True)
        return done.stdout.strip()

    def running(self) -> list[str]:
        """Return the ids of jobs that run."""
        return self.ask("squeue", "--noheader", "--array", "--states=running", "--format=%i").split()

    def settle(self) -> None:
        """End all jobs, and have the node serve again, whatever was done to it."""
        self.ask("scancel", "--user=root")
        wait_for(self._is_free)

    def _is_free(self) -> bool:
        state = self.ask("sinfo", "--noheader", "--format=%T")
        if "drain" in state or "down" in state:
            self.ask("scontrol", "update", f"NodeName={self.node}", "State=RESUME")
        return state == "idle" and not steps()

    def stop(self) -> None:
        self.ask("scancel", "--user=root")
        for name in reversed(list(self._processes)):
            self._stop(name)

    def _start_accounting(self, port: int, storage_port: int) -> None:
        folder, data = self._folder, self._folder / "data"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        here = f"--socket={folder}/mariadb.socket"
        self._daemon(
            "mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", here,
            "--bind-address=127.0.0.1", f"--port={storage_port}",
        )  # fmt: skip
        granted = "create user slurm@'%' identified by 'test'; grant all on accounts.* to slurm@'%'"
        client = ["mariadb", "--no-defaults", here, "--user=root", f"--execute={granted}"]
        wait_for(lambda: subprocess.run(client, capture_output=True).returncode == 0)
        (folder / "slurmdbd.conf").write_text(DATABASE.format(folder=folder, port=port, storage_port=storage_port))
        (folder / "slurmdbd.conf").chmod(0o600)
        self._daemon("slurmdbd", "-D")
        wait_for(lambda: "one" in self.ask("sacctmgr", "--immediate", "add", "cluster", "one"))

    def _daemon(self, name: str, *options: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            command, environment = [str(_program(name)), *options], {**os.environ, **self.environment}
            self._processes[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _stop(self, name: str) -> None:
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def one_node(folder: Path, accounting: bool) -> Iterator[OneNode]:
    """Run a cluster while the block is executed."""
    cluster = OneNode(folder, accounting)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def steps() -> bool:
    """Return whether Slurm still has what it started of a job, which may outlive the job by some seconds."""
    return subprocess.run(["pgrep", "slurmstepd"], capture_output=True).returncode == 0


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.1)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports

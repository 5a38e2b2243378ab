"""A cluster of one machine without accounting: Slurm's commands, with processes as jobs.

`install` puts these commands into a folder; each is this file under another name. The jobs of a cluster are files in
the same folder: the state of each, and the process of each that runs.
"""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

COMMANDS = ("sbatch", "srun", "sacct", "squeue", "scancel", "scontrol")
HERE = Path(os.environ.get("FAKE_SLURM", "."))


def install(folder: Path) -> None:
    folder.mkdir()
    for name in COMMANDS:
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S {shlex.quote(__file__)} {name} "$@"\n')
        command.chmod(0o755)


def state_of(folder: Path, job: str) -> str:
    path = folder / f"{job}.state"
    return path.read_text() if path.exists() else ""


def pids(folder: Path) -> dict[str, int]:
    """Return the process of each job that runs."""
    running = [path for path in folder.glob("*.pid") if state_of(folder, path.stem) == "RUNNING"]
    return {path.stem: int(path.read_text()) for path in running}


def write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


@contextmanager
def locked() -> Iterator[None]:
    with (HERE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sbatch(script: str) -> None:
    """Start the jobs of a script in the background."""
    if "--partition=nowhere" in Path(script).read_text():
        sys.exit("sbatch: error: invalid partition specified: nowhere")
    number = str(100 + len(list(HERE.glob("*.script"))))
    write(HERE / f"{number}.script", script)
    array = re.search(r"--array=0-(\d+)%(\d+)", Path(script).read_text())
    jobs = [f"{number}_{index}" for index in range(int(array[1]) + 1)] if array else [number]
    for job in jobs:
        write(HERE / f"{job}.state", "PENDING")
    places = min(int(array[2]), 2) if array else 1
    subprocess.Popen(
        [sys.executable, "-S", __file__, "controller", script, str(places), *jobs],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    print(f"Submitted batch job {number}")


def controller(script: str, places: str, *jobs: str) -> None:
    with ThreadPoolExecutor(int(places)) as pool:
        list(pool.map(lambda job: run_job(script, job), jobs))


def run_job(script: str, job: str) -> None:
    number, _, index = job.partition("_")
    array = {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": index} if index else {}
    while state_of(HERE, job) in ("PENDING", "REQUEUED"):
        process = subprocess.Popen(
            ["bash", script], env={**os.environ, "SLURM_JOB_ID": number, **array}, start_new_session=True
        )
        code = process.wait()
        with locked():
            if state_of(HERE, job) == "RUNNING":
                write(HERE / f"{job}.state", "COMPLETED" if code == 0 else "FAILED")


def srun(*arguments: str) -> None:
    """Become the process of the job."""
    number, index = os.environ["SLURM_JOB_ID"], os.environ.get("SLURM_ARRAY_TASK_ID", "")
    job = f"{number}_{index}" if index else number
    options, rest = {}, list(arguments)
    while rest[0].startswith("--"):
        name = rest.pop(0)
        if name in ("--output", "--error"):
            options[name] = rest.pop(0)
    for descriptor, name in ((1, "--output"), (2, "--error")):
        path = options[name].replace("%j", number).replace("%A", number).replace("%a", index).replace("%t", "0")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.dup2(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY), descriptor)
    with locked():
        if state_of(HERE, job) == "CANCELLED":
            sys.exit(1)
        write(HERE / f"{job}.pid", str(os.getpid()))
        write(HERE / f"{job}.state", "RUNNING")
    os.execvp(rest[0], rest)


def sacct(*_: str) -> None:
    sys.exit("Slurm accounting storage is disabled")


def squeue(*_: str) -> None:
    if (HERE / "restarting").exists():
        sys.exit("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    for path in HERE.glob("*.state"):
        print(f"{path.stem}|{path.read_text()}|None")


def scancel(*arguments: str) -> None:
    with locked():
        for job in arguments:
            if job.startswith("--"):
                continue
            stop(job)
            if state_of(HERE, job) not in ("COMPLETED", "FAILED"):  # Who waits for the process needs the lock.
                write(HERE / f"{job}.state", "CANCELLED")


def scontrol(_: str, job: str) -> None:
    """Queue a job again; it ends by itself."""
    write(HERE / f"{job}.state", "REQUEUED")


def stop(job: str) -> None:
    path = HERE / f"{job}.pid"
    if path.exists():
        with suppress(ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

"""A container engine with Lambda's base image, whether or not the machine has one.

A machine with a running engine uses that, and the image that AWS publishes. A Debian machine without one gets its
own for as long as it is needed: `dockerd` by hand, as root, and an image made from the distribution's own Python,
so that nothing but the Debian and PyPI package indexes is needed. It changes no iptables rule and no sysctl:
containers reach this machine and nothing else.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build/sam"
VENV = WORK / "venv"

RUNTIME = "3.13"
IMAGE = f"public.ecr.aws/lambda/python:{RUNTIME}-x86_64"
DEBIAN = "trixie"  # its python3 is Lambda's
BRIDGE = "172.31.250.1"
START_S = 60
RUNTIME_CLIENT = "awslambdaric>=4,<5"
# What an image needs of the Debian it is made from.
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache", "var/lib/apt", "proc", "sys", "dev")

BOOTSTRAP = f"""\
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python{RUNTIME}
export PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin
export LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib
export PYTHONPATH=/opt/python/lib/python{RUNTIME}/site-packages:/opt/python:/var/runtime
exec ${{AWS_LAMBDA_EXEC_WRAPPER:-}} /var/lang/bin/python{RUNTIME} -m awslambdaric "$_HANDLER"
"""


class NoEngine(RuntimeError):
    """There is no container engine, and none can be started; says what to install."""


@dataclass(frozen=True)
class Engine:
    """A running engine: the environment its clients need, and where containers find this machine."""

    env: dict[str, str]
    address: str

    def run(self, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
        """Run a `docker` command."""
        return subprocess.run(["docker", *arguments], env=self.env, check=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


def clean_environment() -> dict[str, str]:
    """This environment without AWS credentials, which would cost `sam local` ten seconds of asking for a session."""
    kept = {k: v for k, v in os.environ.items() if not re.match(r"AWS_|POINTSMAN_|SAM_CLI_", k)}
    return {
        **kept,
        "PATH": f"{VENV / 'bin'}:{WORK / 'bin'}:{kept['PATH']}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine that has the base image; one of our own ends with the block.

    Raises:
        NoEngine: there is none, and this user or machine cannot start one.
    """
    env = clean_environment()
    if _answers(env):
        yield Engine(env, _host_address(env))
        return
    if os.geteuid() or not shutil.which("dockerd") or not shutil.which("debootstrap"):
        raise NoEngine(
            "No container engine answers here. Start Docker, or on Debian install docker.io, debootstrap and iproute2 "
            "and run this as root: it then starts an engine of its own."
        )
    # A socket's path has at most 108 bytes, so it is not in the project.
    with tempfile.TemporaryDirectory(prefix="pointsman-") as scratch:
        env["DOCKER_HOST"] = f"unix://{scratch}/docker.sock"
        had_bridge = Path("/sys/class/net/docker0").exists()
        daemon = _start_daemon(env["DOCKER_HOST"], Path(scratch))
        try:
            _wait_for_daemon(daemon, env)
            ours = Engine(env, BRIDGE)
            make_image(ours)
            yield ours
        finally:
            daemon.terminate()
            daemon.wait(timeout=START_S)
            if not had_bridge:
                subprocess.run(["ip", "link", "del", "docker0"], check=False, stderr=subprocess.DEVNULL)


def _answers(env: dict[str, str]) -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], env=env, capture_output=True, check=False).returncode == 0


def _host_address(env: dict[str, str]) -> str:
    """Where containers of a running engine find this machine."""
    if "docker desktop" in subprocess.run(["docker", "info"], env=env, capture_output=True, text=True).stdout.lower():
        return "host.docker.internal"
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", "bridge", "--format", gateway]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()


def _start_daemon(host: str, scratch: Path) -> "subprocess.Popen[bytes]":
    WORK.mkdir(parents=True, exist_ok=True)
    options = ["--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"]
    with (WORK / "dockerd.log").open("wb") as log:
        return subprocess.Popen(
            [
                "dockerd",
                f"--host={host}",
                f"--bip={BRIDGE}/24",
                f"--data-root={WORK / 'docker'}",
                f"--exec-root={scratch / 'exec'}",
                f"--pidfile={scratch / 'dockerd.pid'}",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_for_daemon(daemon: "subprocess.Popen[bytes]", env: dict[str, str]) -> None:
    until = time.monotonic() + START_S
    while not _answers(env):
        if daemon.poll() is not None or time.monotonic() > until:
            raise NoEngine(f"dockerd does not start. {WORK / 'dockerd.log'} has its reasons.")
        time.sleep(0.2)


def make_image(ours: Engine) -> None:
    """Lambda's base image from Debian's Python and AWS's runtime client, unless the engine has it already."""
    if subprocess.run(["docker", "image", "inspect", IMAGE], env=ours.env, capture_output=True).returncode == 0:
        return
    print(f"making {IMAGE} from Debian {DEBIAN} ...", flush=True)
    with tempfile.TemporaryDirectory(dir=WORK, prefix="rootfs.") as scratch:
        root = Path(scratch)
        _debootstrap(root)
        for folder in ("var/task", "var/rapid", "var/runtime", "var/lang/bin", "opt"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for name in (f"python{RUNTIME}", "python3"):
            (root / "var/lang/bin" / name).symlink_to(f"/usr/bin/python{RUNTIME}")
        bootstrap = root / "var/runtime/bootstrap"
        bootstrap.write_text(BOOTSTRAP)
        bootstrap.chmod(0o755)
        install_runtime_client(root / "var/runtime")
        command = ["docker", "import", "--change", "WORKDIR /var/task", "--change", _IMAGE_ENVIRONMENT, "-", IMAGE]
        with subprocess.Popen(command, env=ours.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as importing:
            assert importing.stdin is not None
            with tarfile.open(fileobj=importing.stdin, mode="w|") as image:
                image.add(root, ".", filter=_wanted)
            importing.stdin.close()
        if importing.returncode:
            raise NoEngine("The base image could not be imported.")


_IMAGE_ENVIRONMENT = "ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=C.UTF-8 TZ=:UTC"


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = member.name.removeprefix("./")
    return None if any(name.startswith(f"{folder}/") for folder in LEFT_OUT) else member


def _debootstrap(root: Path) -> None:
    log = WORK / "debootstrap.log"
    command = ["debootstrap", "--variant=minbase", "--include=python3,ca-certificates", DEBIAN, str(root), _mirror()]
    with log.open("wb") as stream:
        done = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise NoEngine(f"debootstrap failed. {log} has its reasons.")


def _mirror() -> str:
    """The mirror that this machine takes its own packages from."""
    for path in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        found = re.search(
            r"^(?:URIs:|deb(?: \[.*?\])?)\s+(https?://\S+)", path.read_text() if path.is_file() else "", re.M
        )
        if found:
            return found.group(1)
    return "http://deb.debian.org/debian"


def install_runtime_client(target: Path) -> None:
    """AWS's runtime client for Lambda's Python, as the managed runtime has it."""
    platforms = [f"--platform={name}" for name in ("manylinux_2_28_x86_64", "manylinux2014_x86_64")]
    wheels = ["--only-binary=:all:", f"--python-version={RUNTIME}", *platforms]
    pip = [str(VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *wheels, "--target", str(target), RUNTIME_CLIENT], check=True, stderr=subprocess.DEVNULL)

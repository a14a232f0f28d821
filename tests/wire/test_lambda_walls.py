"""What a function can reach: its package, its layers, the system's programs, its own /tmp, and no more.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packages import LOGGING, make_function, make_role, zipped
from running import RunningCloud
from waiting import until

SOURCE = """
import ctypes, errno, multiprocessing, os, pwd, signal, socket, subprocess, sys, tempfile, threading, time

def attempt(work):
    try:
        return work()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except Exception as error:
        return type(error).__name__

def write(path, size=1):
    with open(path, "wb") as file:
        for _ in range(-(-size // (1 << 20))):
            file.write(b"x" * min(size, 1 << 20))
    return "written"

def read(path):
    with open(path, "rb") as file:
        return file.read(64).decode("latin-1")

def threads(most):
    stop = threading.Event()
    made = []
    try:
        for _ in range(most):
            thread = threading.Thread(target=stop.wait, daemon=True)
            thread.start()
            made.append(thread)
    except RuntimeError:
        pass
    stop.set()
    return len(made)

def forks(most):
    made = []
    try:
        for _ in range(most):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            made.append(pid)
    except OSError as error:
        return [len(made), errno.errorcode[error.errno]]
    finally:
        for pid in made:
            os.kill(pid, 9)
        for pid in made:
            os.waitpid(pid, 0)
    return [len(made), ""]

def files(most):
    opened = []
    try:
        for _ in range(most):
            opened.append(open("/dev/null"))
    except OSError as error:
        return [len(opened), errno.errorcode[error.errno]]
    finally:
        for each in opened:
            each.close()

def link(name, target):
    os.symlink(target, name)
    return read(name)

def libc(name, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "done"

def abstract(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(name.replace("@", chr(0)))
    return "connected"

def double(connection):
    connection.send(connection.recv() * 2)

def pipes():
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=double, args=(theirs,))
    child.start()
    ours.send(21)
    found = ours.recv()
    child.join()
    return found

def script(first):
    with open("/tmp/script", "w") as file:
        file.write(first + "\\nimport sys\\nprint(sys.version_info[:2] == tuple(map(int, sys.argv[1:])))\\n")
    os.chmod("/tmp/script", 0o755)
    version = map(str, sys.version_info[:2])
    return subprocess.run(["/tmp/script", *version], capture_output=True, text=True).stdout.strip()

def handler(event, context):
    return [attempt(lambda: eval(text)) for text in event]
"""


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "walled", LOGGING)


@pytest.fixture(scope="module")
def function(cloud: RunningCloud, role: str) -> str:
    make_function(cloud.client("lambda"), role, "walled", SOURCE, MemorySize=512, Timeout=120)
    if run(cloud, "walled", "os.environ['LAMBDA_TASK_ROOT']") != ["/var/task"]:
        pytest.skip("the kernel gives no namespaces to who runs the tests; `may doctor` says why")
    return "walled"


def run(cloud: RunningCloud, name: str, *texts: str) -> list[Any]:
    """What the expressions come to in the function; names of errors where they fail."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(texts))
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    return json.loads(payload)


def test_the_data_folder_is_not_there(cloud: RunningCloud, function: str) -> None:
    data = cloud.data.resolve()
    assert (data / "cloud.db").exists()
    hidden = [data, data / "cloud.db", data / "lambda" / "code", data / "lambda" / "zips", cloud.data.parent]
    found = run(cloud, function, *(f"os.stat({str(path)!r})" for path in hidden))
    assert found == ["ENOENT"] * len(hidden)
    # Neither by another way to the same place.
    ways = ["/proc/self/root", "/proc/1/root", "/proc/self/cwd/../..", "/.old", "/.may", "/var/task/.."]
    found = run(cloud, function, *(f"os.stat({f'{way}{data}/cloud.db'!r})" for way in ways))
    assert set(found) <= {"ENOENT", "EACCES"}
    assert run(cloud, function, "os.listdir('/.may')", "os.listdir('/.old')") == [[], []]


def test_nor_what_is_the_users_own(cloud: RunningCloud, function: str) -> None:
    home, here = str(Path.home()), str(Path(__file__).resolve())
    found = run(
        cloud, function, f"os.stat({home + '/.bashrc'!r})", f"os.stat({here!r})", "read('/etc/shadow')"
    )
    assert set(found) <= {"ENOENT", "EACCES"}
    assert run(cloud, function, "pwd.getpwuid(os.getuid()).pw_name") == ["sbx_user1051"]


def test_other_functions_code_is_not_there(cloud: RunningCloud, role: str, function: str) -> None:
    make_function(cloud.client("lambda"), role, "secretive", "# a secret\n" + SOURCE)
    assert run(cloud, "secretive", "read('/var/task/app.py')")[0].startswith("# a secret")
    assert run(cloud, function, "os.listdir('/var/task')") == [["app.py"]]
    digests = [path.name for path in (cloud.data / "lambda" / "code").iterdir()]
    assert len(digests) >= 2
    found = run(cloud, function, *(f"os.listdir('/.may/code/{digest}')" for digest in digests))
    assert found == ["ENOENT"] * len(digests)


def test_only_tmp_can_be_written(cloud: RunningCloud, function: str) -> None:
    """AWS: ``OSError: [Errno 30] Read-only file system``."""
    places = ["/var/task", "/var/runtime", "/opt", "/etc", "/usr/lib", "/", "/dev", sys.prefix]
    found = run(cloud, function, *(f"write({f'{place}/new'!r})" for place in places))
    assert found == ["EROFS"] * len(places)
    assert run(cloud, function, "write('/var/task/app.py')", "os.remove('/var/task/app.py')") == ["EROFS"] * 2
    assert run(cloud, function, "os.chmod('/var/task/app.py', 0o777)") == ["EROFS"]
    assert run(cloud, function, "write('/tmp/new')", "write('/dev/null')") == ["written"] * 2
    assert run(cloud, function, "write('/proc/sys/kernel/core_pattern')") == ["EACCES"]


def test_tmp_is_an_environments_own(cloud: RunningCloud, role: str, function: str) -> None:
    client = cloud.client("lambda")
    source = SOURCE + "before = os.listdir('/tmp')\n"
    for name in ("one-tmp", "two-tmp"):
        make_function(client, role, name, source)
    # Where Python itself is installed below /tmp, that much of it has to be there.
    usual = [Path(sys.prefix).parts[2]] if sys.prefix.startswith("/tmp/") else []
    listing = "sorted(os.listdir('/tmp'))"
    assert run(cloud, "one-tmp", "before", "write('/tmp/kept')", "tempfile.gettempdir()") == [
        usual, "written", "/tmp",
    ]  # fmt: skip
    assert run(cloud, "one-tmp", listing) == [sorted([*usual, "kept"])]  # it stays as long as the environment
    assert run(cloud, "two-tmp", listing) == [usual]
    client.update_function_configuration(FunctionName="one-tmp", Timeout=4)
    assert run(cloud, "one-tmp", listing) == [usual]
    assert not Path("/tmp/kept").exists()


def test_tmp_has_its_size(cloud: RunningCloud, role: str, function: str) -> None:
    make_function(
        cloud.client("lambda"), role, "small-tmp", SOURCE, Timeout=60, EphemeralStorage={"Size": 512}
    )
    assert run(cloud, "small-tmp", "write('/tmp/a', 500 << 20)") == ["written"]
    assert run(cloud, "small-tmp", "write('/tmp/b', 20 << 20)") == ["ENOSPC"]
    assert run(cloud, "small-tmp", "os.remove('/tmp/a')", "write('/tmp/c', 20 << 20)") == [None, "written"]
    make_function(
        cloud.client("lambda"), role, "large-tmp", SOURCE, Timeout=60, EphemeralStorage={"Size": 600}
    )
    assert run(cloud, "large-tmp", "write('/tmp/a', 550 << 20)") == ["written"]


def test_links_lead_nowhere(cloud: RunningCloud, function: str) -> None:
    secret = str(cloud.data.resolve() / "cloud.db")
    found = run(
        cloud, function, f"link('/tmp/link', {secret!r})", "link('/tmp/up', '../../../../etc/shadow')"
    )
    assert set(found) <= {"ENOENT", "EACCES"}


def test_other_processes_are_not_there(cloud: RunningCloud, function: str) -> None:
    assert cloud.process is not None
    pid = cloud.process.pid
    assert run(cloud, function, "sorted(each for each in os.listdir('/proc') if each.isdigit())") == [
        ["1", "2"]
    ]
    assert pid > 2
    for what in ("environ", "mem", "root", "cwd", "maps", "fd"):
        assert run(cloud, function, f"os.stat('/proc/{pid}/{what}')") == ["ENOENT"]
        # The first process of its namespace is not its own either.
        assert run(cloud, function, f"os.listdir('/proc/1/{what}')", f"read('/proc/1/{what}')")[1] == "EACCES"
    assert run(cloud, function, f"os.kill({pid}, 9)", "os.kill(1, 9)")[0] == "ESRCH"
    assert run(cloud, function, f"libc('ptrace', 16, {pid}, None, None)") == ["ESRCH"]
    assert run(cloud, function, "libc('ptrace', 16, 1, None, None)") == ["EPERM"]
    run(cloud, function, "os.kill(-1, 0)")
    assert cloud.process.poll() is None
    assert run(cloud, function, "1") == [1]


def test_rights_cannot_be_had(cloud: RunningCloud, function: str) -> None:
    mount = "libc('mount', b'none', b'/tmp', b'tmpfs', 0, None)"
    remount = "libc('mount', None, b'/var/task', None, 32 | 4096, None)"
    assert run(cloud, function, mount, remount, "libc('umount2', b'/tmp', 2)") == ["EPERM"] * 3
    user, mounts, processes = 0x10000000, 0x20000, 0x20000000
    found = run(cloud, function, *(f"libc('unshare', {flag})" for flag in (user, user | mounts, processes)))
    assert set(found) <= {"EPERM", "ENOSPC"}
    assert run(cloud, function, "os.setuid(0)", "os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0))") == [
        "EINVAL", "EPERM",
    ]  # fmt: skip
    assert run(cloud, function, "os.chroot('/tmp')", "os.getuid()") == ["EPERM", 993]


def test_processes_and_files_are_counted(cloud: RunningCloud, role: str, function: str) -> None:
    """1,024 of each: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    make_function(cloud.client("lambda"), role, "bomb", SOURCE, Timeout=300, MemorySize=3008)
    made, failure = run(cloud, "bomb", "forks(2000)")[0]
    assert (1000 <= made <= 1024, failure) == (True, "EAGAIN")
    assert 1000 <= run(cloud, "bomb", "threads(2000)")[0] <= 1024
    opened, failure = run(cloud, "bomb", "files(2000)")[0]
    assert (1000 <= opened <= 1024, failure) == (True, "EMFILE")
    assert run(cloud, function, "subprocess.run(['/bin/true']).returncode") == [0]  # others are not counted


def test_what_a_function_may(cloud: RunningCloud, function: str) -> None:
    assert run(cloud, function, "subprocess.run(['/bin/sh', '-c', 'exit 7']).returncode", "pipes()") == [
        7,
        42,
    ]
    assert run(cloud, function, "write('/dev/stdout')", "len(open('/dev/urandom', 'rb').read(8))") == [
        "written", 8,
    ]  # fmt: skip
    assert run(cloud, function, f"socket.create_connection(('127.0.0.1', {cloud.port})).close()") == [None]
    modules = "[__import__(name).__name__ for name in ('boto3', 'sqlite3', 'ssl', 'xml.etree.ElementTree')]"
    assert run(cloud, function, modules) == [["boto3", "sqlite3", "ssl", "xml"]]


def test_layers_lie_over_each_other(cloud: RunningCloud, role: str, function: str) -> None:
    client = cloud.client("lambda")
    arns = [
        client.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(**files)})["LayerVersionArn"]
        for name, files in (
            ("below", {"python/mine.py": "where = 'below'", "a.txt": "below", "bin/tool": "x"}),
            ("above", {"python/other.py": "where = 'above'", "a.txt": "above"}),
        )
    ]
    make_function(client, role, "layered", SOURCE, Layers=arns)
    assert run(cloud, "layered", "read('/opt/a.txt')", "sorted(os.listdir('/opt/python'))") == [
        "above", ["mine.py", "other.py"],
    ]  # fmt: skip
    assert run(cloud, "layered", "__import__('mine').where", "__import__('other').where") == [
        "below",
        "above",
    ]
    assert run(cloud, "layered", "write('/opt/python/mine.py')", "write('/opt/new')") == ["EROFS"] * 2
    assert run(cloud, "layered", "os.environ['PATH']") == ["/opt/bin:/usr/local/bin:/usr/bin:/bin"]
    assert run(cloud, function, "os.path.exists('/opt/a.txt')") == [False]


def test_python_lies_where_aws_has_it(cloud: RunningCloud, function: str) -> None:
    """So begins the AWS CLI that the CDK's BucketDeployment runs: npm's @aws-cdk/asset-awscli-v1."""
    lines = ("#!/var/lang/bin/python", "#!/var/lang/bin/python3", "#!/var/lang/bin/python3.12")
    assert run(cloud, function, *(f"script({line!r})" for line in lines)) == ["True"] * 3


NODE = """
import fs from "node:fs";
const attempt = (work) => { try { return work() } catch (error) { return error.code ?? String(error) } };
export const handler = async (paths) => [
  process.cwd(), process.getuid(), fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).length,
  ...paths.map((path) => attempt(() => fs.readFileSync(path).length)),
  attempt(() => fs.writeFileSync("/var/task/new", "x")),
  attempt(() => fs.writeFileSync("/tmp/new", "x") ?? "ok"),
];
"""


def test_node_has_the_same_walls(cloud: RunningCloud, role: str, function: str) -> None:
    make_function(cloud.client("lambda"), role, "walled-node", NODE, runtime="nodejs20.x")
    data = cloud.data.resolve()
    answer = cloud.client("lambda").invoke(
        FunctionName="walled-node", Payload=json.dumps([str(data / "cloud.db"), "/etc/shadow"])
    )
    folder, user, processes, *found = json.loads(answer["Payload"].read())
    assert (folder, user, processes) == ("/var/task", 993, 2)
    assert set(found[:2]) <= {"ENOENT", "EACCES"}
    assert found[2:] == ["EROFS", "ok"]


def test_all_ends_with_the_environment(cloud: RunningCloud, role: str, function: str) -> None:
    """Also what left its session."""
    client = cloud.client("lambda")
    make_function(client, role, "leaves", SOURCE, MemorySize=256)
    text = "subprocess.Popen(['/bin/sleep', '9753'], start_new_session=True).pid > 2"
    assert run(cloud, "leaves", text) == [True]

    def sleeping() -> bool:
        return bool(
            subprocess.run(["pgrep", "-f", "^/bin/sleep 9753"], capture_output=True, check=False).stdout
        )

    assert sleeping()
    client.delete_function(FunctionName="leaves")
    until(lambda: not sleeping(), what="the process to end")


# Weaker walls


def other_cloud(folder: Path, walls: str) -> Iterator[RunningCloud]:
    cloud = RunningCloud(folder / "data", MAY_WALLS=walls).start()
    try:
        make_function(
            cloud.client("lambda"), make_role(cloud.client("iam"), "walled", LOGGING), "weak", SOURCE
        )
        yield cloud
    finally:
        cloud.stop()


def test_without_namespaces_landlock_guards_the_data(tmp_path: Path) -> None:
    for cloud in other_cloud(tmp_path, "landlock"):
        data = str(cloud.data.resolve())
        task = run(cloud, "weak", "os.environ['LAMBDA_TASK_ROOT']")[0]
        if "Landlock" not in cloud.log.read_text():
            pytest.skip("this kernel has no Landlock")
        assert task.startswith(data)
        assert run(cloud, "weak", f"read({data + '/cloud.db'!r})", f"os.listdir({data!r})") == ["EACCES"] * 2
        assert run(cloud, "weak", f"write({task + '/new'!r})", "write(tempfile.gettempdir() + '/new')") == [
            "EACCES", "written",
        ]  # fmt: skip
        assert cloud.process is not None
        found = run(
            cloud, "weak", f"read('/proc/{cloud.process.pid}/environ')", f"os.kill({cloud.process.pid}, 0)"
        )
        assert found[0] in {"EACCES", "EPERM"}
        assert found[1] in {"EPERM", None}  # signals since version 6
        assert run(cloud, "weak", "subprocess.run(['/bin/true']).returncode", "pipes()") == [0, 42]


def test_without_walls_it_is_said(tmp_path: Path) -> None:
    for cloud in other_cloud(tmp_path, "none"):
        assert run(cloud, "weak", f"os.path.exists({str(cloud.data.resolve() / 'cloud.db')!r})") == [True]
        assert "functions can read and write what this user can (not wanted)" in cloud.log.read_text()


def test_doctor_says_how_functions_are_walled() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "maycloud.cli.main", "doctor", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    [found] = [each for each in json.loads(ran.stdout) if each["what"] == "walls"]
    assert found["found"].startswith("functions ")

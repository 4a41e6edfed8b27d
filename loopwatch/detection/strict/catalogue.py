"""The calls that are known to block, by kind. Data, not code; ``docs/strict.md`` shows it with the cures.

Names are those that programs use. A C function is recognized by its name; a Python function by its module and qualified
name, which its frame knows.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loopwatch.detection.strict.conditions import (
    Condition,
    has_blocking_descriptor,
    is_future_pending,
    is_host_name,
    is_lock_taken,
    is_not_loaded,
    is_process_running,
    is_queue_empty,
    is_queue_full,
    is_real_file,
    is_rlock_taken,
    is_socket_blocking,
    is_thread_alive,
    is_waiting_allowed,
    may_wait_for_child,
    unless_zero,
)


class Kind(StrEnum):
    SLEEP = "sleep"
    SOCKET = "socket"
    DNS = "DNS"
    HTTP = "HTTP and mail"
    TLS = "TLS"
    FILE = "file"
    DIRECTORY = "directory"
    CHANGE = "change to the file system"
    LOOK = "look at the file system"
    DATABASE = "database"
    PROCESS = "process"
    LOCK = "lock"
    QUEUE = "queue"
    FUTURE = "future"
    THREAD = "thread"
    INPUT = "input"
    SYSLOG = "system log"
    IMPORT = "import"
    MAIL = "mail"
    CACHE = "cache"
    SESSION = "session"
    STORED_FILE = "stored file"
    LOGIN = "login and password"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Known:
    """A call that is known to block: always, or if its condition holds at the time it is made.

    A call that ``must_wait`` blocks only while it waits, which shows when it returns.
    """

    name: str
    kind: Kind
    condition: Condition | None = None
    must_wait: bool = False


def _in_c(
    kind: Kind, prefix: str, names: str, condition: Condition | None = None, *, must_wait: bool = False
) -> dict[str, Known]:
    return {f"{prefix}{name}": Known(f"{prefix}{name}", kind, condition, must_wait) for name in names.split()}


def _in_python(
    kind: Kind, module: str, names: str, condition: Condition | None = None, *, of: str = "", public: str = ""
) -> dict[tuple[str, str], Known]:
    """``of`` is the class, with a dot, and ``public`` the module that programs import the names from."""
    found = {}
    for name in names.split():
        full = f"{public or module}.{of}{name}".removesuffix(".__init__")
        found[module, f"{of}{name}"] = Known(full, kind, condition)
    return found


_READS: Final = "read read1 readinto readinto1 readline peek"
_CURSOR: Final = "execute executemany executescript fetchone fetchmany fetchall"
_PSYCOPG: Final = "execute executemany fetchone fetchmany fetchall"

IN_C: Final[dict[str, Known]] = {
    **_in_c(Kind.SLEEP, "time.", "sleep"),
    **_in_c(Kind.SOCKET, "socket.socket.", "connect connect_ex bind send sendall sendto sendmsg", is_socket_blocking),
    **_in_c(Kind.SOCKET, "socket.socket.", "recv recv_into recvfrom recvfrom_into recvmsg", is_socket_blocking),
    **_in_c(Kind.SOCKET, "socket.socket.", "recvmsg_into", is_socket_blocking),
    **_in_c(Kind.SOCKET, "select.", "select", unless_zero((3, "timeout")), must_wait=True),
    **_in_c(Kind.SOCKET, "select.", "poll.poll epoll.poll", unless_zero((0, "timeout")), must_wait=True),
    **_in_c(Kind.DNS, "socket.", "gethostbyname gethostbyname_ex gethostbyaddr getnameinfo"),
    **_in_c(Kind.TLS, "ssl.SSLContext.", "load_verify_locations set_default_verify_paths load_cert_chain"),
    **_in_c(Kind.FILE, "", "open"),
    **_in_c(Kind.FILE, "io.BufferedReader.", _READS, is_real_file),
    **_in_c(Kind.FILE, "io.BufferedRandom.", f"{_READS} write flush", is_real_file),
    **_in_c(Kind.FILE, "io.BufferedWriter.", "write flush", is_real_file),
    **_in_c(Kind.FILE, "io.TextIOWrapper.", "read readline write flush", is_real_file),
    **_in_c(Kind.FILE, "io.FileIO.", "read readall readinto write", is_real_file),
    **_in_c(Kind.FILE, "_io._IOBase.", "readlines writelines", is_real_file),
    **_in_c(Kind.FILE, "os.", "open fsync fdatasync truncate ftruncate copy_file_range"),
    **_in_c(Kind.FILE, "os.", "read readv pread write writev pwrite sendfile", has_blocking_descriptor),
    **_in_c(Kind.FILE, "fcntl.", "flock lockf"),
    **_in_c(Kind.DIRECTORY, "os.", "listdir scandir"),
    **_in_c(Kind.CHANGE, "os.", "mkdir rmdir remove unlink rename replace link symlink chmod chown utime"),
    **_in_c(Kind.LOOK, "os.", "stat lstat access statvfs readlink getcwd"),
    **_in_c(Kind.DATABASE, "sqlite3.", "connect"),
    **_in_c(Kind.DATABASE, "sqlite3.Cursor.", _CURSOR),
    **_in_c(Kind.DATABASE, "sqlite3.Connection.", "execute executemany executescript commit rollback backup"),
    **_in_c(Kind.DATABASE, "psycopg2.", "_connect"),
    **_in_c(Kind.DATABASE, "psycopg2.extensions.cursor.", f"{_PSYCOPG} callproc"),
    **_in_c(Kind.DATABASE, "psycopg2.extensions.connection.", "commit rollback"),
    **_in_c(Kind.PROCESS, "os.", "system posix_spawn posix_spawnp fork forkpty execv execve kill"),
    **_in_c(Kind.PROCESS, "os.", "wait wait3 waitid", must_wait=True),
    **_in_c(Kind.PROCESS, "os.", "waitpid wait4", may_wait_for_child, must_wait=True),
    **_in_c(Kind.LOCK, "threading.Lock.", "acquire acquire_lock", is_lock_taken, must_wait=True),
    **_in_c(Kind.LOCK, "threading.RLock.", "acquire", is_rlock_taken, must_wait=True),
    **_in_c(Kind.QUEUE, "queue.SimpleQueue.", "get", unless_zero((0, "block"), (1, "timeout")), must_wait=True),
    **_in_c(Kind.INPUT, "", "input"),
    **_in_c(Kind.SYSLOG, "syslog.", "syslog openlog"),
}

IN_PYTHON: Final[dict[tuple[str, str], Known]] = {
    **_in_python(Kind.SOCKET, "socket", "accept sendfile", is_socket_blocking, of="socket."),
    **_in_python(Kind.DNS, "socket", "getaddrinfo", is_host_name),
    **_in_python(
        Kind.TLS, "ssl", "do_handshake read write send sendall recv recv_into", is_socket_blocking, of="SSLSocket."
    ),
    **_in_python(Kind.TLS, "ssl", "connect unwrap", is_socket_blocking, of="SSLSocket."),
    **_in_python(Kind.TLS, "ssl", "create_default_context get_server_certificate"),
    **_in_python(Kind.TLS, "ssl", "load_default_certs", of="SSLContext."),
    **_in_python(Kind.HTTP, "http.client", "connect", of="HTTPConnection."),
    **_in_python(Kind.HTTP, "http.client", "connect", of="HTTPSConnection."),
    **_in_python(Kind.HTTP, "urllib.request", "urlopen urlretrieve"),
    **_in_python(Kind.HTTP, "ftplib", "connect", of="FTP."),
    **_in_python(Kind.HTTP, "smtplib", "connect sendmail", of="SMTP."),
    **_in_python(Kind.HTTP, "poplib", "__init__", of="POP3."),
    **_in_python(Kind.HTTP, "imaplib", "open", of="IMAP4."),
    **_in_python(Kind.HTTP, "nntplib", "__init__", of="NNTP."),
    **_in_python(Kind.DIRECTORY, "os", "walk fwalk"),
    ("os", "_walk"): Known("os.walk", Kind.DIRECTORY),
    ("os", "_fwalk"): Known("os.fwalk", Kind.DIRECTORY),
    **_in_python(Kind.DIRECTORY, "glob", "glob iglob"),
    **_in_python(Kind.DIRECTORY, "pathlib", "glob rglob walk", of="Path."),
    **_in_python(Kind.DIRECTORY, "pathlib._local", "glob rglob walk", of="Path.", public="pathlib"),
    **_in_python(Kind.DIRECTORY, "shutil", "copytree rmtree"),
    **_in_python(Kind.FILE, "shutil", "copyfile copy copy2 move copyfileobj"),
    **_in_python(Kind.CHANGE, "shutil", "copymode copystat"),
    **_in_python(Kind.CHANGE, "tempfile", "mkstemp mkdtemp"),
    **_in_python(Kind.LOOK, "posixpath", "abspath islink ismount realpath", public="os.path"),
    **_in_python(Kind.LOOK, "genericpath", "islink samestat sameopenfile", public="os.path"),
    **_in_python(
        Kind.DATABASE, "psycopg.connection", "connect commit rollback execute", of="Connection.", public="psycopg"
    ),
    **_in_python(Kind.DATABASE, "psycopg.cursor", f"{_PSYCOPG} stream copy", of="Cursor.", public="psycopg"),
    **_in_python(Kind.DATABASE, "psycopg._server_cursor", _PSYCOPG, of="ServerCursor.", public="psycopg"),
    **_in_python(Kind.DATABASE, "MySQLdb.cursors", "execute executemany", of="BaseCursor."),
    **_in_python(Kind.DATABASE, "pymysql.cursors", "execute executemany", of="Cursor."),
    **_in_python(Kind.PROCESS, "subprocess", "__init__", of="Popen."),
    **_in_python(Kind.PROCESS, "subprocess", "wait communicate", is_process_running, of="Popen."),
    **_in_python(Kind.PROCESS, "os", "spawnv spawnve spawnvp spawnvpe spawnl spawnle spawnlp spawnlpe popen"),
    **_in_python(Kind.PROCESS, "os", "execl execle execlp execlpe execvp execvpe"),
    **_in_python(Kind.LOCK, "threading", "wait", is_waiting_allowed, of="Condition."),
    **_in_python(Kind.QUEUE, "queue", "get", is_queue_empty, of="Queue."),
    **_in_python(Kind.QUEUE, "queue", "put", is_queue_full, of="Queue."),
    **_in_python(
        Kind.FUTURE,
        "concurrent.futures._base",
        "result exception",
        is_future_pending,
        of="Future.",
        public="concurrent.futures",
    ),
    **_in_python(Kind.FUTURE, "concurrent.futures._base", "wait", public="concurrent.futures"),
    **_in_python(Kind.THREAD, "threading", "join", is_thread_alive, of="Thread."),
    **_in_python(Kind.INPUT, "getpass", "unix_getpass"),
    ("importlib._bootstrap", "_find_and_load"): Known("import", Kind.IMPORT, is_not_loaded),
}

# What reads a file, takes a lock or starts a thread, but once, or for a moment: nothing inside it is reported.
HARMLESS: Final = frozenset(
    {
        ("threading", "Thread.start"),
        ("concurrent.futures.thread", "ThreadPoolExecutor.submit"),
        ("linecache", "getlines"),
        ("linecache", "updatecache"),
        ("linecache", "checkcache"),
        ("mimetypes", "init"),
        ("zoneinfo._common", "load_data"),
        ("zoneinfo._common", "load_tzdata"),
        ("zoneinfo._tzpath", "find_tzfile"),
    }
)

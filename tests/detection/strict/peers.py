"""What other tools of the field know: blockbuster 1.5.29's functions, and the events that aiocop 1.2.1 listens to."""

BLOCKBUSTER = """
    builtins.input io.BufferedRandom.read io.BufferedRandom.write io.BufferedReader.read io.BufferedWriter.write
    io.TextIOWrapper.read io.TextIOWrapper.write os.access os.getcwd os.link os.listdir os.mkdir os.path.abspath
    os.path.islink os.path.ismount os.path.sameopenfile os.path.samestat os.read os.readlink os.remove os.rename
    os.replace os.rmdir os.scandir os.sendfile os.stat os.statvfs os.symlink os.unlink os.write socket.socket.accept
    socket.socket.connect socket.socket.recv socket.socket.recv_into socket.socket.recvfrom
    socket.socket.recvfrom_into socket.socket.recvmsg socket.socket.send socket.socket.sendall socket.socket.sendto
    sqlite3.Connection.commit sqlite3.Connection.execute sqlite3.Connection.executemany
    sqlite3.Connection.executescript sqlite3.Connection.rollback sqlite3.Cursor.execute sqlite3.Cursor.executemany
    sqlite3.Cursor.executescript sqlite3.Cursor.fetchall sqlite3.Cursor.fetchmany sqlite3.Cursor.fetchone
    ssl.SSLSocket.read ssl.SSLSocket.recv ssl.SSLSocket.send ssl.SSLSocket.write threading.Lock.acquire
    threading.Lock.acquire_lock time.sleep
"""

AIOCOP = """
    builtins.input fcntl.flock fcntl.lockf ftplib.connect glob.glob http.client.connect imaplib.open import
    nntplib.connect open os.access os.exec os.fork os.fwalk os.getcwd os.kill os.link os.listdir os.mkdir
    os.path.abspath os.path.islink os.path.ismount os.path.sameopenfile os.path.samestat os.posix_spawn os.readlink
    os.remove os.rename os.replace os.rmdir os.scandir os.sendfile os.spawn os.stat os.statvfs os.symlink os.system
    os.truncate os.walk pathlib.Path.glob pathlib.Path.rglob poplib.connect shutil.copyfile shutil.copymode
    shutil.copystat shutil.copytree shutil.move shutil.rmtree smtplib.connect socket.getaddrinfo socket.gethostbyaddr
    socket.gethostbyname socket.getnameinfo socket.socket.accept socket.socket.bind socket.socket.connect
    socket.socket.connect_ex socket.socket.recv socket.socket.recv_into socket.socket.recvfrom
    socket.socket.recvfrom_into socket.socket.recvmsg socket.socket.send socket.socket.sendall socket.socket.sendmsg
    socket.socket.sendto sqlite3.connect ssl.SSLSocket.read ssl.SSLSocket.recv ssl.SSLSocket.send ssl.SSLSocket.write
    subprocess.Popen syslog.openlog syslog.syslog tempfile.mkdtemp tempfile.mkstemp time.sleep urllib.Request
"""

# An audit event is named after what raises it, not after what is called.
CALLED = {
    "builtins.input": "input",
    "ftplib.connect": "ftplib.FTP.connect",
    "http.client.connect": "http.client.HTTPConnection.connect",
    "imaplib.open": "imaplib.IMAP4.open",
    "nntplib.connect": "nntplib.NNTP",
    "os.exec": "os.execv",
    "os.spawn": "os.spawnv",
    "poplib.connect": "poplib.POP3",
    "smtplib.connect": "smtplib.SMTP.connect",
    "urllib.Request": "urllib.request.urlopen",
}

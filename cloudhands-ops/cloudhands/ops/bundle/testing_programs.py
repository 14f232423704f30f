"""What stands in for our four commands in the bundles of tests: quick to start, and easy to watch.

The database is a JSON file in the state folder. Each call that changes something leaves a line in
`done.log` beside it, so that a test sees what was done twice.
"""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VERSION, SCHEMA, OLDEST_CODE, BROKEN = "0", "0000", "0000", ""
# FACTS

SUPERVISORD = """
[supervisord]
silent=true
directory={state}
pidfile={state}/supervisord.pid
logfile={state}/log/supervisord.log
childlogdir={state}/log
[unix_http_server]
file={state}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{state}/supervisor.sock
[program:cloud-index]
command={programs}/cloud-index --config {config}
startsecs=0
redirect_stderr=true
stdout_logfile={state}/log/cloud-index.log
[program:cloud-burst]
command={programs}/cloud-burst --config {config}
startsecs=0
redirect_stderr=true
stdout_logfile={state}/log/cloud-burst.log
[fcgi-program:cloud-serve]
command={programs}/cloud-serve --config {config} --fd 0
numprocs=2
process_name=%(program_name)s_%(process_num)02d
socket=tcp://127.0.0.1:{port}
startsecs=0
redirect_stderr=true
stdout_logfile={state}/log/%(program_name)s_%(process_num)02d.log
"""


def _begin(program: str) -> None:
    if "--version" in sys.argv:
        print(f"{program} {VERSION} (revision unknown)")
        sys.exit(0)
    if program == BROKEN:
        sys.exit(f"{program}: it is broken on purpose")


def _say(event: str) -> None:
    print(json.dumps({"event": event}), file=sys.stderr, flush=True)


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = VERSION.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def serve() -> None:
    """Answer with the version, on the socket that is inherited, until SIGTERM."""
    _begin("cloud-serve")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=os.dup(0))
    server.socket.setblocking(False)  # the other process may be the quicker one
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    _say("serving")
    server.serve_forever(poll_interval=0.02)
    server.server_close()


def wait() -> None:
    """Do nothing until SIGTERM."""
    _begin("cloud-index")
    while True:
        time.sleep(60)


def burst() -> None:
    """Do nothing until SIGTERM, and say so."""
    _begin("cloud-burst")
    _say("ready")
    while True:
        time.sleep(60)


def admin() -> None:
    """Do what a deployment asks of `cloud-admin`."""
    _begin("cloud-admin")
    config = Path(sys.argv[sys.argv.index("--config") + 1])
    settings = tomllib.loads(config.read_text(encoding="utf-8"))
    state = Path(settings["state"])
    database = state / "database.json"
    match [one for one in sys.argv[3:] if one != "--json"]:
        case ["config", "check"]:
            if "wrong" in settings:
                sys.exit("cloud-admin: wrong: there is no such setting")
        case ["db", "current"]:
            print(json.dumps(_standing(_read(database))))
        case ["db", "backup", "--to", file, "--force"]:
            shutil.copy(database, file)
            _done(state, "backup")
        case ["db", "upgrade"] if BROKEN == "upgrade":
            sys.exit("cloud-admin: the migration fails on purpose")
        case ["db", "upgrade"]:
            part = database.with_suffix(".part")
            part.write_text(json.dumps({"revision": SCHEMA, "oldest_code": OLDEST_CODE}))
            part.replace(database)
            _done(state, "upgrade")
        case ["deploy-files", "--to", to, "--programs", programs, *_]:
            (state / "log").mkdir(exist_ok=True)
            Path(to).mkdir(exist_ok=True)
            port = settings["portal"]["port"]
            text = SUPERVISORD.format(state=state, programs=programs, config=config, port=port)
            Path(to, "supervisord.conf").write_text(text)
        case unknown:
            sys.exit(f"cloud-admin: unknown: {unknown}")


def _read(database: Path) -> dict[str, str | None]:
    if not database.exists():
        return {"revision": None, "oldest_code": None}
    found: dict[str, str | None] = json.loads(database.read_text())
    return found


def _standing(found: dict[str, str | None]) -> dict[str, Any]:
    revision, oldest_code = found["revision"], found["oldest_code"]
    is_newer = revision is not None and revision > SCHEMA
    return {
        **found,
        "newest": SCHEMA,
        "oldest_code_after": oldest_code if is_newer else OLDEST_CODE,
        "usable": revision == SCHEMA or (is_newer and (oldest_code or "") <= SCHEMA),
    }


def _done(state: Path, what: str) -> None:
    with (state / "done.log").open("a") as log:
        log.write(f"{VERSION} {what}\n")

"""Lambda's invoke API on loopback, by the runtime interface emulator that ships with the SAM CLI.

Where no container engine runs, this stands in for `sam local start-lambda`: the very bootstraps that
`sam build` made, each behind AWS's own emulator.

    python infra/sam/emulate.py --build .aws-sam/build --env-vars containers.json --port 3002

An emulator serves one invocation at a time, so a function that is asked again meanwhile gets
another one, as Lambda would give it another execution environment.
"""

import argparse
import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import samcli

PATH = re.compile(r"^/2015-03-31/functions/([A-Za-z0-9]+)/invocations$")
OWN_PATH = "/2015-03-31/functions/function/invocations"
# Time enough for a machine that is busy with something else.
START_SECONDS = 30


def emulator():
    """The emulator for this machine."""
    name = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    return pathlib.Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{name}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Environment:
    """One execution environment: an emulator and the function's process in it."""

    def __init__(self, function, bootstrap, variables):
        self.port = free_port()
        command = [
            emulator(),
            "--log-level",
            "error",
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{self.port}",
            "--runtime-api-address",
            f"127.0.0.1:{free_port()}",
            bootstrap,
        ]
        own = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self.process = subprocess.Popen(command, env={**variables, **own}, stdout=sys.stderr)
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise TimeoutError("the emulator does not listen")

    def invoke(self, event):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", OWN_PATH, event)
        answer = connection.getresponse().read()
        connection.close()
        return answer


class Functions:
    """The functions of a build, and their environments that have nothing to do."""

    def __init__(self, build, variables):
        self.build = build
        self.variables = variables
        self.idle = {}
        self.started = []
        self.lock = threading.Lock()

    def invoke(self, function, event):
        bootstrap = self.build / function / "bootstrap"
        if not bootstrap.is_file():
            return None
        with self.lock:
            idle = self.idle.setdefault(function, queue.SimpleQueue())
        try:
            environment = idle.get_nowait()
        except queue.Empty:
            environment = Environment(function, bootstrap, self.variables)
            with self.lock:
                self.started.append(environment)
        answer = environment.invoke(event)
        idle.put(environment)
        return answer

    def stop(self):
        for environment in self.started:
            environment.process.terminate()
        for environment in self.started:
            environment.process.wait()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    functions = None

    def do_POST(self):
        event = self.rfile.read(int(self.headers["Content-Length"]))
        named = PATH.match(self.path)
        answer = self.functions.invoke(named.group(1), event) if named else None
        if answer is None:
            return self.answer(404, b'{"Type":"User","Message":"Function not found"}')
        return self.answer(200, answer)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 200 and b'"errorType"' in body:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """An event holds messages: nothing of it is printed."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=".aws-sam/build")
    parser.add_argument("--env-vars", type=pathlib.Path, required=True)
    parser.add_argument("--port", type=int, default=3002)
    arguments = parser.parse_args()
    variables = json.loads(arguments.env_vars.read_text())["Parameters"]
    Handler.functions = Functions(arguments.build.resolve(), variables)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    server.daemon_threads = True
    # `shutdown` waits for the loop, so it has to be another thread's.
    stop = lambda *_: threading.Thread(target=server.shutdown).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"functions are invoked at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    Handler.functions.stop()


if __name__ == "__main__":
    main()
